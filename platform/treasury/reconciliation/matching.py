"""Compare what the sides say, payment by payment: pure rules, whatever order the records come in.

The book is the left side. For each of our references the others are compared with it; a record
that names no payment of ours stands for itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from kernel.money import Money
from treasury.reconciliation import corrections
from treasury.reconciliation.corrections import Correction
from treasury.reconciliation.records import SIDE_WORDS, SIDES, Record, Side

Kind = Literal[
    "amount",
    "missing-left",
    "missing-right",
    "duplicate",
    "chargeback",
    "unallocated",
    "in-transit",
]
KINDS: Final[tuple[Kind, ...]] = (
    *("missing-left", "missing-right", "amount", "duplicate", "chargeback", "unallocated"),
    "in-transit",
)
_REFERENCE = re.compile(r"[A-Z]{2,4}-[0-9A-Z]{4,12}")


@dataclass(frozen=True, slots=True)
class Windows:
    """How long a counterpart may be on its way before it counts as missing.

    `platform` and `psp` are for what one side has done and the other does not show; `under_way` for
    what the other shows as pending.
    """

    platform: timedelta = timedelta(hours=1)
    psp: timedelta = timedelta(hours=4)
    under_way: timedelta = timedelta(days=3)

    def of(self, side: Side) -> timedelta:
        """Return the window of a side; the book is as quick as the trading server."""
        return self.psp if side == "psp" else self.platform


@dataclass(frozen=True, slots=True)
class Break:
    """A difference: `side` is where it shows, `amounts` what each side says, `difference` in it.

    `at` is when the oldest record of it was made.
    """

    kind: Kind
    side: Side
    id: str
    amounts: Mapping[Side, Money]
    difference: Money
    at: datetime
    detail: str
    correction: Correction
    place: str = ""

    @property
    def open(self) -> bool:
        """Whether somebody must act; what is in transit settles itself."""
        return self.kind != "in-transit"

    @property
    def key(self) -> str:
        """Name the same break on every day: what is in transit may become missing."""
        topic = {
            "in-transit": "presence",
            "missing-left": "presence",
            "missing-right": "presence",
        }.get(self.kind, self.kind)
        if self.kind == "amount" and self.detail.startswith(_FEE):
            topic = "fee"
        place = self.place if topic == "unallocated" else ""
        return f"{topic}:{self.side}:{self.id or place}"


@dataclass(slots=True)
class Result:
    """How many payments match on all sides, and what does not, in a fixed order."""

    matched: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def open(self) -> list[Break]:
        """The breaks that somebody must act on."""
        return [one for one in self.breaks if one.open]


_FEE = "Fee"
_Sides = dict[Side, list[Record]]


def compare(
    records: Iterable[Record],
    *,
    cut: datetime,
    sides: Sequence[Side] = SIDES,
    windows: Windows | None = None,
) -> Result:
    """Compare the sides as of a moment; what is all after it is left for the next time.

    `sides` are those that are known; a payment is expected on each of them, but a transfer (TRF-)
    never at a provider.
    """
    limits = windows or Windows()
    known = [one for one in records if one.side in sides]
    ours = _named_by_us(known)
    result = Result()
    by_id: dict[str, _Sides] = defaultdict(lambda: defaultdict(list))
    for one in known:
        if one.id and (one.side != "psp" or ours(one.id)):
            by_id[one.id][one.side].append(one)
        elif one.at < cut and one.standing in ("done", "taken_back"):
            result.breaks.append(_unallocated(one))
    for payment, found in by_id.items():
        if all(one.at >= cut for rows in found.values() for one in rows):
            continue
        expected = [one for one in sides if one != "psp" or not payment.startswith("TRF-")]
        breaks = _Payment(payment, found, expected, cut, limits).breaks()
        result.breaks.extend(breaks)
        done = any(one.standing == "done" for rows in found.values() for one in rows)
        result.matched += done and not breaks
    result.breaks.sort(key=lambda one: (KINDS.index(one.kind), one.id, one.side, one.place))
    return result


class _Named:
    """Says whether an id is a reference of ours: by its form, or by being known to us."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._known = {one.id for one in records if one.side != "psp"}
        self._formless = not any(_REFERENCE.fullmatch(one) for one in self._known)

    def __call__(self, payment: str) -> bool:
        form = _REFERENCE.fullmatch(payment) is not None
        return form or self._formless or payment in self._known


