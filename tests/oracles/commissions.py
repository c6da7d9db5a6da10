"""Revenue and commissions of trades by exact fractions, independent of the product's SQL.

Takes plain values and knows nothing of tables: written from rules R1 to R5, E5 and features 6.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Rates:
    """What one partner is entitled to: money per lot, or per cent of the commission."""

    per_lot: Fraction
    percent: Fraction
    ratio: Fraction = Fraction(1)


@dataclass(frozen=True)
class Side:
    """One deal: lots, contract size, the group's points, point, rate and commission charged."""

    lots: Fraction
    contract: Fraction
    points: Fraction
    point: Fraction
    rate: Fraction
    commission: Fraction

    @property
    def markup(self) -> Fraction:
        """Return the unrounded mark-up of the side in the account's currency."""
        return self.lots * self.contract * self.points / 2 * self.point * self.rate


def cents_half_up(value: Fraction) -> int:
    """Round half away from zero to cents."""
    sign = -1 if value < 0 else 1
    return sign * int(abs(value) * 100 + Fraction(1, 2))


def paid_cents(
    opened: Side,
    closed: Side,
    chain: list[Rates],
    *,
    by_percent: bool,
    held: int,
    guard: Fraction = Fraction(80),
    minimum: int = 120,
) -> list[int]:
    """Return what each partner of a chain gets in cents, nearest first."""
    if held < minimum:
        return [0 for _ in chain]
    carried = min(closed.lots / opened.lots, Fraction(1))
    commission = closed.commission + opened.commission * carried
    revenue = closed.markup + opened.markup * carried + commission
    highest, parts = Fraction(0), []
    for one in chain:
        base = commission * one.percent / 100 if by_percent else closed.lots * one.per_lot
        entitled = base * one.ratio
        parts.append(max(Fraction(0), entitled - highest))
        highest = max(highest, entitled)
    total, cap = sum(parts, Fraction(0)), max(Fraction(0), revenue * guard / 100)
    if total > cap:
        parts = [part * cap / total for part in parts]
    return [int(part * 100) for part in parts]
