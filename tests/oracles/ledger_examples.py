"""What the worked examples of the book come to, in integers of the minor unit and fractions.

Written from the rules R1 to R6 and the examples E8, E12, E13 and E14 of the finance page, with
the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


def minor(text: str, digits: int = 2) -> int:
    """Return an amount such as 1200.00 as an integer of its minor unit, with its sign."""
    sign = -1 if text.startswith("-") else 1
    whole, _, part = text.lstrip("-").partition(".")
    return sign * int(whole + part.ljust(digits, "0"))


def major(units: int, digits: int = 2) -> str:
    """Return an integer of minor units as text."""
    sign = "-" if units < 0 else ""
    text = str(abs(units)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def half_up(value: Fraction, digits: int = 2) -> int:
    """Round once, half away from zero, to the minor unit (R2)."""
    scaled = abs(value) * Fraction(10**digits)
    units = int((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator))
    return -units if value < 0 else units


def provider_fee(amount: str, percent: str, fixed: str) -> int:
    """Return a percentage of an amount and a fixed part, in cents."""
    return half_up(Fraction(amount) * Fraction(percent) / 100 + Fraction(fixed))


def conversion(amount: str, rate: str, mid: str) -> tuple[int, int]:
    """Return what is bought at the client's rate, and the mark-up against the unrounded middle."""
    bought = half_up(Fraction(amount) * Fraction(rate))
    return bought, half_up(Fraction(amount) * Fraction(mid) - Fraction(bought, 100))


def largest_remainder(total: int, shares: list[Fraction]) -> list[int]:
    """Divide an integer so that the parts add up to it; ties go to the first (R4)."""
    whole = sum(shares)
    exact = [total * share / whole for share in shares]
    parts = [one.numerator // one.denominator for one in exact]
    while sum(parts) < total:
        left = [one - part for one, part in zip(exact, parts, strict=True)]
        parts[left.index(max(left))] += 1
    return parts


def requirement(clients: dict[str, list[str]], *, netted: bool = False) -> int:
    """Return what must be segregated: clients one by one, negatives as zero, unless netted."""
    sums = [sum(minor(text) for text in amounts) for amounts in clients.values()]
    return sum(sums) if netted else sum(max(0, one) for one in sums)


def write_off(deficit: str, bonus: str) -> tuple[int, int]:
    """Return how much of a negative balance the bonus bears, and how much the brokerage."""
    used = min(minor(deficit), minor(bonus))
    return used, minor(deficit) - used


@dataclass
class PartnerWallet:
    """A partner's wallet as a list of movements: what it shows, and what payable parts leave."""

    units: int = 0

    def move(self, text: str) -> str:
        """Add a movement and return what the wallet shows."""
        self.units += minor(text)
        return major(self.units)
