"""What happens to clients, for whoever cares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class ClientCreated(Event):
    """Somebody has a client profile; `lead_id` names the lead they were."""

    topic: ClassVar[str] = "clients.client_created"
    client_id: UUID
    lead_id: UUID | None


@dataclass(frozen=True)
class ClientStatusChanged(Event):
    """A client's status or level of verification has changed."""

    topic: ClassVar[str] = "clients.client_status_changed"
    client_id: UUID
    status: str
    kyc_level: int
