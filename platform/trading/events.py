"""What happens here that other rooms care about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class PlatformOperationReady(Event):
    """An operation waits to be sent to its server."""

    topic: ClassVar[str] = "trading.platform_operation_ready"
    operation_id: UUID


@dataclass(frozen=True)
class CashDone(Event):
    """Money was booked on an account of the server, once, under this ticket."""

    topic: ClassVar[str] = "trading.cash_done"
    operation_id: UUID
    account_id: UUID
    ticket: int
    kind: str
    amount: Decimal
    currency: str
    hold_id: UUID | None
    reference: str


@dataclass(frozen=True)
class CashFailed(Event):
    """The server refused for certain: nothing was booked and nothing will be."""

    topic: ClassVar[str] = "trading.cash_failed"
    operation_id: UUID
    account_id: UUID
    kind: str
    amount: Decimal
    currency: str
    hold_id: UUID | None
    reference: str
    reason: str


@dataclass(frozen=True)
class OperationFrozen(Event):
    """The server shows something else than was asked: a person has to decide."""

    topic: ClassVar[str] = "trading.operation_frozen"
    operation_id: UUID
    account_id: UUID
    kind: str
    reason: str


@dataclass(frozen=True)
class AccountOpened(Event):
    """A client's account exists on the server; its first passwords wait sealed in its row."""

    topic: ClassVar[str] = "trading.account_opened"
    account_id: UUID
    client_id: UUID
    login: int
    server_id: UUID
    account_type_code: str
    currency: str


@dataclass(frozen=True)
class AccountOpeningFailed(Event):
    """The server refused to open the account."""

    topic: ClassVar[str] = "trading.account_opening_failed"
    account_id: UUID
    client_id: UUID
    operation_id: UUID
    reason: str


@dataclass(frozen=True)
class DealsSynced(Event):
    """These deals are new in the mirror, or changed; at most a thousand in one event."""

    topic: ClassVar[str] = "trading.deals_synced"
    server_id: UUID
    tickets: list[int]
    from_ticket: int
    to_ticket: int
