"""What a provider's word means, in whatever order it comes."""

from __future__ import annotations

from itertools import permutations

import pytest

from connectors.payments.engine.definitions import State
from kernel.errors import InvalidInput
from kernel.money import Money
from treasury.rules import Fact, Standing, check_amount, decide

HUNDRED = Money.of("100.00", "USD")


def fact(state: State, amount: Money | None = HUNDRED, payment: str = "pi_1") -> Fact:
    """Return what the provider says about our payment."""
    return Fact(state, payment, amount, None)


@pytest.mark.parametrize(
    ("state", "said", "action", "to_state"),
    [
        ("created", "pending", "move", "pending"),
        ("created", "succeeded", "settle", "settled"),
        ("pending", "succeeded", "settle", "settled"),
        ("created", "failed", "move", "failed"),
        ("pending", "cancelled", "move", "cancelled"),
        ("pending", "pending", "nothing", "pending"),
        ("pending", "held", "move", "held"),
        ("cancelled", "held", "move", "held"),
        ("settled", "held", "nothing", "settled"),
        ("settled", "succeeded", "nothing", "settled"),
        ("settled", "pending", "nothing", "settled"),
        ("settled", "cancelled", "nothing", "settled"),
        ("credited", "cancelled", "nothing", "credited"),
        ("held", "succeeded", "nothing", "held"),
        ("held", "cancelled", "nothing", "held"),
        ("settled", "failed", "dispute", "settled"),
        ("credited", "failed", "dispute", "credited"),
        ("credited", "chargeback", "dispute", "credited"),
        ("held", "refunded", "dispute", "held"),
        ("created", "chargeback", "move", "held"),
        ("failed", "chargeback", "nothing", "failed"),
        ("failed", "succeeded", "move", "held"),
        ("cancelled", "succeeded", "move", "held"),
        ("failed", "pending", "nothing", "failed"),
    ],
)
def test_each_word_means_one_thing_in_each_state(
    state: str, said: State, action: str, to_state: str
) -> None:
    """Late words change nothing, contradictions are disputes, late payments are held."""
    decision = decide(Standing(state, "pi_1"), fact(said))

    assert (decision.action, decision.to_state) == (action, to_state)


@pytest.mark.parametrize("problem", ["Paid 99.99 USD.", "A test's payment."])
def test_a_success_with_a_problem_is_held_and_says_why(problem: str) -> None:
    """Whatever the comparison found, a person reads it; an amount that nobody can read too."""
    wrong = Fact("succeeded", "pi_1", HUNDRED, None, problems=(problem,))

    held = decide(Standing("pending", None), wrong)
    unread = decide(Standing("pending", None), fact("succeeded", None))

    assert (held.to_state, held.reason) == ("held", problem)
    assert unread.to_state == "held"


def test_an_unknown_status_holds_what_is_open_and_nothing_else() -> None:
    """The alarm is what the person reads; money that has arrived stays."""
    strange = Fact("pending", "", None, None, alarm="'shells' is not among its known ones")

    assert decide(Standing("created", None), strange).to_state == "held"
    assert decide(Standing("credited", "pi_1"), strange).action == "nothing"


@pytest.mark.parametrize(
    ("said", "payment", "kind"),
    [
        (fact("chargeback"), "pi_1", "chargeback"),
        (fact("refunded"), "pi_1", "refunded"),
        (fact("failed"), "pi_1", "failed"),
        (fact("succeeded", payment="pi_2"), "pi_1", "paid_again"),
        (Fact("chargeback", "", None, None, claimed=True), "pi_1", "claimed"),
    ],
)
def test_a_dispute_says_of_which_kind_it_is(said: Fact, payment: str, kind: str) -> None:
    """What was taken back is told from a second payment and from a mere claim."""
    assert decide(Standing("credited", payment), said).kind == kind


def test_another_attempt_that_failed_disputes_nothing() -> None:
    """A card that was declined before the one that paid."""
    earlier = fact("failed", payment="pi_0")

    assert decide(Standing("credited", "pi_1"), earlier).action == "nothing"


def test_the_end_is_paid_in_any_order_once_the_payment_was_not_refused_first() -> None:
    """Pending, paid and repetitions end settled, whatever overtakes what."""
    said: tuple[State, ...] = ("pending", "succeeded", "succeeded", "pending")
    for order in set(permutations(said)):
        state = "created"
        settled = 0
        for one in order:
            decision = decide(Standing(state, None), fact(one))
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
