"""Clients' money by the individual client balance method: what must be in the segregated banks.

Each client's amounts are added up first; a client below zero counts as zero, never against what
another client has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """What one client has with the brokerage in one currency, and what they owe.

    `pending` left the wallet for a withdrawal that is not sent yet; `equity` is that of the
    client's accounts on the trading servers, with floating results, and may be below zero.
    """

    client_id: str
    wallet: Decimal = _ZERO
    owed: Decimal = _ZERO
    pending: Decimal = _ZERO
    equity: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """Everything together; below zero when the client owes more than they have."""
        return self.wallet - self.owed + self.pending + self.equity


@dataclass(frozen=True, slots=True)
class Comparison:
    """What must be there against what is, both in one currency."""

    requirement: Decimal
    resource: Decimal

    @property
    def shortfall(self) -> Decimal:
        """What is to be paid in from own money on the same business day."""
        return max(self.requirement - self.resource, _ZERO)

    @property
    def excess(self) -> Decimal:
        """What is to be taken out on the same business day."""
        return max(self.resource - self.requirement, _ZERO)


def with_equity(holdings: Iterable[Holding], equity: Mapping[str, Decimal]) -> list[Holding]:
    """Add the equity of clients' trading accounts, by client id, to what the book knows."""
    left = dict(equity)
    found = [replace(one, equity=one.equity + left.pop(one.client_id, _ZERO)) for one in holdings]
    return found + [Holding(client_id, equity=amount) for client_id, amount in left.items()]


def compare(holdings: Iterable[Holding], *, resource: Decimal) -> Comparison:
    """Return the requirement of these clients beside the resource (cleared, segregated money)."""
    return Comparison(sum((max(one.total, _ZERO) for one in holdings), _ZERO), resource)
