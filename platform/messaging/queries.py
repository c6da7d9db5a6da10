"""Every select on messages and tenant-written templates."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from kernel.database import ReadSession, TenantSession
from messaging.models import Message, TenantTemplate


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


async def template_for_update(
    session: TenantSession, *, event: str, language: str, kind: str, state: str
) -> TenantTemplate | None:
    """Return the draft or the live template of an event, locked."""
    statement = select(TenantTemplate).where(
        TenantTemplate.event == event,
        TenantTemplate.language == language,
        TenantTemplate.kind == kind,
        TenantTemplate.state == state,
    )
    return await session.scalar(statement.with_for_update())


async def template_version(
    session: TenantSession | ReadSession, *, event: str, language: str, kind: str, version: int
) -> TenantTemplate | None:
    """Return one version of a template."""
    statement = select(TenantTemplate).where(
        TenantTemplate.event == event,
        TenantTemplate.language == language,
        TenantTemplate.kind == kind,
        TenantTemplate.version == version,
    )
    return await session.scalar(statement)


async def newest_version(session: TenantSession, *, event: str, language: str, kind: str) -> int:
    """Return the highest version number of a template, 0 when there is none."""
    statement = select(func.coalesce(func.max(TenantTemplate.version), 0)).where(
        TenantTemplate.event == event,
        TenantTemplate.language == language,
        TenantTemplate.kind == kind,
    )
    return int(await session.scalar(statement) or 0)


async def templates(
    session: TenantSession | ReadSession, *, event: str = "", language: str = "", limit: int = 200
) -> Sequence[TenantTemplate]:
    """Return the versions of an event's templates, newest first; all events when none is named."""
    statement = select(TenantTemplate).order_by(TenantTemplate.id.desc()).limit(limit)
    if event:
        statement = statement.where(TenantTemplate.event == event)
    if language:
        statement = statement.where(TenantTemplate.language == language)
    return (await session.scalars(statement)).all()


async def live_templates(
    session: TenantSession | ReadSession, *, event: str, language: str
) -> Sequence[TenantTemplate]:
    """Return what is live for an event in one language, at most one a kind."""
    statement = select(TenantTemplate).where(
        TenantTemplate.event == event,
        TenantTemplate.language == language,
        TenantTemplate.state == "live",
    )
    return (await session.scalars(statement)).all()
