"""Every select on messages."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.database import ReadSession, TenantSession
from messaging.models import Message


async def message_for_update(session: TenantSession, message_id: UUID) -> Message | None:
    """Return one message, locked to the end of the transaction."""
    statement = select(Message).where(Message.id == message_id).with_for_update()
    return await session.scalar(statement)


async def messages(
    session: TenantSession | ReadSession, *, state: str = "", limit: int = 50
) -> Sequence[Message]:
    """Return the newest messages, of one state when asked."""
    statement = select(Message).order_by(Message.id.desc()).limit(limit)
    if state:
        statement = statement.where(Message.state == state)
    return (await session.scalars(statement)).all()
