"""Fixed-point numbers: amounts and rates as integers of 1e-8, prices as integers of points.

Rounding is half away from zero, once, when an amount is booked.
"""

from decimal import Decimal, InvalidOperation

SCALE = 10**8
"""Units in one: 1.00 of money, one lot, or a rate of 1."""

AMOUNT_MAX = 10**9
"""The largest amount of one balance operation, in whole units of the currency."""


_ZEROES = tuple("0." + "0" * digits if digits else "0" for digits in range(9))


def divide(numerator: int, denominator: int) -> int:
    """Return the quotient rounded half away from zero; the denominator is positive."""
    if numerator < 0:
        return -((-numerator * 2 + denominator) // (denominator * 2))
    return (numerator * 2 + denominator) // (denominator * 2)


def rounded(amount: int, digits: int) -> int:
    """Return an amount of 1e-8 rounded to that many decimal digits, still in 1e-8."""
    step = int(10 ** (8 - digits))
    return divide(amount, step) * step


def parse(text: object) -> int:
    """Read a decimal number into units of 1e-8; raise ValueError for anything else."""
    try:
        number = Decimal(str(text).strip())
    except InvalidOperation as error:
        raise ValueError("not a decimal number") from error
    if not number.is_finite() or abs(number) > 10**12:
        raise ValueError("not a number within limits")
    scaled = number.scaleb(8)
    whole = int(scaled)
    return whole if scaled == whole else int(scaled.to_integral_value())


def text(amount: int, digits: int) -> str:
    """Write an amount of 1e-8 with exactly that many decimal digits."""
    if amount == 0:
        return _ZEROES[digits]
    return points_text(divide(amount, 10 ** (8 - digits)), digits)


def points_text(points: int, digits: int) -> str:
    """Write an integer of points (10**-digits each) as a decimal number."""
    if points == 0:
        return _ZEROES[digits]
    if digits == 0:
        return str(points)
    shown = f"{points:0{digits + 1 + (points < 0)}d}"
    return f"{shown[:-digits]}.{shown[-digits:]}"
