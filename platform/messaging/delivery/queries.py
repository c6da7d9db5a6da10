"""Every select on mail servers, checks of domains, suppression, bounces and consent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select

from identity.models import RolePermission, StaffRole, UserAccount
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State
from messaging.models import Bounce, MailCheck, MailConsent, MailServer, Message, Suppression


class MailRow(NamedTuple):
    """A mail as its log shows it; the recipient is masked by whoever shows it."""

    id: UUID
    recipient: str
    template: str
    category: str
    language: str
    state: str
    error: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    kept: bool


class SuppressedRow(NamedTuple):
    """An address that gets no mails, masked."""

    id: UUID
    masked: str
    list: str
    reason: str
    detail: str
    created_at: datetime


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


def _mails() -> tuple[Select[*tuple[object, ...]], slices.Source]:
    source = slices.Source(
        columns={
            **{
                name: getattr(Message, name)
                for name in ("template", "category", "state", "language", "recipient", "error")
            },
            "created": Message.created_at,
        },
        key=Message.id,
        # Whole addresses only: the log shows them masked, and must not spell them out.
        search=lambda word: [func.lower(Message.recipient) == word, Message.template == word],
    )
    statement = select(
        Message.id,
        *(Message.recipient, Message.template, Message.category, Message.language, Message.state),
        *(Message.error, Message.attempts, Message.created_at, Message.sent_at),
        Message.body_sealed.is_not(None),
    ).where(Message.channel == "mail")
    return statement, source


async def mail_page(session: TenantSession | ReadSession, state: State) -> Window[MailRow]:
    """Return a page of the log of mails."""
    statement, source = _mails()
    return await slices.page(session, statement, state, source, make=MailRow)


async def mail_facets(session: TenantSession | ReadSession, state: State) -> slices.Facets:
    """Count the log of mails by state."""
    statement, source = _mails()
    counting = statement.with_only_columns(func.count(), maintain_column_froms=True)
    return await slices.facets(session, counting, state, source, ("state",))


def _suppressed(address_hash: str) -> tuple[Select[*tuple[object, ...]], slices.Source]:
    source = slices.Source(
        columns={
            "list": Suppression.list,
            "reason": Suppression.reason,
            "since": Suppression.created_at,
        },
        key=Suppression.id,
        # Addresses are not kept, so a search is for a whole one, by its hash.
        search=lambda _word: [Suppression.address_hash == address_hash],
    )
    statement = select(
        *(Suppression.id, Suppression.masked, Suppression.list, Suppression.reason),
        *(Suppression.detail, Suppression.created_at),
    ).where(Suppression.removed_at.is_(None))
    return statement, source


async def suppressed_page(
    session: TenantSession | ReadSession, state: State, *, address_hash: str
) -> Window[SuppressedRow]:
    """Return a page of the addresses that get no mails."""
    statement, source = _suppressed(address_hash)
    return await slices.page(session, statement, state, source, make=SuppressedRow)


async def suppressed_facets(
    session: TenantSession | ReadSession, state: State, *, address_hash: str
) -> slices.Facets:
    """Count the addresses that get no mails by reason."""
    statement, source = _suppressed(address_hash)
    counting = statement.with_only_columns(func.count(), maintain_column_froms=True)
    return await slices.facets(session, counting, state, source, ("reason",))
