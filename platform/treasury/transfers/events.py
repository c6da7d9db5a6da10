"""What happens to transfers that other rooms care about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class TransferDone(Event):
    """The money is where the client wanted it; `amount` is what arrived there."""

    topic: ClassVar[str] = "treasury.transfer_done"
    transfer_id: UUID
    client_id: UUID
    transfer_kind: str
    target_client_id: UUID | None
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class TransferFailed(Event):
    """A server refused; `state` says whether the money is where it was or in the wallet."""

    topic: ClassVar[str] = "treasury.transfer_failed"
    transfer_id: UUID
    client_id: UUID
    state: str
    reason: str
