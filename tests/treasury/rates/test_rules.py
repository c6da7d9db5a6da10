"""Cross rates and mark-ups, with the numbers of the worked examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kernel.money import Money
from ledger import conversions
from treasury.rates import rules
from treasury.rates.rules import RateStale, Said

NOON = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)


def said(mid: str, *, hours: int = 0, source: str = "ECB") -> Said:
    """Return a rate that is some hours old."""
    return Said(Decimal(mid), source, NOON - timedelta(hours=hours))


def test_a_thousand_euros_give_what_the_feature_map_says() -> None:
    """Item 14: at 1.0850 less 0.5 percent 1,079.58 dollars, of which 5.42 is our revenue."""
    quote = rules.quoted("EUR", "USD", said("1.0850"), Decimal("0.5"))

    made = conversions.convert(Money.of("1000", "EUR"), quote.rate)

    assert quote.client_rate == Decimal("1.079575")
    assert (made.bought, made.markup) == (Money.of("1079.58", "USD"), Money.of("5.42", "USD"))


def test_six_hundred_euros_give_what_example_twelve_says() -> None:
    """E12: 649.92 dollars at 1.0832 to the client, 3.27 dollars of mark-up."""
    quote = rules.quoted("EUR", "USD", said("1.0886432"), Decimal("0.5"))

    made = conversions.convert(Money.of("600", "EUR"), quote.rate)

    assert round(quote.client_rate, 4) == Decimal("1.0832")
    assert (made.bought, made.markup) == (Money.of("649.92", "USD"), Money.of("3.27", "USD"))


def test_a_cross_rate_is_the_quotient_of_unrounded_legs() -> None:
    """It is as old as its older leg, and names the way it went."""
    known = {("EUR", "USD"): said("1.0850", hours=3), ("EUR", "GBP"): said("0.8680")}

    found = rules.market("GBP", "USD", known)

    assert found == Said(Decimal("1.250000000000"), "ECB, by EUR", NOON - timedelta(hours=3))
    turned = rules.market("USD", "GBP", known)
    assert turned is not None
    assert turned.mid == Decimal("0.800000000000")


def test_a_pair_is_read_backwards_where_only_that_is_known() -> None:
    """162.75 yen for a euro are 0.006144393241 euros for a yen."""
    found = rules.market("JPY", "EUR", {("EUR", "JPY"): said("162.75")})

    assert found is not None
    assert found.mid == Decimal("0.006144393241")


def test_the_newest_word_counts_and_a_direct_one_of_the_same_age_first() -> None:
    """A person's rate holds until the source speaks again."""
    known = {
        ("EUR", "USD"): said("1.0850"),
        ("EUR", "GBP"): said("0.8680"),
        ("GBP", "USD"): said("1.3", source="manual"),
    }

    assert rules.market("GBP", "USD", known) == known["GBP", "USD"]
    known["GBP", "USD"] = said("1.3", hours=1, source="manual")
    crossed = rules.market("GBP", "USD", known)
    assert crossed is not None
    assert crossed.mid == Decimal("1.25")


def test_nothing_is_known_of_a_pair_with_one_leg() -> None:
    """Half a way is none."""
    assert rules.market("GBP", "USD", {("EUR", "USD"): said("1.0850")}) is None


def test_a_rate_is_too_old_a_second_after_its_age() -> None:
    """Up to the very hour it may be used."""
    rules.check_age(said("1", hours=5), moment=NOON, hours=5)
    with pytest.raises(RateStale):
        rules.check_age(said("1", hours=5), moment=NOON + timedelta(seconds=1), hours=5)
