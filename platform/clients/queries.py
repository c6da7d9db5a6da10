"""Every select on clients, restrictions and timelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from clients.models import Client, Restriction, TimelineEntry
from clients.timeline import Subject
from identity.models import UserAccount
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State

Session = TenantSession | ReadSession
NOBODY = "none"


async def client(session: Session, client_id: UUID) -> Client | None:
    """Return the client of that id."""
    return await session.get(Client, client_id)


async def client_for_update(session: TenantSession, client_id: UUID) -> Client | None:
    """Return the client of that id, locked to the end of the transaction."""
    return await session.scalar(select(Client).where(Client.id == client_id).with_for_update())


async def client_of_user(session: Session, user_id: UUID) -> Client | None:
    """Return the profile of somebody who signs in."""
    return await session.scalar(select(Client).where(Client.user_id == user_id))


async def client_by_reference(session: Session, reference: str) -> Client | None:
    """Return the client of that number."""
    return await session.scalar(select(Client).where(Client.reference == reference))


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


_NAME = func.lower(Client.first_name + " " + Client.last_name)


def _source(*, by_contact: bool) -> slices.Source:
    """Say what the columns of a list of clients are.

    Without `by_contact` the search looks at names and references only: to a reader who sees
    contacts masked it must not tell them letter by letter.
    """

    def places(word: str) -> list[ColumnElement[bool]]:
        found = [
            _NAME.contains(word, autoescape=True),
            func.lower(Client.reference).contains(word, autoescape=True),
        ]
        if by_contact:
            found.append(func.lower(Client.email).contains(word, autoescape=True))
            found.append(Client.phone.contains(word, autoescape=True))
        return found

    return slices.Source(
        columns={
            "name": _NAME,
            "reference": Client.reference,
            "status": Client.status,
            "level": Client.kyc_level,
            "country": Client.country,
            "owner": Client.owner_id,
            "since": Client.created_at,
            "language": Client.language,
        },
        key=Client.id,
        search=places,
        special={
            "owner": lambda value: (
                Client.owner_id.is_(None) if value == NOBODY else Client.owner_id == UUID(value)
            )
        },
    )


def _owned(statement: Select[*tuple[Any, ...]], owner_id: UUID | None) -> Any:  # noqa: ANN401
    return statement.where(Client.owner_id == owner_id) if owner_id else statement


class ClientRow(NamedTuple):
    """A client as a list shows them, with the name of whoever they belong to."""

    client: Client
    owner: str | None

    @property
    def id(self) -> UUID:
        """The client's id."""
        return self.client.id

    @property
    def reference(self) -> str:
        """The client's number."""
        return self.client.reference


def _rows(owner_id: UUID | None) -> Select[*tuple[Any, ...]]:
    named = select(Client, UserAccount.name).outerjoin(
        UserAccount, UserAccount.id == Client.owner_id
    )
    found: Select[*tuple[Any, ...]] = _owned(named, owner_id)
    return found


async def client_page(
    session: Session, state: State, *, owner_id: UUID | None, by_contact: bool
) -> Window[ClientRow]:
    """Return a page of clients, one owner's or everybody's."""
    source = _source(by_contact=by_contact)
    return await slices.page(session, _rows(owner_id), state, source, make=ClientRow)


async def client_rows(
    session: Session, state: State, *, owner_id: UUID | None, by_contact: bool, limit: int
) -> list[ClientRow]:
    """Return the first clients of a whole list."""
    source = _source(by_contact=by_contact)
    rows = _rows(owner_id)
    return await slices.rows(session, rows, state, source, make=ClientRow, limit=limit)


async def client_facets(
    session: Session,
    state: State,
    *,
    owner_id: UUID | None,
    by_contact: bool,
    names: tuple[str, ...] = ("status", "country"),
) -> slices.Facets:
    """Count a list of clients by status and country."""
    source = _source(by_contact=by_contact)
    statement = _owned(select(func.count()).select_from(Client), owner_id)
    return await slices.facets(session, statement, state, source, names)


async def clients_by_id(
    session: TenantSession, ids: Sequence[UUID], *, owned_by: UUID | None, lock: bool
) -> Sequence[Client]:
    """Return clients in the order of their ids, one owner's or anybody's; locked on demand."""
    statement = select(Client).where(Client.id.in_(ids)).order_by(Client.id)
    if owned_by is not None:
        statement = statement.where(Client.owner_id == owned_by)
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement.with_for_update() if lock else statement)).all()
