"""Lines of an entry before they are posted, and the rules they obey."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
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
class Rate:
    """What a conversion was made at: units of `currency_to` for one of `currency_from`.

    `rate` is the client's, `mid` the market's, both to 12 decimals; `source` says whose it is and
    `at` when it was quoted.
    """

    currency_from: str
    currency_to: str
    rate: Decimal
    mid: Decimal
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be posted in a batch; `ledger.entries.post` says what the fields mean."""

    key: str
    kind: str
    lines: Sequence[Line]
    reference: str = ""
    external_reference: str | None = None
    occurred_at: datetime | None = None
    hold_id: UUID | None = None
    forced: bool = False
    rate: Rate | None = None


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


def split(total: Money, shares: Sequence[Decimal]) -> list[Money]:
    """Divide an amount in proportion to shares so that the parts add up to it exactly (rule R4).

    Each part is rounded down to the minor unit; what is left goes to the largest remainders, one
    unit each, to the first of equal ones. Raises ValueError for a negative share, for shares that
    are all zero, and for a total with a fraction of a minor unit.
    """
    whole = sum(shares, Decimal(0))
    if whole <= 0 or min(shares) < 0 or total != total.rounded():
        msg = "shares are positive, and the total is in whole minor units"
        raise ValueError(msg)
    units = abs(total.minor_units())
    with localcontext(prec=50):
        exact = [units * share / whole for share in shares]
    parts = [int(one) for one in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in by_remainder[: units - sum(parts)]:
        parts[place] += 1
    sign = -1 if total.amount < 0 else 1
    return [Money.from_minor(sign * part, total.currency) for part in parts]
