"""What happens here that other rooms care about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class RevenueBooked(Event):
    """The revenue of these deals is new or has changed; at most a thousand in one event."""

    topic: ClassVar[str] = "revenue.revenue_booked"
    server_id: UUID
    tickets: list[int]
