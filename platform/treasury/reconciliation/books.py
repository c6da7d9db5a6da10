"""The three sides as the brokerage's own books have them.

Payments: the book's clearing accounts against providers' signed events, providers' own lists and
the lines of bank statements. Movements: the book's trading accounts against the balance operations
that the mirror read from the servers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from kernel.money import Money
from ledger.chart import BANK, PSP_CLEARING, TRADING_ACCOUNT
from treasury.banks import queries as bank_queries
from treasury.reconciliation import corrections, matching
from treasury.reconciliation.matching import Break, Result, Windows
from treasury.reconciliation.records import Record, Side, Standing
from treasury.reconciliation.sides import queries
from treasury.reconciliation.sides.queries import Said, Session

# How far back records are read beyond the first moment whose payments are judged.
MARGIN: Final = timedelta(days=7)
_WORDS: Final[dict[str, Standing]] = {
    "succeeded": "done",
    "pending": "under_way",
    "held": "under_way",
    "failed": "nothing",
    "cancelled": "nothing",
    "refunded": "taken_back",
    "chargeback": "taken_back",
}
_FEES: Final = ("psp_fee", "withdrawal_fee_psp")
# How long a statement may take to show a transfer.
_STATEMENT: Final = timedelta(days=3)
# The kind of an entry that mends a difference, such as a write-off.
MENDING: Final = "reconciliation"
_EQUITY: Final = "The whole account"


async def compare(
    session: Session,
    *,
    since: datetime,
    cut: datetime,
    also: Collection[str] = (),
    windows: Windows | None = None,
) -> tuple[Result, set[str]]:
    """Compare all sides as of a moment; return the result and which payments were judged.

    Judged is whatever has a record since the first moment, and what is in `also`.
    """
    limits = windows or Windows()
    result = Result()
    judged: set[str] = set(also)
    halves: tuple[tuple[Side, list[Record]], ...] = (
        ("psp", await _payments(session, since=since, cut=cut, also=also)),
        ("platform", await _movements(session, since=since, cut=cut, also=also)),
    )
    for side, records in halves:
        names = {one.id for one in records if one.id and one.at >= since} | set(also)
        judged |= names
        mine = [one for one in records if one.id in names or not one.id]
        found = matching.compare(mine, cut=cut, sides=("ledger", side), windows=limits)
        result.matched += found.matched
        result.breaks += [_of_suspense(one) for one in found.breaks]
    return result, judged


def _of_suspense(one: Break) -> Break:
    """Say of a bank's line in suspense what is left to do; its money is booked."""
    if one.kind != "unallocated" or not one.place.startswith("BNK-"):
        return one
    detail = f"The bank has booked {one.place} and it names no payment of ours"
    return replace(one, detail=detail, correction=corrections.in_suspense())


async def equity_breaks(
    session: Session, *, cut: datetime, windows: Windows | None = None
) -> tuple[int, list[Break]]:
    """Compare each trading account's balance with its server's; return how many, and the breaks.

    An account that moved shortly before the moment is looked at the next time.
    """
    limits = windows or Windows()
    accounts = await queries.equity(session, until=cut)
    breaks = []
    for account_id, login, currency, ours, theirs, last in accounts:
        if ours == theirs or (last is not None and last >= cut - limits.platform):
            continue
        surplus = Money(theirs - ours, currency)
        breaks.append(
            Break(
                "amount",
                "platform",
                f"account {login}",
                {"ledger": Money(ours, currency), "platform": Money(theirs, currency)},
                surplus,
                last or cut,
                f"{_EQUITY}: the book has {Money(ours, currency)}, the deals of the trading server"
                f" {Money(theirs, currency)}",
                corrections.differing("platform", surplus),
                str(account_id),
            )
        )
    return len(accounts), breaks


