"""A payment goes where it fits, in the brokerage's order, to the healthy first."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.payments.engine import provider_files
from connectors.payments.engine.definitions import Fee, Limit, Method
from connectors.payments.engine.failures import ValueUnusable
from connectors.payments.engine.forms import faults, fields
from connectors.payments.engine.pricing import misfit, price
from connectors.payments.engine.routing import (
    Attempt,
    Connection,
    Outcome,
    Rule,
    Want,
    after_decline,
    is_resting,
    route,
)
from kernel.money import Money

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WANT = Want(Money.of("100.00", "USD"), country="DE", kyc_level=2, bin="424242")


def method(
    percent: str = "1",
    *,
    currencies: tuple[str, ...] = (),
    countries: tuple[str, ...] = (),
    limits: dict[str, Limit] | None = None,
    kyc_level: int = 0,
) -> Method:
    """A method with a fee and whatever it demands."""
    fee = Fee(Decimal(percent), Decimal(0), "", "merchant")
    return Method(
        id="m",
        code="",
        name="",
        currencies=currencies,
        countries=countries,
        limits=limits or {},
        fees={"deposit": fee},
        kyc_level=kyc_level,
        settlement="",
        arrival="",
    )


def attempts(outcomes: Sequence[Outcome], *, seconds_ago: int = 0) -> list[Attempt]:
    """Attempts a second apart, the last one so long ago."""
    last = NOW - timedelta(seconds=seconds_ago)
    count = len(outcomes)
    return [Attempt(o, last - timedelta(seconds=count - 1 - n)) for n, o in enumerate(outcomes)]


def test_only_what_fits_is_a_way_and_the_others_say_why() -> None:
    """Currency, country, verification and limits are told apart."""
    limits = {"USD": Limit(Decimal(200), Decimal(5000))}
    found = route(
        WANT,
        [
            Connection("good", method(countries=("DE", "AT"))),
            Connection("euro", method(currencies=("EUR",))),
            Connection("brazil", method(countries=("BR",))),
            Connection("strict", method(kyc_level=3)),
            Connection("large", method(limits=limits)),
            Connection("other", method(limits={"EUR": limits["USD"]})),
        ],
        now=NOW,
    )

    assert found.ways == ("good",)
    assert dict(found.excluded) == {
        "euro": "takes no USD",
        "brazil": "is not offered in DE",
        "strict": "needs verification level 3",
        "large": "takes 200 USD or more",
        "other": "has no limits in USD",
    }
    small = {"USD": Limit(Decimal(1), Decimal(50))}
    assert misfit(method(limits=small), WANT.amount) == "takes 50 USD or less"


def test_weight_then_cost_then_name_decide() -> None:
    """Without a rule the heavier goes first, then the cheaper, then the alphabet."""
    found = route(
        WANT,
        [
            Connection("b", method("2")),
            Connection("a", method("2")),
            Connection("cheap", method("1")),
            Connection("heavy", method("9"), weight=5),
        ],
        now=NOW,
    )

    assert found.ways == ("heavy", "cheap", "a", "b")


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        (Rule(("b",)), True),
        (Rule(("b",), countries=frozenset({"DE"})), True),
        (Rule(("b",), countries=frozenset({"FR"})), False),
        (Rule(("b",), currencies=frozenset({"USD"})), True),
        (Rule(("b",), currencies=frozenset({"EUR"})), False),
        (Rule(("b",), bins=("4242",)), True),
        (Rule(("b",), bins=("51", "52")), False),
        (Rule(("b",), smallest=Decimal(100), largest=Decimal(100)), True),
        (Rule(("b",), smallest=Decimal("100.01")), False),
        (Rule(("b",), largest=Decimal("99.99")), False),
    ],
)
def test_a_rule_that_matches_goes_before_weight(rule: Rule, *, applies: bool) -> None:
    """Country, currency, card and amount choose; a rule that does not match changes nothing."""
    some = [Connection("a", method(), weight=9), Connection("b", method("9"))]

    assert route(WANT, some, [rule], now=NOW).ways == (("b", "a") if applies else ("a", "b"))
    avoid = Rule(
        ("b",), rule.countries, rule.currencies, rule.bins, rule.smallest, rule.largest, True
    )
    assert ("b" in route(WANT, some, [avoid], now=NOW).ways) is not applies


def test_a_card_nobody_has_shown_matches_no_rule_of_cards() -> None:
    """Before the card is known, a rule by its first digits can't apply."""
    rule = Rule(("b",), bins=("4242",))
    assert not rule.matches(Want(WANT.amount, "DE"))


