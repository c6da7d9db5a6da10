"""Amounts, exponents and rounding, against numbers worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kernel.errors import InvalidInput
from kernel.money import CurrencyMismatch, Money, UnknownCurrency, round_down, round_half_up


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("4.305", "USD", "4.31"),
        ("-4.305", "USD", "-4.31"),
        ("1360.5", "JPY", "1361"),
        ("1.0005", "KWD", "1.001"),
        ("0.123456785", "BTC", "0.12345679"),
    ],
)
def test_amounts_round_half_away_from_zero(amount: str, currency: str, rounded: str) -> None:
    """R2: to the minor unit of the currency."""
    assert round_half_up(Decimal(amount), currency) == Decimal(rounded)


def test_partner_accruals_round_down() -> None:
    """R2: never pay a fraction that was not earned."""
    assert round_down(Decimal("37.03710"), "USD") == Decimal("37.03")


@pytest.mark.parametrize(("units", "currency"), [(1234, "USD"), (1234, "JPY"), (1234, "KWD")])
def test_minor_units_survive_the_way_there_and_back(units: int, currency: str) -> None:
    """Payment providers speak integers of minor units."""
    assert Money.from_minor(units, currency).minor_units() == units


def test_two_currencies_are_never_added() -> None:
    """There is no amount that is both."""
    with pytest.raises(CurrencyMismatch):
        Money.of("1", "USD") + Money.of("1", "EUR")


@pytest.mark.parametrize("value", [1.5, 2, Decimal("NaN"), Decimal("Infinity")])
def test_money_takes_no_float_and_no_infinity(value: Any) -> None:
    """Floats are refused at the door."""
    with pytest.raises(TypeError):
        Money(value, "USD")


def test_an_unknown_currency_is_refused() -> None:
    """Without an exponent nothing can be rounded."""
    with pytest.raises(UnknownCurrency):
        Money.of("1", "XXX")


def test_text_that_is_no_number_says_what_to_enter() -> None:
    """The message stands beside the field."""
    with pytest.raises(InvalidInput) as refusal:
        Money.of("ten", "USD")

    assert refusal.value.fields == {"amount": "Enter an amount such as 250.00."}
