"""Clients for the search of all rooms, and how people of any table are found for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from clients.models import Client
from clients.shell import queries
from identity.shell.subjects import Hit, Query, Source, begins
from kernel.database import TenantSession
from kernel.viewer import Viewer


@dataclass(frozen=True)
class People:
    """A table of people with an owner: who may see them, and who their contacts.

    `state` is where they stand, in the words of `word`; `number` is the condition that their
    telephone number begins with digits.
    """

    kind: str
    table: type[queries.Named]
    state: InstrumentedAttribute[str]
    word: Callable[[str], str]
    number: Callable[[str], ColumnElement[bool]]
    read: str
    contact: str


def source(people: People, label: str, icon: str, *, more: str) -> Source:
    """Return the source that finds these people within a viewer's scopes.

    Contacts that a viewer sees masked are not searched either.
    """

    async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
        rows = await queries.search(
            session,
            people.table,
            state=people.state,
            number=people.number(query.number) if query.number else None,
            query=query,
            owner_id=viewer.owner(people.read),
            contact_of=viewer.owner(people.contact),
            by_contact=viewer.may(people.contact),
            limit=limit,
        )
        return [
            Hit(
                people.kind,
                row.id,
                f"{row.first_name} {row.last_name}".strip(),
                f"{row.reference} · {people.word(row.state)} · {row.country}",
                exact=row.exact,
                contact=row.email,
                masked=not viewer.reaches(people.contact, row.owner_id),
            )
            for row in rows
        ]

    async def names(
        session: TenantSession, viewer: Viewer, ids: Collection[UUID]
    ) -> Mapping[UUID, str]:
        return await queries.names(
            session, people.table, ids=ids, owner_id=viewer.owner(people.read)
        )

    return Source(people.kind, label, icon, people.read, find, names, more=more)


_CLIENTS = People(
    kind="client",
    table=Client,
    state=Client.status,
    word=str.capitalize,
    number=lambda digits: begins(Client.phone, f"+{digits}"),
    read="clients.client.read",
    contact="clients.contact.read",
)
SOURCE = source(_CLIENTS, "Clients", "users", more="/crm/clients")
