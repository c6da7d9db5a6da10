"""Every select on messages, notifications, pushes and tenant-written templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update

from kernel.database import ReadSession, TenantSession
from messaging.models import (
    IssuedDocument,
    Message,
    Notification,
    PushKey,
    PushMute,
    PushSubscription,
    TenantTemplate,
)


class TemplateState(NamedTuple):
    """One version of a template as the list tells of it; times are UTC."""

    event: str
    language: str
    kind: str
    state: str
    version: int
    created_at: datetime
    published_at: datetime | None
    failed_at: datetime | None


async def message_for_update(session: TenantSession, message_id: UUID) -> Message | None:
    """Return one message, locked to the end of the transaction."""
    statement = select(Message).where(Message.id == message_id).with_for_update()
    return await session.scalar(statement)


async def database_time(session: TenantSession) -> datetime:
    """Return the database's clock: a lease by a process's own may outlast it by hours."""
    moment: datetime | None = await session.scalar(select(func.clock_timestamp()))
    assert moment is not None
    return moment


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


async def notification(
    session: TenantSession | ReadSession, notification_id: UUID, *, user_id: UUID
) -> Notification | None:
    """Return one notification of a person's own; somebody else's is none."""
    statement = select(Notification).where(
        Notification.id == notification_id, Notification.user_id == user_id
    )
    return await session.scalar(statement)


async def notifications(
    session: TenantSession | ReadSession,
    *,
    user_id: UUID,
    unread: bool = False,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[Notification]:
    """Return a person's notifications, newest first; `before` continues after a page's last."""
    statement = (
        select(Notification)
        .where(Notification.user_id == user_id)
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    if unread:
        statement = statement.where(Notification.read_at.is_(None))
    if before is not None:
        statement = statement.where(Notification.id < before)
    return (await session.scalars(statement)).all()


async def notifications_since(
    session: TenantSession | ReadSession, *, user_id: UUID, floor: UUID, limit: int
) -> Sequence[Notification]:
    """Return what a person was told after a moment (as an id), oldest first."""
    statement = (
        select(Notification)
        .where(Notification.user_id == user_id, Notification.id > floor)
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    return list(reversed((await session.scalars(statement)).all()))


async def unread_count(session: TenantSession | ReadSession, *, user_id: UUID) -> int:
    """Return how many notifications a person has not read."""
    statement = select(func.count()).where(
        Notification.user_id == user_id, Notification.read_at.is_(None)
    )
    return await session.scalar(statement) or 0


async def notifications_of(
    session: TenantSession | ReadSession, ids: Sequence[UUID]
) -> Sequence[Notification]:
    """Return notifications by their ids, whoever's they are."""
    return (await session.scalars(select(Notification).where(Notification.id.in_(ids)))).all()


async def push_mutes(
    session: TenantSession | ReadSession, user_ids: Sequence[UUID]
) -> frozenset[tuple[UUID, str]]:
    """Return which of these people want no push for which kind."""
    statement = select(PushMute.user_id, PushMute.kind).where(PushMute.user_id.in_(user_ids))
    return frozenset((row.user_id, row.kind) for row in await session.execute(statement))


async def push_subscriptions(
    session: TenantSession | ReadSession, user_ids: Sequence[UUID]
) -> Sequence[PushSubscription]:
    """Return the browsers that take pushes for these people, the oldest first."""
    statement = (
        select(PushSubscription)
        .where(PushSubscription.user_id.in_(user_ids))
        .order_by(PushSubscription.id)
    )
    return (await session.scalars(statement)).all()


async def push_subscription(
    session: TenantSession | ReadSession, subscription_id: UUID
) -> PushSubscription | None:
    """Return one browser that takes pushes."""
    return await session.get(PushSubscription, subscription_id)


async def push_subscription_at(
    session: TenantSession | ReadSession, endpoint_hash: bytes
) -> PushSubscription | None:
    """Return the browser of an address at a push service, whoever's it is."""
    statement = select(PushSubscription).where(PushSubscription.endpoint_hash == endpoint_hash)
    return await session.scalar(statement)


async def push_key(session: TenantSession | ReadSession) -> PushKey | None:
    """Return the key pair by which push services know the brokerage."""
    return await session.get(PushKey, 1)


async def issued_document(
    session: TenantSession, *, kind: str, subject_id: UUID, content_sha256: str
) -> IssuedDocument | None:
    """Return the first document of a subject that says just this."""
    statement = (
        select(IssuedDocument)
        .where(
            IssuedDocument.subject_id == subject_id,
            IssuedDocument.content_sha256 == content_sha256,
            IssuedDocument.kind == kind,
        )
        .order_by(IssuedDocument.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def document_by_code(
    session: TenantSession | ReadSession, code: str
) -> IssuedDocument | None:
    """Return the document of a code."""
    return await session.scalar(select(IssuedDocument).where(IssuedDocument.code == code))


async def live_sections(
    session: TenantSession | ReadSession, *, languages: Sequence[str] = ()
) -> Sequence[TenantTemplate]:
    """Return the sections of the public site that are live, of some languages when named."""
    statement = select(TenantTemplate).where(
        TenantTemplate.kind == "landing", TenantTemplate.state == "live"
    )
    if languages:
        statement = statement.where(TenantTemplate.language.in_(languages))
    return (await session.scalars(statement)).all()


async def keep_rendered(session: TenantSession, *, template_id: UUID, rendered: str) -> int:
    """Keep what a section says now, while it is live; return how many rows that were."""
    statement = (
        update(TenantTemplate)
        .where(TenantTemplate.id == template_id, TenantTemplate.state == "live")
        .values(rendered=rendered)
        .returning(TenantTemplate.id)
    )
    return len((await session.scalars(statement)).all())


async def template_states(session: TenantSession | ReadSession) -> Sequence[TemplateState]:
    """Return what the list of templates tells of each that has a live version or a draft."""
    statement = select(
        TenantTemplate.event,
        TenantTemplate.language,
        TenantTemplate.kind,
        TenantTemplate.state,
        TenantTemplate.version,
        TenantTemplate.created_at,
        TenantTemplate.published_at,
        TenantTemplate.failed_at,
    ).where(TenantTemplate.state.in_(("draft", "live")))
    return [TemplateState(*row) for row in await session.execute(statement)]


async def template_versions(
    session: TenantSession | ReadSession, *, event: str, language: str, kind: str
) -> Sequence[TenantTemplate]:
    """Return every version of one template, newest first, at most 100."""
    statement = (
        select(TenantTemplate)
        .where(
            TenantTemplate.event == event,
            TenantTemplate.language == language,
            TenantTemplate.kind == kind,
        )
        .order_by(TenantTemplate.version.desc())
        .limit(100)
    )
    return (await session.scalars(statement)).all()
