"""What may leave, where it goes and what stands in the way: pure rules, with worked numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kernel.ids import uuid7
from kernel.money import Money
from treasury.withdrawals import rules
from treasury.withdrawals.rules import Facts, Payee, Source

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def source(label: str, remaining: str) -> Source:
    """Return a deposit that money may go back to."""
    return Source(uuid7(), uuid7(), label, Decimal(remaining), "refund")


def payee(**changed: Any) -> Payee:
    """Return a client's bank account."""
    made = Payee(
        id=uuid7(),
        label="Bank DE89 … 3000",
        holder="Mara Lindqvist",
        fingerprint="f" * 64,
        confirmed_at=NOW - timedelta(days=30),
        created_at=NOW - timedelta(days=30),
        connection_id=None,
        way="manual",
        usable=True,
        used=True,
    )
    return replace(made, **changed)


def facts(amount: str = "900", **changed: Any) -> Facts:
    """Return facts with which nothing stands in the way."""
    made = Facts(
        amount=Money.of(amount, "USD"),
        name="Mara Sofia Lindqvist",
        withdrawable=Decimal(1_400),
        from_account=False,
        open_positions=False,
        kyc_level=2,
        restricted="",
        pending=0,
        sources=[source("Card", "300"), source("Skrill", "200")],
        payee=payee(),
        gone=[],
        fee=Decimal(0),
        now=NOW,
    )
    return replace(made, **changed)


def test_with_open_positions_nine_tenths_of_the_own_free_margin_may_leave() -> None:
    """features.md 6.10 item 12: (1,000 - 200) x 0.9 = 720; all of it without positions."""
    given = [
        rules.withdrawable(
            free_margin=Decimal(1_000), credit=Decimal(200), open_positions=held, currency="USD"
        )
        for held in (True, False)
    ]

    assert given == [Decimal(720), Decimal(800)]


def test_what_may_leave_is_rounded_down_and_never_below_nothing() -> None:
    """Credit is never paid out, and no cent is invented."""
    given = rules.withdrawable(
        free_margin=Decimal("100.07"), credit=Decimal(0), open_positions=True, currency="USD"
    )
    none = rules.withdrawable(
        free_margin=Decimal(100), credit=Decimal(300), open_positions=False, currency="USD"
    )

    assert (given, none) == (Decimal("90.06"), Decimal(0))


def test_money_goes_back_to_its_sources_and_the_rest_to_the_bank() -> None:
    """features.md 6.10 item 13: card 300, wallet 200, wire 0; 900 are 300, 200 and 400."""
    wanted = facts()
    parts = rules.split(Decimal(900), wanted.sources, wanted.payee, fee=Decimal(0))

    assert [(part.label, part.amount) for part in parts] == [
        ("Card", Decimal(300)),
        ("Skrill", Decimal(200)),
        ("Bank DE89 … 3000", Decimal(400)),
    ]
    assert rules.problems(wanted) == []


def test_a_small_amount_goes_back_to_the_first_source_alone() -> None:
    """Nothing is left for the others, and no payee is needed."""
    wanted = facts("250", payee=None)

    assert [part.amount for part in rules.split(Decimal(250), wanted.sources, None, fee=Decimal(0))]
    assert rules.problems(wanted) == []


def test_the_fee_is_taken_from_what_the_bank_gets() -> None:
    """What goes back to its source costs nothing."""
    parts = rules.split(Decimal(900), facts().sources, payee(), fee=Decimal(25))

    assert [part.fee for part in parts] == [Decimal(0), Decimal(0), Decimal(25)]


# The seven reasons for which brokers' withdrawals are known to fail, and the other ones.
OBSTACLES: dict[str, dict[str, Any]] = {
    "free_margin": {"from_account": True, "withdrawable": Decimal(720)},
    "method": {"payee": None},
    "fee": {"amount": Money.of("520", "USD"), "fee": Decimal(25)},
    "third_party": {"payee": payee(holder="Jon Lindqvist")},
    "method_gone": {"payee": payee(usable=False)},
    "authorisation": {"payee": payee(confirmed_at=NOW - timedelta(days=366))},
    "questionnaire": {"kyc_level": 1},
    "restricted": {"restricted": "Withdrawals: paused."},
    "pending": {"pending": 3},
}


@pytest.mark.parametrize("code", OBSTACLES)
def test_each_obstacle_is_named_before_with_what_to_do(code: str) -> None:
    """It is the only one named, and it says how to fix it."""
    [problem] = rules.problems(replace(facts(), **OBSTACLES[code]))

    assert problem.code == code
    assert problem.title
    assert problem.fix


def test_a_method_that_is_gone_is_named() -> None:
    """The client learns why a bank account is asked for."""
    [problem] = rules.problems(facts(sources=[], gone=["Old card"], payee=None))

    assert problem.code == "method_gone"
    assert "Old card" in problem.title


@pytest.mark.parametrize(
    ("holder", "same"),
    [
        ("Mara Lindqvist", True),
        ("LINDQVIST, MARA", True),
        ("Mára Sofia Lindqvist", True),
        ("Mara Lindqvist and Jon Lindqvist", False),
        ("Mara", False),
        ("Lindqvist Trading Ltd", False),
        ("", False),
    ],
)
def test_only_the_clients_own_name_is_paid(holder: str, *, same: bool) -> None:
    """Order, case, accents and middle names do not matter; anybody else does."""
    assert rules.same_person(holder, "Mara Sofia Lindqvist") is same


def test_the_ladder_grows_with_the_amount() -> None:
    """features.md 5: automatic to 500, payments and finance to 5,000, compliance, the owner."""
    chains = [rules.chain(Decimal(amount), []) for amount in (500, 501, 5_000, 50_000, 50_001)]

    assert [len(chain) for chain in chains] == [0, 2, 2, 3, 4]
    assert chains[-1] == list(rules.STEPS)


def test_a_flag_takes_people_in() -> None:
    """What would have gone out by itself is looked at, by whoever looks at risks too."""
    assert rules.chain(Decimal(100), ["new_payee"]) == [rules.CHECK, rules.APPROVE, rules.RISK]
    assert rules.chain(Decimal(60_000), ["new_payee"]) == list(rules.STEPS)


def test_a_new_payee_is_flagged() -> None:
    """Only where something goes to them."""
    wanted = facts(payee=payee(used=False, created_at=NOW))
    parts = rules.split(Decimal(900), wanted.sources, wanted.payee, fee=Decimal(0))

    told = rules.flags(wanted, parts, other_currencies=False)
    assert told == ["new_payee", "payee_added_today"]
    assert rules.flags(wanted, parts[:2], other_currencies=False) == []


def test_a_code_is_bound_to_amount_currency_and_payees() -> None:
    """A change of any of the three is another binding."""
    known = rules.binding(Money.of("900", "USD"), ["a", "b"])
    others = {
        rules.binding(Money.of("901", "USD"), ["a", "b"]),
        rules.binding(Money.of("900", "EUR"), ["a", "b"]),
        rules.binding(Money.of("900", "USD"), ["a", "c"]),
        rules.binding(Money.of("900", "USD"), ["a"]),
    }

    assert len(others) == 4
    assert known not in others
