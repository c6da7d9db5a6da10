"""Every select on mail servers, checks of domains, suppression, bounces and consent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from identity.models import RolePermission, StaffRole, UserAccount
from kernel.database import ReadSession, TenantSession
from messaging.models import Bounce, MailCheck, MailConsent, MailServer, Message, Suppression


async def server(session: TenantSession | ReadSession, *, lock: bool = False) -> MailServer | None:
    """Return how the tenant's mails leave, or None while nobody has set anything."""
    statement = select(MailServer).where(MailServer.id == 1)
    return await session.scalar(statement.with_for_update() if lock else statement)


async def checks(session: TenantSession | ReadSession) -> Sequence[MailCheck]:
    """Return what the DNS last said about the sender's domain."""
    return (await session.scalars(select(MailCheck))).all()


async def active_lists(session: TenantSession | ReadSession, address_hash: str) -> frozenset[str]:
    """Return of which lists an address gets nothing; `all` is every one."""
    statement = select(Suppression.list).where(
        Suppression.address_hash == address_hash, Suppression.removed_at.is_(None)
    )
    return frozenset((await session.scalars(statement)).all())


async def suppression(session: TenantSession, suppression_id: UUID) -> Suppression | None:
    """Return one entry, locked."""
    statement = select(Suppression).where(Suppression.id == suppression_id).with_for_update()
    return await session.scalar(statement)


async def active_suppression(
    session: TenantSession, *, address_hash: str, mail_list: str
) -> Suppression | None:
    """Return the entry that keeps a list's mails from an address, locked."""
    statement = select(Suppression).where(
        Suppression.address_hash == address_hash,
        Suppression.list == mail_list,
        Suppression.removed_at.is_(None),
    )
    return await session.scalar(statement.with_for_update())


async def bounces_since(
    session: TenantSession | ReadSession, *, address_hash: str, kind: str, since: datetime
) -> int:
    """Return how many mails to an address came back in one way since a moment."""
    statement = select(func.count()).where(
        Bounce.address_hash == address_hash, Bounce.kind == kind, Bounce.created_at >= since
    )
    return await session.scalar(statement) or 0


async def consent(
    session: TenantSession, *, address_hash: str, mail_list: str
) -> MailConsent | None:
    """Return what an address said about a list, locked."""
    statement = select(MailConsent).where(
        MailConsent.address_hash == address_hash, MailConsent.list == mail_list
    )
    return await session.scalar(statement.with_for_update())


async def language_of(session: TenantSession | ReadSession, user_id: UUID) -> str:
    """Return the language a person chose to read, empty when they never did."""
    statement = select(UserAccount.language).where(UserAccount.id == user_id)
    return await session.scalar(statement) or ""


async def old_letters(
    session: TenantSession, *, before: datetime, limit: int = 500
) -> Sequence[Message]:
    """Return unsent mails whose sealed words have been kept for long enough."""
    statement = (
        select(Message)
        .where(
            Message.state.in_(("failed", "suppressed")),
            Message.body_sealed.is_not(None),
            Message.created_at < before,
        )
        .order_by(Message.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()


async def who_may(session: TenantSession | ReadSession, permission: str) -> Sequence[UUID]:
    """Return the active staff who hold a permission by one of their roles."""
    statement = (
        select(UserAccount.id)
        .join(StaffRole, StaffRole.user_id == UserAccount.id)
        .join(RolePermission, RolePermission.role == StaffRole.role)
        .where(
            UserAccount.kind == "staff",
            UserAccount.state == "active",
            RolePermission.permission == permission,
        )
        .distinct()
    )
    return (await session.scalars(statement)).all()
