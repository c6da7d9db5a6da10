"""Lines of an entry before they are posted, and the rules they obey."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kernel.money import Money, round_half_up
from ledger.errors import UnpostableEntry

Owner = tuple[str, UUID | str]


@dataclass(frozen=True, slots=True)
class Line:
    """An amount on one account, signed, debit positive, rounded to the currency's minor unit."""

    code: str
    currency: str
    owner: Owner
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be posted in a batch; a hold given with it is used up by it."""

    key: str
    kind: str
    lines: Sequence[Line]
    reference: str = ""
    external_reference: str | None = None
    occurred_at: datetime | None = None
    hold_id: UUID | None = None


def debit(code: str, owner: Owner, amount: Money) -> Line:
    """Return the line that debits an account."""
    return Line(code, amount.currency, owner, amount.amount)


def credit(code: str, owner: Owner, amount: Money) -> Line:
    """Return the line that credits an account."""
    return Line(code, amount.currency, owner, -amount.amount)


def check(lines: Sequence[Line]) -> None:
    """Raise UnpostableEntry unless the lines are rounded, not zero, and balance per currency."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if not line.amount.is_finite() or line.amount == 0:
            raise UnpostableEntry(reason="a line's amount is a finite number other than zero")
        if line.amount != round_half_up(line.amount, line.currency):
            raise UnpostableEntry(reason=f"{line.code} has a fraction of a minor unit")
        totals[line.currency] += line.amount
    if len(lines) < 2 or any(totals.values()):
        raise UnpostableEntry(reason="lines must add up to zero in each currency")
