"""Numbers, money, times and contacts read the same on every page."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from kernel.money import Money
from themes import formats

NOW = datetime(2026, 11, 24, 10, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.56", "USD", "1,234.56 USD"),
        ("-43.6", "EUR", "−43.60 EUR"),
        ("1234567", "JPY", "1,234,567 JPY"),
        ("0", "USD", "0.00 USD"),
        ("-0.001", "USD", "0.00 USD"),
    ],
)
def test_money_has_commas_a_true_minus_and_the_code_after(
    amount: str, currency: str, text: str
) -> None:
    """The decimals are those of the currency."""
    assert formats.money_text(Money(Decimal(amount), currency)) == text


def test_a_missing_amount_is_a_dash_and_zero_is_not() -> None:
    """Nobody takes "we do not know" for "nothing"."""
    assert "–" in formats.money(None)
    assert "0.00" in formats.money(Money(Decimal(0), "USD"))


def test_money_stays_left_to_right_and_its_code_is_set_apart() -> None:
    """Inside Arabic text the number must not be turned round."""
    shown = formats.money(Money(Decimal(5), "USD"))

    assert shown == '<bdi class="num" dir="ltr">5.00<span class="cur">USD</span></bdi>'


def test_a_profit_is_signed_and_coloured() -> None:
    """Colour never speaks alone: the sign is there as well."""
    gain, loss = (formats.change(Money(Decimal(one), "EUR")) for one in ("4.20", "-4.20"))

    assert 'class="pos"' in gain
    assert "+4.20" in gain
    assert 'class="neg"' in loss
    assert "−4.20" in loss


def test_lots_prices_percent_and_leverage_have_their_own_digits() -> None:
    """Two decimals for lots, the symbol's digits for prices, a space before the percent sign."""
    assert ">0.10<" in formats.lots(Decimal("0.1"))
    assert ">1.08412<" in formats.price(Decimal("1.08412"))
    assert ">19,322.5<" in formats.price(Decimal("19322.5"), 1)
    assert ">12.3\N{NO-BREAK SPACE}%<" in formats.percent(Decimal("12.3"))
    assert ">1:30<" in formats.leverage(30)


def test_a_moment_is_shown_in_utc_whatever_zone_it_came_in() -> None:
    """A time of a server two hours ahead is turned back."""
    ahead = datetime(2026, 11, 24, 12, 24, tzinfo=timezone(timedelta(hours=2)))

    assert formats.datetime_text(ahead) == "2026-11-24 10:24 UTC"


def test_a_time_without_a_zone_is_refused() -> None:
    """It could mean any hour of the day."""
    with pytest.raises(ValueError, match="zone"):
        formats.datetime_text(datetime(2026, 11, 24, 10, 24))  # noqa: DTZ001 - that is the point


def test_under_a_day_times_are_relative_and_exact_on_hover() -> None:
    """Past, future and older than a day."""
    assert ">6 min ago<" in formats.ago(NOW - timedelta(minutes=6), NOW)
    assert ">in 2 h<" in formats.ago(NOW + timedelta(hours=2), NOW)
    assert 'title="2026-11-24 10:18 UTC"' in formats.ago(NOW - timedelta(minutes=6), NOW)
    assert ">2026-11-22 10:24 UTC<" in formats.ago(NOW - timedelta(days=2), NOW)


def test_contacts_are_masked() -> None:
    """Only the first letter of the name and the last four digits remain."""
    assert "o•••@mail.example" in formats.contact("omar.alfarsi@mail.example")
    assert "+971 •• ••• 4108" in formats.contact("+971 50 123 4108")
    assert "+•• •• ••• 4108" in formats.contact("+971501234108")
    assert "123" not in formats.contact("12345")


def test_display_picks_the_way_of_the_value_and_escapes_text() -> None:
    """Tables and lists need not say of what kind a value is."""
    assert formats.display(None) == formats.display("")
    assert "1,000" in formats.display(1000)
    assert "2026-11-24" in formats.display(date(2026, 11, 24))
    assert formats.display("<b>") == "&lt;b&gt;"


def test_what_is_filled_into_a_text_is_a_marked_word_and_the_rest_is_escaped() -> None:
    """Whoever words a text reads `amount`, not the sign that stands for it."""
    told = formats.gaps("<b> %(amount)s for %d days, 5 %")

    assert told == (
        '&lt;b&gt; <span class="gap">amount</span> for <span class="gap">number</span> days, 5 %'
    )


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Khalid Al Mansoori", "KM"), ("Cher", "CH"), ("", "?"), ("ليلى حداد", "لح")],
)
def test_initials_are_of_the_first_and_last_word(name: str, letters: str) -> None:
    """A name of one word gives its first two letters."""
    assert formats.initials(name) == letters
