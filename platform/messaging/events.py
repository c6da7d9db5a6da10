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


@dataclass(frozen=True)
class Notified(Event):
    """Somebody has a new notification."""

    topic: ClassVar[str] = "messaging.notified"
    notification_id: UUID
    user_id: UUID


@dataclass(frozen=True)
class NotificationsRead(Event):
    """Somebody has read notifications: their other windows count fewer from now on."""

    topic: ClassVar[str] = "messaging.notifications_read"
    user_id: UUID


@dataclass(frozen=True)
class PushQueued(Event):
    """A notification waits to be pushed to one browser."""

    topic: ClassVar[str] = "messaging.push_queued"
    notification_id: UUID
    subscription_id: UUID


@dataclass(frozen=True)
class SmsQueued(Event):
    """An SMS waits to be sent."""

    topic: ClassVar[str] = "messaging.sms_queued"
    message_id: UUID
