"""What staff does with clients' money that other rooms care about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class AdjustmentDone(Event):
    """An adjustment is booked."""

    topic: ClassVar[str] = "treasury.adjustment_done"
    adjustment_id: UUID
    client_id: UUID
    adjustment_kind: str
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class DepositChargedBack(Event):
    """A provider took a deposit back, and the amount was claimed from the client."""

    topic: ClassVar[str] = "treasury.deposit_charged_back"
    dispute_id: UUID
    deposit_id: UUID
    client_id: UUID
    amount: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True)
class DisputeClosed(Event):
    """A dispute was won (the client has the money again) or lost."""

    topic: ClassVar[str] = "treasury.dispute_closed"
    dispute_id: UUID
    deposit_id: UUID
    client_id: UUID
    state: str
