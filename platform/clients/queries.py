"""Every select on clients, restrictions and timelines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from clients.models import Client, Restriction, TimelineEntry
from clients.timeline import Subject
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


async def client(session: Session, client_id: UUID) -> Client | None:
    """Return the client of that id."""
    return await session.get(Client, client_id)


async def client_for_update(session: TenantSession, client_id: UUID) -> Client | None:
    """Return the client of that id, locked to the end of the transaction."""
    return await session.scalar(select(Client).where(Client.id == client_id).with_for_update())


async def client_of_user(session: Session, user_id: UUID) -> Client | None:
    """Return the profile of somebody who signs in."""
    return await session.scalar(select(Client).where(Client.user_id == user_id))


async def client_by_email(session: Session, email: str) -> Client | None:
    """Return the oldest profile with that address, in whatever case it is written."""
    statement = (
        select(Client)
        .where(func.lower(Client.email) == email.strip().lower())
        .order_by(Client.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def restriction(
    session: TenantSession, *, client_id: UUID, kind: str, source: str
) -> Restriction | None:
    """Return what one source has imposed and not lifted, locked."""
    statement = (
        select(Restriction)
        .where(
            Restriction.client_id == client_id,
            Restriction.kind == kind,
            Restriction.source == source,
            Restriction.lifted_at.is_(None),
        )
        .with_for_update()
    )
    return await session.scalar(statement)


async def restrictions(session: Session, client_id: UUID) -> Sequence[Restriction]:
    """Return what a client may not do now, oldest first."""
    statement = (
        select(Restriction)
        .where(Restriction.client_id == client_id, Restriction.lifted_at.is_(None))
        .order_by(Restriction.id)
    )
    return (await session.scalars(statement)).all()


async def timeline(
    session: Session, subject: Subject, *, limit: int = 200
) -> Sequence[TimelineEntry]:
    """Return the newest entries of a lead's, client's or partner's timeline, newest first."""
    statement = (
        select(TimelineEntry)
        .where(TimelineEntry.subject_kind == subject[0], TimelineEntry.subject_id == subject[1])
        .order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def timeline_of_client(
    session: Session, client: Client, *, limit: int = 200
) -> Sequence[TimelineEntry]:
    """Return a client's newest entries, those of the lead they were among them, newest first."""
    subjects = [("client", client.id)]
    if client.lead_id is not None:
        subjects.append(("lead", client.lead_id))
    statement = (
        select(TimelineEntry)
        .where(tuple_(TimelineEntry.subject_kind, TimelineEntry.subject_id).in_(subjects))
        .order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def clients_page(
    session: Session,
    *,
    owner_id: UUID | None = None,
    search: str = "",
    status: str = "",
    country: str = "",
    by_contact: bool = True,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[Client]:
    """Return clients, newest first; `owner_id` leaves only one owner's, `after` continues.

    Without `by_contact` the search looks at names and references only: to a reader who sees
    contacts masked it must not tell them letter by letter.
    """
    filters = _filters(
        owner_id=owner_id, search=search, status=status, country=country, by_contact=by_contact
    )
    statement = (
        select(Client)
        .where(*filters)
        .order_by(Client.created_at.desc(), Client.id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(Client.created_at, Client.id) < after)
    return (await session.scalars(statement)).all()


async def clients_count(
    session: Session,
    *,
    owner_id: UUID | None = None,
    search: str = "",
    status: str = "",
    country: str = "",
    by_contact: bool = True,
) -> int:
    """Return how many clients match."""
    filters = _filters(
        owner_id=owner_id, search=search, status=status, country=country, by_contact=by_contact
    )
    statement = select(func.count()).select_from(Client).where(*filters)
    return await session.scalar(statement) or 0


def _filters(
    *, owner_id: UUID | None, search: str, status: str, country: str, by_contact: bool
) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    if owner_id is not None:
        found.append(Client.owner_id == owner_id)
    if status:
        found.append(Client.status == status)
    if country:
        found.append(Client.country == country)
    for word in search.replace("\x00", "").lower().split()[:5]:
        places = [
            func.lower(Client.first_name + " " + Client.last_name).contains(word, autoescape=True),
            func.lower(Client.reference).contains(word, autoescape=True),
        ]
        if by_contact:
            places.append(func.lower(Client.email).contains(word, autoescape=True))
            places.append(Client.phone.contains(word, autoescape=True))
        found.append(or_(*places))
    return found
