"""What happens to messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kernel.events import Event


@dataclass(frozen=True)
class MailQueued(Event):
    """A mail waits to be sent."""

    topic: ClassVar[str] = "messaging.mail_queued"
    message_id: UUID