def test_a_sick_connection_goes_last_and_rests_a_minute() -> None:
    """Five broken answers in a row put it behind the others; a minute later it may try again."""
    sick = attempts(["broken"] * 5)
    some = [Connection("sick", method(), weight=9, attempts=sick), Connection("well", method())]

    assert route(WANT, some, now=NOW).ways == ("well", "sick")
    assert route(WANT, some, now=NOW + timedelta(seconds=61)).ways == ("sick", "well")


@pytest.mark.parametrize(
    ("outcomes", "resting"),
    [
        (["broken"] * 4, False),
        (["broken"] * 5, True),
        (["broken"] * 4 + ["good"] + ["broken"] * 4, False),
        (["declined"] * 40, False),
        (["good", "broken"] * 10, True),
        (["good", "good", "broken"] * 7, False),
        ([], False),
    ],
)
def test_broken_answers_make_it_rest_and_declines_do_not(
    outcomes: list[Outcome], *, resting: bool
) -> None:
    """Five in a row or half of the last twenty; a decline is an answer."""
    assert is_resting(attempts(outcomes), now=NOW) is resting
    assert not is_resting(attempts(outcomes, seconds_ago=16 * 60), now=NOW)


def test_only_a_soft_decline_goes_on_and_not_for_ever() -> None:
    """A hard no ends the payment; a soft one tries the next, three in all."""
    ways = ("a", "b", "c", "d")

    assert after_decline(ways, ["a"], soft=True) == "b"
    assert after_decline(ways, ["a"], soft=False) is None
    assert after_decline(ways, ["a", "b"], soft=True) == "c"
    assert after_decline(ways, ["a", "b", "c"], soft=True) is None
    assert after_decline(("a",), ["a"], soft=True) is None


def test_fees_are_exact_and_say_who_pays() -> None:
    """ExamplePay's PIX costs the brokerage 1.8 % and 0.50; a client's fee is sent on top."""
    pix = provider_files.load("examplepay").methods[1]
    hundred = Money.of("100.00", "BRL")

    ours = price(pix, "deposit", hundred)
    assert (str(ours.fee), ours.payer_sends) == ("2.30 BRL", hundred)
    assert (ours.merchant_pays.amount, ours.client_pays.amount) == (Decimal("2.30"), Decimal(0))
    assert price(pix, "withdraw", hundred).fee.amount == 0

    clients = Method(
        "m",
        "",
        "",
        (),
        (),
        {},
        {"deposit": Fee(Decimal("2.5"), Decimal(0), "", "client")},
        0,
        "",
        "",
    )
    theirs = price(clients, "deposit", Money.of("10.10", "USD"))
    assert (str(theirs.fee), str(theirs.payer_sends)) == ("0.25 USD", "10.35 USD")
    assert theirs.merchant_pays.amount == 0
    card = provider_files.load("examplepay").methods[0]
    with pytest.raises(ValueUnusable, match="USD"):
        price(card, "deposit", Money.of("100.00", "EUR"))


def test_the_form_of_a_provider_comes_from_its_file() -> None:
    """Labels, kinds and what is required; secrets are told from the rest."""
    form = {one.name: one for one in fields(provider_files.load("adyen"))}

    assert form["api_key"].kind == "secret"
    assert form["merchant_account"].kind == "text"
    assert (form["base_url"].kind, form["base_url"].required) == ("url", False)
    assert form["hmac_key"].label == "HMAC key of the webhook"


def test_what_was_typed_wrongly_is_told_by_field() -> None:
    """Each field has its own sentence, and a good form none."""
    vpg = provider_files.load("vpg")
    good = {"base_url": "https://pay.example.com", "merchant_key": "k", "password": "p"}

    assert faults(vpg, good) == {}
    assert set(faults(vpg, {})) == {"base_url", "merchant_key", "password"}
    for url in ("http://pay.example.com", "pay.example.com", "https://u@x.example", "https://"):
        assert set(faults(vpg, {**good, "base_url": url})) == {"base_url"}
    assert set(faults(vpg, {**good, "merchant_key": "a\nb"})) == {"merchant_key"}
    assert set(faults(vpg, {**good, "password": "p" * 5000})) == {"password"}
    assert set(faults(vpg, {**good, "colour": "red"})) == {"colour"}
