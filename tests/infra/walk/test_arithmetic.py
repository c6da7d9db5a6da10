"""The walk's own figures, against examples that were worked by hand."""

from dataclasses import replace
from decimal import Decimal

from infra.walk import arithmetic
from infra.walk.mt5 import DealSeen

DEAL = DealSeen(
    ticket=1,
    login=500001,
    action=0,
    entry=0,
    symbol="EURUSD",
    lots=Decimal(2),
    profit=Decimal(0),
    swap=Decimal(0),
    commission=Decimal(0),
    rate_profit=Decimal(1),
    contract=Decimal(100_000),
    digits=5,
    comment="",
    time=0,
    position=1,
)


def test_two_lots_with_a_pip_of_markup_earn_twenty_over_both_sides() -> None:
    """2 lots x 1.0 pip x 10 USD, half of it on each side."""
    side = arithmetic.markup(DEAL, spread_points=10, point=Decimal("0.00001"))
    assert 2 * side == Decimal("20.00")


def test_markup_is_converted_once_and_rounded_half_up() -> None:
    """0.01 lot GER40 with 7 points: 0.5 x 7 x 0.1 x 0.01 x 1.08 EUR to USD is 0.00378."""
    deal = replace(DEAL, lots=Decimal("0.01"), contract=Decimal(1), rate_profit=Decimal("1.08"))
    assert arithmetic.markup(deal, spread_points=7, point=Decimal("0.1")) == Decimal("0.00")
    deal = replace(deal, lots=Decimal("0.0133"))
    assert arithmetic.markup(deal, spread_points=7, point=Decimal("0.1")) == Decimal("0.01")


def test_a_charge_is_what_the_broker_earns() -> None:
    """Three lots at 3.50 a side are booked as a negative number."""
    assert arithmetic.commission(replace(DEAL, commission=Decimal("-10.50"))) == Decimal("10.50")


def test_the_master_is_paid_the_difference_to_silver() -> None:
    """2 lots EURUSD: 10.00 to the sub-partner, 4.00 to the master."""
    both = arithmetic.shares("EURUSD", Decimal(2))
    assert (both.sub, both.master) == (Decimal("10.00"), Decimal("4.00"))


def test_shares_are_rounded_down() -> None:
    """0.001 lot of gold at 4.00 is 0.004, which pays nothing."""
    both = arithmetic.shares("XAUUSD", Decimal("0.001"))
    assert (both.sub, both.master) == (Decimal("0.00"), Decimal("0.00"))
