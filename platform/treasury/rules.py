"""How a provider's word changes a deposit: pure rules, whatever the order events come in.

A deposit only moves forward: created, pending, settled, credited. What comes late changes
nothing, and what contradicts a success is a dispute for a person, never a debit by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.payments.port import EventKind
from kernel.errors import InvalidInput
from kernel.language import gettext
from kernel.money import Money
from themes.formats import money_text

OPEN = frozenset({"created", "pending"})
PAID = frozenset({"settled", "credited", "held"})
Action = Literal["nothing", "move", "settle", "dispute"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a provider says about one payment, by an event or when asked."""

    kind: EventKind
    provider_reference: str
    amount: Money | None
    fee: Money | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a deposit stands: its state, amount, and the payment it belongs to, once known."""

    state: str
    amount: Money
    provider_reference: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: nothing, move to a state, settle (post the money), or flag a dispute."""

    action: Action
    to_state: str
    reason: str


def decide(standing: Standing, fact: Fact) -> Decision:
    """Say what a fact means for a deposit that stands so."""
    if fact.kind == "paid":
        return _paid(standing, fact)
    if fact.kind == "pending" and standing.state == "created":
        return Decision("move", "pending", "The provider is waiting for the money.")
    if fact.kind in ("failed", "expired") and standing.state in OPEN:
        if fact.kind == "failed":
            return Decision("move", "failed", "The payment failed at the provider.")
        return Decision("move", "cancelled", "The payment was not made in time.")
    if fact.kind in ("failed", "disputed", "refunded") and standing.state in PAID:
        return Decision("dispute", standing.state, f"The provider reports it {fact.kind}.")
    return Decision("nothing", standing.state, f"{fact.kind} changes nothing when {standing.state}")


def _paid(standing: Standing, fact: Fact) -> Decision:
    if standing.state in PAID:
        return Decision("nothing", standing.state, f"already {standing.state}")
    if standing.provider_reference not in (None, fact.provider_reference):
        return Decision("move", "held", "The provider names another payment than ours.")
    if fact.amount is None:
        return Decision("move", "held", "The provider named no amount we can read.")
    if fact.amount.currency != standing.amount.currency:
        return Decision("move", "held", f"Paid in {fact.amount.currency}, another currency.")
    if fact.amount.amount != standing.amount.amount:
        return Decision("move", "held", f"Paid {fact.amount}, expected {standing.amount}.")
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