def _named_by_us(records: Sequence[Record]) -> _Named:
    return _Named(records)


def _unallocated(one: Record) -> Break:
    return Break(
        "unallocated",
        one.side,
        one.id,
        {one.side: one.amount},
        one.amount,
        one.at,
        f"{_head(SIDE_WORDS[one.side])} names no payment of ours"
        + (f", {one.place}" if one.place else ""),
        corrections.unallocated(one.side, one.amount),
        one.place,
    )


class _Payment:
    """One payment on all sides."""

    def __init__(
        self,
        payment: str,
        found: _Sides,
        expected: Sequence[Side],
        cut: datetime,
        windows: Windows,
    ) -> None:
        self._id = payment
        self._found = found
        self._expected = expected
        self._cut = cut
        self._windows = windows
        self._surplus: dict[Side, list[Record]] = {}
        self._one: dict[Side, Record] = {}
        for side in expected:
            self._one.update(self._counting(side))
        self._amounts = {side: one.amount for side, one in self._one.items()}

    def breaks(self) -> list[Break]:
        """Return what is wrong with it."""
        if not self._one:
            return []
        found = [self._duplicated(side, rows) for side, rows in self._surplus.items()]
        left = self._one.get("ledger")
        if left is None:
            return found + self._missing_left()
        for side in self._expected:
            if side == "ledger":
                continue
            right = self._one.get(side)
            if right is None:
                found.append(self._missing_right(side, left))
            else:
                found.extend(self._differences(side, left, right))
        return found

    def _rows(self, side: Side, *standings: str) -> list[Record]:
        rows = [one for one in self._found.get(side, []) if one.standing in standings]
        return sorted(rows, key=lambda one: (one.at, one.place, one.amount.amount))

    def _counting(self, side: Side) -> dict[Side, Record]:
        """Return the record that counts on a side; what stands there again is surplus."""
        done = self._rows(side, "done")
        if not done:
            # A list that shows only the last word: what was taken back had been paid.
            back = self._rows(side, "taken_back")
            if not back or side == "platform":
                return {}
            last = back[-1]
            return {side: replace(last, amount=_size(last.amount, self._sign()))}
        if len(done) == 1:
            return {side: done[0]}
        wanted = self._said_elsewhere(side)
        whole = _sum(done)
        # Parts of one payment, such as a return to two sources, add up to what another side has.
        if whole is not None and whole in self._wholes_elsewhere(side):
            return {side: replace(done[0], amount=whole, fee=_fees(done))}
        counts = next((one for one in done if one.amount in wanted), done[0])
        self._surplus[side] = [one for one in done if one is not counts]
        return {side: counts}

    def _said_elsewhere(self, side: Side) -> list[Money]:
        return [
            one.amount
            for other in SIDES
            if other != side
            for one in self._rows(other, "done", "taken_back")
        ]

    def _wholes_elsewhere(self, side: Side) -> list[Money]:
        wholes = [_sum(self._rows(other, "done")) for other in SIDES if other != side]
        back = [
            self._rows(other, "taken_back")[-1].amount
            for other in SIDES
            if other != side and self._rows(other, "taken_back") and not self._rows(other, "done")
        ]
        return [one for one in wholes if one is not None] + back

    def _sign(self) -> int:
        """Return -1 for money out of the brokerage, by whoever says it is done."""
        amounts = [one.amount.amount for side in SIDES for one in self._rows(side, "done")]
        return -1 if amounts and amounts[0] < 0 else 1

    def _duplicated(self, side: Side, rows: Sequence[Record]) -> Break:
        surplus = _sum(rows) or rows[0].amount
        places = ", ".join(one.place for one in rows if one.place)
        detail = f"{_head(SIDE_WORDS[side])} has it {len(rows) + 1} times"
        return self._break(
            "duplicate",
            side,
            surplus,
            detail + (f": {places}" if places else ""),
            corrections.duplicate(side, surplus),
        )

    def _missing_left(self) -> list[Break]:
        side, one = next(
            (side, self._one[side]) for side in ("psp", "platform") if side in self._one
        )
        if self._on_its_way("ledger"):
            return [self._in_transit("ledger", one)]
        if self._rows(side, "taken_back") and not self._rows(side, "done"):
            return []
        having = " and ".join(SIDE_WORDS[other] for other in self._one)
        verb = "have" if len(self._one) > 1 else "has"
        return [
            self._break(
                "missing-left",
                "ledger",
                one.amount,
                f"{_head(having)} {verb} it, the book has not",
                corrections.missing_in_book(side, one.amount),
            )
        ]

    def _missing_right(self, side: Side, left: Record) -> Break:
        if self._on_its_way(side):
            return self._in_transit(side, left)
        failed = self._rows(side, "nothing", "taken_back")
        return self._break(
            "missing-right",
            side,
            left.amount,
            f"The book has it, {SIDE_WORDS[side]} "
            + ("says it did not happen" if failed else "has not"),
            corrections.missing_elsewhere(side, left.amount),
        )

    def _on_its_way(self, side: Side) -> bool:
        pending = self._rows(side, "under_way")
        if not pending and self._rows(side, "nothing"):
            return False
        if any(one.at >= self._cut - self._windows.under_way for one in pending):
            return True
        latest = max(one.at for one in self._one.values())
        return not pending and latest >= self._cut - self._windows.of(side)

    def _in_transit(self, side: Side, one: Record) -> Break:
        return self._break(
            "in-transit",
            side,
            one.amount,
            f"On its way to {SIDE_WORDS[side]}",
            corrections.wait(SIDE_WORDS[side]),
        )

    def _differences(self, side: Side, left: Record, right: Record) -> list[Break]:
        found = []
        if left.amount.currency != right.amount.currency:
            detail = f"The book says {left.amount}, {SIDE_WORDS[side]} {right.amount}"
            what = corrections.other_currency(SIDE_WORDS[side])
            return [self._break("amount", side, right.amount, detail, what)]
        surplus = right.amount - left.amount
        # A statement may list what is left after the provider's fee.
        net = -right.fee if side == "psp" and right.fee else Decimal(0)
        if surplus.amount not in (Decimal(0), net):
            detail = f"The book says {left.amount}, {SIDE_WORDS[side]} {right.amount}"
            what = corrections.differing(side, surplus)
            found.append(self._break("amount", side, surplus, detail, what))
        if side == "psp":
            found += self._fee(left, right) + self._taken_back()
        return found

    def _fee(self, left: Record, right: Record) -> list[Break]:
        if left.fee is None or right.fee is None or left.fee == right.fee:
            return []
        surplus = Money(right.fee - left.fee, left.amount.currency)
        detail = f"{_FEE} of {left.fee} in the book, {right.fee} at {SIDE_WORDS['psp']}"
        return [self._break("amount", "psp", surplus, detail, corrections.fee(surplus))]

    def _taken_back(self) -> list[Break]:
        here, there = (self._rows(side, "taken_back") for side in ("ledger", "psp"))
        if bool(here) == bool(there):
            return []
        side: Side = "psp" if there else "ledger"
        rows = there or here
        amount = _size(rows[-1].amount, self._sign())
        detail = (
            "The provider took it back, the book has not booked that"
            if there
            else "The book took it back, the provider does not say so"
        )
        return [
            self._break("chargeback", side, amount, detail, corrections.taken_back(side, amount))
        ]

    def _break(
        self, kind: Kind, side: Side, difference: Money, detail: str, correction: Correction
    ) -> Break:
        counted = [one for rows in self._found.values() for one in rows]
        oldest = min(one.at for one in counted)
        return Break(kind, side, self._id, self._amounts, difference, oldest, detail, correction)


def _head(text: str) -> str:
    return text[0].upper() + text[1:]


def _size(amount: Money, sign: int) -> Money:
    return Money(sign * abs(amount.amount), amount.currency)


def _sum(rows: Sequence[Record]) -> Money | None:
    """Add amounts up; None when they are of several currencies."""
    if len({one.amount.currency for one in rows}) != 1:
        return None
    return Money(sum((one.amount.amount for one in rows), Decimal(0)), rows[0].amount.currency)


def _fees(rows: Sequence[Record]) -> Decimal | None:
    fees = [one.fee for one in rows if one.fee is not None]
    return sum(fees, Decimal(0)) if fees else None
