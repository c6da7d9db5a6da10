"""Which provider a payment goes to: those that fit, in the brokerage's order, the healthy first.

Pure: treasury brings the connections, its rules and what happened lately. The answer says for
every connection why it is in or out, so that a finance person sees the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from connectors.payments.engine.definitions import Method
from connectors.payments.engine.failures import ValueUnusable
from connectors.payments.engine.pricing import misfit, price
from kernel.money import Money

Outcome = Literal["good", "declined", "broken"]

WINDOW = timedelta(minutes=15)
BROKEN_IN_A_ROW_MAX = 5
BROKEN_SHARE_MAX = Decimal("0.5")
BROKEN_SHARE_OF = 20
REST = timedelta(seconds=60)
CASCADE_MAX = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a request: good, declined by the provider, or broken (no clear answer)."""

    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """A merchant account that a method could be paid through; a higher weight goes first."""

    id: str
    method: Method
    weight: int = 0
    attempts: Sequence[Attempt] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Want:
    """A payment that looks for a way. `bin` is the first digits of a card, when they are known."""

    amount: Money
    country: str = ""
    kyc_level: int = 0
    bin: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A brokerage's own rule: payments that match go to these connections, in this order.

    Empty fields match everything. `avoid` takes connections out instead.
    """

    connections: tuple[str, ...]
    countries: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    bins: tuple[str, ...] = ()
    smallest: Decimal | None = None
    largest: Decimal | None = None
    avoid: bool = False

    def matches(self, want: Want) -> bool:
        """Say whether a payment falls under the rule."""
        amount = want.amount.amount
        return (
            (not self.countries or want.country in self.countries)
            and (not self.currencies or want.amount.currency in self.currencies)
            and (not self.bins or (bool(want.bin) and want.bin.startswith(self.bins)))
            and (self.smallest is None or amount >= self.smallest)
            and (self.largest is None or amount <= self.largest)
        )


@dataclass(frozen=True, slots=True)
class Route:
    """The ways of a payment, best first, and why each of the others is none."""

    ways: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...]


def route(
    want: Want, connections: Sequence[Connection], rules: Sequence[Rule] = (), *, now: datetime
) -> Route:
    """Order the connections that a payment can take.

    The first rule that matches decides the order of what it names; the rest follows by weight,
    then by what it costs the brokerage, then by name. A connection that rests after failures goes
    last instead of out: a sick way is better than none.
    """
    excluded, fitting = [], []
    avoided = {
        one for rule in rules if rule.avoid and rule.matches(want) for one in rule.connections
    }
    for one in connections:
        reason = misfit(one.method, want.amount, country=want.country, kyc_level=want.kyc_level)
        if one.id in avoided:
            reason = "a rule of the brokerage avoids it"
        if reason:
            excluded.append((one.id, reason))
        else:
            fitting.append(one)
    named = next((r.connections for r in rules if not r.avoid and r.matches(want)), ())

    def rank(one: Connection) -> tuple[bool, int, int, Decimal, str]:
        place = named.index(one.id) if one.id in named else len(named)
        resting = is_resting(one.attempts, now=now)
        return resting, place, -one.weight, _cost(one.method, want.amount), one.id

    return Route(tuple(one.id for one in sorted(fitting, key=rank)), tuple(excluded))


def _cost(method: Method, amount: Money) -> Decimal:
    """Return what a payment costs the brokerage; a fee that needs converting does not count."""
    try:
        return price(method, "deposit", amount).merchant_pays.amount
    except ValueUnusable:
        return Decimal(0)


def after_decline(ways: Sequence[str], tried: Sequence[str], *, soft: bool) -> str | None:
    """Return the way to try next after a decline, None when the payment ends here.

    Only a soft decline (the provider's own no, before any money moved) goes on, and not for ever.
    """
    if not soft or len(tried) >= CASCADE_MAX:
        return None
    return next((one for one in ways if one not in tried), None)


def is_resting(attempts: Sequence[Attempt], *, now: datetime) -> bool:
    """Say whether a connection has failed so much lately that it should rest.

    Five broken answers in a row, or half of the last twenty, within fifteen minutes; after a
    minute's rest one attempt may show that it works again. Declines are answers, not failures.
    """
    recent = sorted((a for a in attempts if now - a.at <= WINDOW), key=lambda one: one.at)
    if not recent or now - recent[-1].at > REST:
        return False
    streak = 0
    for one in reversed(recent):
        if one.outcome != "broken":
            break
        streak += 1
    if streak >= BROKEN_IN_A_ROW_MAX:
        return True
    last = recent[-BROKEN_SHARE_OF:]
    broken = sum(one.outcome == "broken" for one in last)
    return len(last) == BROKEN_SHARE_OF and broken >= BROKEN_SHARE_OF * BROKEN_SHARE_MAX
