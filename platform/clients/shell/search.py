"""Clients for the search of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from clients.shell import queries
from identity.shell.subjects import Hit, Query, Source
from kernel.database import TenantSession
from kernel.viewer import Viewer

READ = "clients.client.read"
_CONTACT = "clients.contact.read"


async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
    """Return clients the viewer may see; contacts they see masked are not searched either."""
    rows = await queries.search(
        session,
        query=query,
        owner_id=viewer.owner(READ),
        contact_of=viewer.owner(_CONTACT),
        by_contact=viewer.may(_CONTACT),
        limit=limit,
    )
    return [
        Hit(
            "client",
            row.id,
            f"{row.first_name} {row.last_name}".strip(),
            f"{row.reference} · {row.status} · {row.country}",
            exact=row.exact,
            contact=row.email,
            masked=not viewer.reaches(_CONTACT, row.owner_id),
        )
        for row in rows
    ]


async def names(
    session: TenantSession, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return what clients are called, of those the viewer may see."""
    return await queries.names(session, ids=ids, owner_id=viewer.owner(READ))


SOURCE = Source("client", "Clients", "users", READ, find, names, more="/crm/clients")
