"""Notifications: what a signed-in person is told, in their language, wherever they are.

A notification is a row and an event in the transaction that caused it. Its title and body are
texts of the catalogues with named places (`%(amount)s`); they are put into words only when
somebody reads them, because nobody knows in what language that will be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, update

from kernel.clock import now
from kernel.database import TenantSession
from kernel.events import record
from kernel.ids import uuid7
from kernel.language import gettext
from kernel.money import Money
from messaging import kinds
from messaging.events import NotificationsRead, Notified
from messaging.models import Notification, PushMute
from themes import formats

# What stands in a text's place: words and references as they are, money and days as the reader
# writes them.
Fact = str | Money | dt.date
KEEP_DAYS = 180


@dataclass(frozen=True, slots=True)
class Told:
    """A notification in the reader's words."""

    id: UUID
    kind: str
    title: str
    body: str
    href: str
    created_at: dt.datetime
    read: bool

    @property
    def icon(self) -> str:
        """The icon of its kind."""
        return kinds.ICONS[self.kind]


async def notify(
    session: TenantSession,
    *,
    user_id: UUID,
    kind: str,
    title: str,
    body: str = "",
    href: str = "",
    facts: Mapping[str, Fact] | None = None,
) -> Notification:
    """Tell somebody something, once this transaction is committed.

    The title is also what a push shows on a locked telephone: it names no amounts and no people.
    Raises ValueError for an unknown kind and for an `href` that is no path of the reader's own
    host.
    """
    if kind not in kinds.ALL:
        raise ValueError(f"{kind!r} is no kind of notification: add it to messaging.kinds.")
    if href and not is_path(href):
        raise ValueError("a notification leads to a path of its reader's own host")
    row = Notification(
        id=uuid7(),
        user_id=user_id,
        kind=kind,
        title=title,
        body=body,
        facts={name: _kept(fact) for name, fact in (facts or {}).items()},
        href=href,
    )
    session.add(row)
    record(session, Notified(row.id, user_id))
    return row


def is_path(href: str) -> bool:
    """Say whether an address leads to the host it is shown on."""
    return href.startswith("/") and not href.startswith(("//", "/\\"))


def told(row: Notification) -> Told:
    """Put a notification into the words of the language that is spoken now."""
    facts = {name: _said(fact) for name, fact in row.facts.items()}
    title, body = gettext(row.title), gettext(row.body) if row.body else ""
    if facts:
        title, body = title % facts, body % facts
    return Told(row.id, row.kind, title, body, row.href, row.created_at, row.read_at is not None)


async def mark_read(
    session: TenantSession, *, user_id: UUID, ids: Sequence[UUID] | None = None
) -> int:
    """Mark somebody's own notifications as read, all of them without ids; return how many were."""
    statement = update(Notification).where(
        Notification.user_id == user_id, Notification.read_at.is_(None)
    )
    if ids is not None:
        statement = statement.where(Notification.id.in_(ids))
    done = await session.scalars(
        statement.values(read_at=func.now()).returning(Notification.id),
        execution_options={"synchronize_session": False},
    )
    count = len(done.all())
    if count:
        record(session, NotificationsRead(user_id))
    return count


async def choose_pushes(
    session: TenantSession, *, user_id: UUID, audience: str, wanted: Sequence[str]
) -> None:
    """Keep which kinds somebody wants pushed; those of other audiences are left out."""
    await session.execute(delete(PushMute).where(PushMute.user_id == user_id))
    session.add_all(
        PushMute(user_id=user_id, kind=kind)
        for kind in kinds.BY_AUDIENCE.get(audience, {})
        if kind not in wanted
    )


async def purge(session: TenantSession) -> None:
    """Remove what is older than half a year."""
    limit = now() - dt.timedelta(days=KEEP_DAYS)
    await session.execute(delete(Notification).where(Notification.created_at < limit))


def _kept(fact: Fact) -> object:
    if isinstance(fact, Money):
        return fact.as_json()
    return {"day": fact.isoformat()} if isinstance(fact, dt.date) else fact


def _said(fact: object) -> str:
    match fact:
        case {"amount": str(amount), "currency": str(currency)}:
            return formats.isolated(formats.money_text(Money.of(amount, currency)))
        case {"day": str(day)}:
            return formats.isolated(formats.day_text(dt.date.fromisoformat(day)))
        case _:
            return str(fact)
