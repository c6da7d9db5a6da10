"""What the states of a reconciliation mean, written down by enumeration for few records.

One row per side and payment is judged; repeated rows are looked at in every order of picking the
one that counts. Shares nothing with the product's matcher but the records.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from treasury.reconciliation.records import Record

Found = tuple[str, str, str]
HOUR = timedelta(hours=1)


def judge(records: list[Record], *, cut: datetime) -> tuple[int, list[Found]]:
    """Return how many payments match, and kind, side and id of each break, sorted."""
    breaks: list[Found] = [
        ("unallocated", record.side, "")
        for record in records
        if not record.id and record.at < cut and record.standing in ("done", "taken_back")
    ]
    matched = 0
    for payment in sorted({record.id for record in records if record.id}):
        mine = [record for record in records if record.id == payment]
        if min(record.at for record in mine) >= cut:
            continue
        found = _of_payment(mine, cut)
        breaks += [(kind, side, payment) for kind, side in found]
        matched += not found and any(record.standing == "done" for record in mine)
    return matched, sorted(breaks)


def _of_payment(mine: list[Record], cut: datetime) -> list[tuple[str, str]]:
    found = []
    standing: dict[str, tuple[Decimal, Decimal | None]] = {}
    for side in ("ledger", "platform", "psp"):
        rows = [one for one in mine if one.side == side]
        done = [one for one in rows if one.standing == "done"]
        back = [one for one in rows if one.standing == "taken_back"]
        others = [
            one.amount.amount
            for one in mine
            if one.side != side and one.standing in ("done", "taken_back")
        ]
        amounts = [one.amount.amount for one in done]
        if len(done) > 1:
            if sum(amounts) in _wholes(mine, side):
                fees = [one.fee for one in done if one.fee is not None]
                whole = sum(amounts, Decimal(0))
                standing[side] = (whole, sum(fees, Decimal(0)) if fees else None)
                continue
            found.append(("duplicate", side))
            agreeing = [one for one in sorted(done, key=_order) if one.amount.amount in others]
            first = (agreeing or sorted(done, key=_order))[0]
            standing[side] = (first.amount.amount, first.fee)
        elif done:
            standing[side] = (done[0].amount.amount, done[0].fee)
        elif back and side != "platform":
            standing[side] = (max(back, key=_order).amount.amount, max(back, key=_order).fee)
    if not standing:
        return []
    taken = [side for side in ("ledger", "psp") if _has(mine, side, "taken_back")]
    if "ledger" not in standing:
        seen = "psp" if "psp" in standing else "platform"
        if _waits(mine, "ledger", standing, cut, HOUR):
            return [*found, ("in-transit", "ledger")]
        only_back = _has(mine, seen, "taken_back") and not _has(mine, seen, "done")
        return found if only_back else [*found, ("missing-left", "ledger")]
    for side, window in (("platform", HOUR), ("psp", 4 * HOUR)):
        if side not in standing:
            late = not _waits(mine, side, standing, cut, window)
            found.append(("missing-right" if late else "in-transit", side))
            continue
        (ours, our_fee), (theirs, fee) = standing["ledger"], standing[side]
        allowed = {ours} | ({ours - fee} if side == "psp" and fee else set())
        if theirs not in allowed:
            found.append(("amount", side))
        if side == "psp" and None not in (our_fee, fee) and our_fee != fee:
            found.append(("amount", side))
        if side == "psp" and len(taken) == 1:
            found.append(("chargeback", taken[0]))
    return found


def _wholes(mine: list[Record], side: str) -> list[Decimal]:
    """Return what each other side has of a payment in all."""
    wholes = []
    for other in {"ledger", "platform", "psp"} - {side}:
        done = [o.amount.amount for o in mine if o.side == other and o.standing == "done"]
        back = [o for o in mine if o.side == other and o.standing == "taken_back"]
        if done:
            wholes.append(sum(done, Decimal(0)))
        elif back:
            wholes.append(max(back, key=_order).amount.amount)
    return wholes


def _has(mine: list[Record], side: str, standing: str) -> bool:
    return any(one.side == side and one.standing == standing for one in mine)


def _waits(
    mine: list[Record],
    side: str,
    standing: dict[str, tuple[Decimal, Decimal | None]],
    cut: datetime,
    window: timedelta,
) -> bool:
    pending = [one for one in mine if one.side == side and one.standing == "under_way"]
    if pending:
        return any(cut - one.at <= 72 * HOUR for one in pending)
    if _has(mine, side, "nothing"):
        return False
    counting = [_counting(mine, other) for other in standing]
    return cut - max(counting) <= window


def _counting(mine: list[Record], side: str) -> datetime:
    """Return the time of the record that counts on a side: the agreeing one, else the first."""
    done = sorted((one for one in mine if one.side == side and one.standing == "done"), key=_order)
    if not done:
        return max(
            (one for one in mine if one.side == side and one.standing == "taken_back"), key=_order
        ).at
    others = [
        one.amount.amount
        for one in mine
        if one.side != side and one.standing in ("done", "taken_back")
    ]
    return next((one.at for one in done if one.amount.amount in others), done[0].at)


def _order(one: Record) -> tuple[datetime, str, Decimal]:
    return one.at, one.place, one.amount.amount
