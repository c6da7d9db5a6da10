"""What happens to deposits that other rooms care about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class WebhookStored(Event):
    """A provider's signed event was stored for the first time and waits to be handled."""

    topic: ClassVar[str] = "treasury.webhook_stored"
    webhook_event_id: UUID


@dataclass(frozen=True)
class PaymentUnclear(Event):
    """A stored event may not be acted upon before its provider was asked, or called once more."""

    topic: ClassVar[str] = "treasury.payment_unclear"
    webhook_event_id: UUID


@dataclass(frozen=True)
class DepositStarted(Event):
    """A client wants to pay in."""

    topic: ClassVar[str] = "treasury.deposit_started"
    deposit_id: UUID
    client_id: UUID
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class DepositSettled(Event):
    """The money is in the client's wallet; for an account, its credit is under way."""

    topic: ClassVar[str] = "treasury.deposit_settled"
    deposit_id: UUID
    client_id: UUID
    account_id: UUID | None
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class DepositCredited(Event):
    """The money is where the client wanted it: on the trading account, or in the wallet."""

    topic: ClassVar[str] = "treasury.deposit_credited"
    deposit_id: UUID
    client_id: UUID
    account_id: UUID | None
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class DepositFailed(Event):
    """The payment failed, expired or was refused; nothing was credited."""

    topic: ClassVar[str] = "treasury.deposit_failed"
    deposit_id: UUID
    client_id: UUID
    state: str
    reason: str


@dataclass(frozen=True)
class DepositHeld(Event):
    """What the provider says does not match the deposit: a person has to decide."""

    topic: ClassVar[str] = "treasury.deposit_held"
    deposit_id: UUID
    client_id: UUID
    reason: str


@dataclass(frozen=True)
class DepositDisputed(Event):
    """A provider contradicts a payment that had succeeded.

    `kind` is refunded or chargeback (`amount` was taken back), failed (it never came, says the
    provider now), or paid_again (there is a second payment of `amount` for the same deposit).
    """

    topic: ClassVar[str] = "treasury.deposit_disputed"
    deposit_id: UUID
    client_id: UUID
    kind: str
    amount: Decimal
    currency: str
    reason: str