async def _payments(
    session: Session, *, since: datetime, cut: datetime, also: Collection[str]
) -> list[Record]:
    start = since - MARGIN
    until = cut + MARGIN
    book = await queries.book(session, code=PSP_CLEARING, since=start, until=until, also=also)
    payouts = []
    if await bank_queries.accounts(session):
        # A bank takes days; what left it is compared as soon as a statement could show it.
        banks = await queries.book(session, code=BANK, since=start, until=until, also=also)
        late = cut - _STATEMENT
        payouts = [one for one in banks if one.kind == queries.PAYOUT and one.at < late]
    records = _booked([*book, *payouts])
    for said in await queries.words(session, since=start, also=also):
        if said.currency and said.kind in _WORDS:
            records.append(_record("psp", said, _WORDS[said.kind]))
    listed = await queries.provider_lists(session, since=start, also=also)
    told = {(one.id, one.standing) for one in records if one.side == "psp"}
    for said, standing in listed:
        # A list repeats what an event said; it is one payment.
        if (said.reference, standing) not in told or not said.reference:
            records.append(_record("psp", said, _standing(standing)))
    for said in await queries.wires(session, since=start.date(), also=also):
        records.append(_record("psp", said, "done"))
    shown = await queries.paid_out(session, since=start.date(), also=also)
    kept = {one.reference for one in payouts}
    records += [_record("psp", said, "done") for said in shown if said.reference in kept]
    for said in await queries.in_suspense(session, until=cut):
        records.append(_record("psp", said, "done"))
    return records


def _standing(text: str) -> Standing:
    return next((one for one in _WORDS.values() if one == text), "done")


def _record(side: Side, said: Said, standing: Standing) -> Record:
    """Return a record; money that a provider paid out for us is below zero, as in the book."""
    outwards = said.reference.startswith("WDR-") and said.amount > 0
    amount = Money(-said.amount if outwards else said.amount, said.currency)
    return Record(side, said.reference, amount, said.at, standing, said.fee, said.place)


def _booked(lines: Iterable[Said]) -> list[Record]:
    """Gather the book's lines of each payment: its fees belong to its first line."""
    rows = list(lines)
    fees: dict[str, Decimal] = {}
    for one in rows:
        if one.kind in _FEES:
            fees[one.reference] = fees.get(one.reference, Decimal(0)) - one.amount
    records = []
    for one in rows:
        if one.kind in _FEES:
            continue
        back = one.reverses or "chargeback" in one.kind
        money = Money(one.amount, one.currency)
        fee = None if back else fees.pop(one.reference, None)
        standing: Standing = "taken_back" if back else "done"
        records.append(Record("ledger", one.reference, money, one.at, standing, fee, one.kind))
    return _mended(records)


def _mended(records: Iterable[Record]) -> list[Record]:
    """Let what mends a payment in the book count into it; what is nothing then is left out."""
    kept: list[Record] = []
    first: dict[str, int] = {}
    for one in sorted(records, key=lambda one: one.place == MENDING):
        at = first.get(one.id) if one.side == "ledger" and one.place == MENDING else None
        if at is not None:
            amount = Money(kept[at].amount.amount + one.amount.amount, one.amount.currency)
            kept[at] = replace(kept[at], amount=amount)
            continue
        if one.side == "ledger" and one.standing == "done":
            first.setdefault(one.id, len(kept))
        kept.append(one)
    return [one for one in kept if one.amount.amount]


async def _movements(
    session: Session, *, since: datetime, cut: datetime, also: Collection[str]
) -> list[Record]:
    start = since - MARGIN
    until = cut + MARGIN
    also = {one.partition("@")[0] for one in also}
    book = await queries.book(session, code=TRADING_ACCOUNT, since=start, until=until, also=also)
    server = await queries.operations(session, since=start, until=until, also=also)
    several = _several(book, server)
    records = []
    for one in book:
        payment = _of_account(one.reference, one.place, several)
        money = Money(-one.amount, one.currency)
        place = MENDING if one.reverses else one.kind
        records.append(Record("ledger", payment, money, one.at, "done", None, place))
    for one in server:
        account, _, ticket = one.place.partition(" ")
        payment = _of_account(one.reference, account, several) if one.reference else ""
        money = Money(one.amount, one.currency)
        place = f"ticket {ticket} of account {one.kind}"
        records.append(Record("platform", payment, money, one.at, "done", None, place))
    return _mended(records)


def _several(*sides: Sequence[Said]) -> set[str]:
    """Return the payments that move money between trading accounts: each end is looked at."""
    ends: dict[str, set[str]] = {}
    for side in sides:
        for one in side:
            ends.setdefault(one.reference, set()).add(one.place.partition(" ")[0])
    return {payment for payment, accounts in ends.items() if len(accounts) > 1}


def _of_account(payment: str, account: str, several: Collection[str]) -> str:
    return f"{payment}@{account[-8:]}" if payment in several else payment
