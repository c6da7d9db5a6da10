"""How a provider's word changes a deposit: pure rules, whatever the order events come in.

A deposit only moves forward: created, pending, settled, credited. What comes late changes
nothing, and what contradicts a success is a dispute for a person, never a debit by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.payments.engine.definitions import State
from kernel.errors import InvalidInput
from kernel.language import gettext
from kernel.money import Money
from themes.formats import money_text

OPEN = frozenset({"created", "pending"})
PAID = frozenset({"settled", "credited", "held"})
CLOSED = frozenset({"failed", "cancelled"})
Action = Literal["nothing", "move", "settle", "dispute"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a provider says about one payment, by an event or when asked.

    `amount` is what was paid for, `settled` what the brokerage gets of it, where that is told.
    `problems` are why a success is not simply believed, in words for staff; `alarm` is why a
    person has to look whatever the state. `claimed` is a state that an unsigned callback claims
    and the provider does not confirm when asked.
    """

    state: State
    provider_reference: str
    amount: Money | None
    fee: Money | None
    settled: Money | None = None
    session_ref: str = ""
    problems: tuple[str, ...] = ()
    alarm: str = ""
    error: str = ""
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a deposit stands: its state, and the payment that it was paid by, once known."""

    state: str
    provider_reference: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: nothing, move to a state, settle (post the money), or flag a dispute.

    `kind` of a dispute is refunded, chargeback, failed, paid_again or claimed.
    """

    action: Action
    to_state: str
    reason: str
    kind: str = ""


def decide(standing: Standing, fact: Fact) -> Decision:
    """Say what a fact means for a deposit that stands so."""
    state, said = standing.state, fact.state
    if said == "succeeded":
        return _paid(standing, fact)
    if said in ("refunded", "chargeback") and state in PAID:
        if fact.claimed:
            return _dispute(standing, "claimed", f"A callback claims a {said}: look there.")
        return _dispute(standing, said, f"The provider reports it {said}.")
    if said in ("refunded", "chargeback") and state in OPEN:
        return Decision("move", "held", f"The provider reports it {said} before it was paid.")
    if said in ("failed", "cancelled") and state in OPEN:
        if said == "failed":
            return Decision("move", "failed", f"The payment failed at the provider. {fact.error}")
        return Decision("move", "cancelled", "The payment was not made in time.")
    if said == "failed" and state in PAID and _is_the_payment(standing, fact):
        return _dispute(standing, said, "The provider reports it failed.")
    if said == "held" and state not in PAID:
        why = fact.alarm or next(iter(fact.problems), "The provider wants a person to look.")
        return Decision("move", "held", why)
    if fact.alarm and state in OPEN:
        return Decision("move", "held", fact.alarm)
    if said == "pending" and state == "created":
        return Decision("move", "pending", "The provider is waiting for the money.")
    return Decision("nothing", state, f"{said} changes nothing when {state}")


def _is_the_payment(standing: Standing, fact: Fact) -> bool:
    """Whether a fact is of the payment that was paid, and not of an attempt beside it."""
    known, named = standing.provider_reference, fact.provider_reference
    return not known or not named or known == named


def _dispute(standing: Standing, kind: str, reason: str) -> Decision:
    return Decision("dispute", standing.state, reason, kind)


def _paid(standing: Standing, fact: Fact) -> Decision:
    if standing.state in PAID:
        if _is_the_payment(standing, fact):
            return Decision("nothing", standing.state, f"already {standing.state}")
        return _dispute(standing, "paid_again", "The provider names a second payment for it.")
    if fact.problems:
        return Decision("move", "held", " ".join(fact.problems))
    if fact.amount is None:
        return Decision("move", "held", "The provider named no amount we can read.")
    if standing.state not in OPEN:
        return Decision("move", "held", f"Paid after it was {standing.state}.")
    return Decision("settle", "settled", "The provider confirmed the payment.")


def check_amount(amount: Money, *, smallest: Money, largest: Money) -> None:
    """Raise InvalidInput unless the amount is whole in minor units and inside the limits."""
    if amount != amount.rounded():
        raise InvalidInput(
            {"amount": gettext("Enter an amount that %s can be paid in.") % amount.currency}
        )
    if amount < smallest:
        raise InvalidInput(
            {"amount": gettext("The smallest deposit is %s. Enter more.") % money_text(smallest)}
        )
    if largest < amount:
        raise InvalidInput(
            {"amount": gettext("The largest deposit is %s. Enter less.") % money_text(largest)}
        )
