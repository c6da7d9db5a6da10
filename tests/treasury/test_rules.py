"""What a provider's word means, in whatever order it comes."""

from __future__ import annotations

from itertools import permutations

import pytest

from connectors.payments.port import EventKind
from kernel.errors import InvalidInput
from kernel.money import Money
from treasury.rules import Fact, Standing, check_amount, decide

HUNDRED = Money.of("100.00", "USD")


def fact(kind: EventKind, amount: Money | None = HUNDRED, payment: str = "cs_1") -> Fact:
    """Return what the provider says about our payment."""
    return Fact(kind, payment, amount, None)


@pytest.mark.parametrize(
    ("state", "kind", "action", "to_state"),
    [
        ("created", "pending", "move", "pending"),
        ("created", "paid", "settle", "settled"),
        ("pending", "paid", "settle", "settled"),
        ("created", "failed", "move", "failed"),
        ("pending", "expired", "move", "cancelled"),
        ("pending", "pending", "nothing", "pending"),
        ("settled", "paid", "nothing", "settled"),
        ("settled", "pending", "nothing", "settled"),
        ("settled", "expired", "nothing", "settled"),
        ("credited", "expired", "nothing", "credited"),
        ("held", "paid", "nothing", "held"),
        ("held", "expired", "nothing", "held"),
        ("settled", "failed", "dispute", "settled"),
        ("credited", "failed", "dispute", "credited"),
        ("credited", "disputed", "dispute", "credited"),
        ("held", "refunded", "dispute", "held"),
        ("created", "disputed", "nothing", "created"),
        ("failed", "paid", "move", "held"),
        ("cancelled", "paid", "move", "held"),
        ("failed", "pending", "nothing", "failed"),
    ],
)
def test_each_word_means_one_thing_in_each_state(
    state: str, kind: EventKind, action: str, to_state: str
) -> None:
    """Late words change nothing, contradictions are disputes, late payments are held."""
    decision = decide(Standing(state, HUNDRED, "cs_1"), fact(kind))

    assert (decision.action, decision.to_state) == (action, to_state)


@pytest.mark.parametrize(
    ("amount", "payment"),
    [
        (Money.of("99.99", "USD"), "cs_1"),
        (Money.of("100.01", "USD"), "cs_1"),
        (Money.of("100.00", "EUR"), "cs_1"),
        (None, "cs_1"),
        (HUNDRED, "cs_2"),
    ],
)
def test_a_payment_that_does_not_match_is_held(amount: Money | None, payment: str) -> None:
    """Smaller, greater, another currency, no amount, another payment: a person decides."""
    decision = decide(Standing("pending", HUNDRED, "cs_1"), fact("paid", amount, payment))

    assert (decision.action, decision.to_state) == ("move", "held")


def test_the_end_is_paid_in_any_order_once_the_payment_was_not_refused_first() -> None:
    """Pending, paid and repetitions end settled, whatever overtakes what."""
    words: tuple[EventKind, ...] = ("pending", "paid", "paid", "pending")
    for order in set(permutations(words)):
        state = "created"
        settled = 0
        for kind in order:
            decision = decide(Standing(state, HUNDRED, None), fact(kind))
            settled += decision.action == "settle"
            state = decision.to_state
        assert (state, settled) == ("settled", 1), order


@pytest.mark.parametrize(
    ("amount", "says"),
    [("9.99", "smallest"), ("1000.01", "largest"), ("10.005", "can be paid in")],
)
def test_an_amount_outside_the_limits_says_what_to_do(amount: str, says: str) -> None:
    """The message names the limit and the field."""
    with pytest.raises(InvalidInput) as refused:
        check_amount(
            Money.of(amount, "USD"),
            smallest=Money.of("10.00", "USD"),
            largest=Money.of("1000.00", "USD"),
        )
    assert says in refused.value.fields["amount"]
