"""Which records a viewer's scope lets them see; what lies outside is answered as not there."""

from __future__ import annotations

from uuid import UUID

from clients import queries as clients_queries
from clients.models import Client
from crm import queries
from crm.models import Lead
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.viewer import Viewer


def owned_by(viewer: Viewer, permission: str) -> UUID | None:
    """Return whose records alone may be listed, or None for everybody's."""
    return viewer.owner(permission)


def reaches(viewer: Viewer, permission: str, owner_id: UUID | None) -> bool:
    """Say whether a granted permission reaches a record of that owner."""
    return viewer.reaches(permission, owner_id)


async def lead(session: TenantSession, viewer: Viewer, lead_id: UUID, *, permission: str) -> Lead:
    """Return a lead that the viewer may act on so; raise NotFound for any other."""
    found = await queries.lead(session, lead_id)
    if found is None or not reaches(viewer, permission, found.owner_id):
        raise NotFound
    return found


async def client(
    session: TenantSession, viewer: Viewer, client_id: UUID, *, permission: str
) -> Client:
    """Return a client that the viewer may act on so; raise NotFound for any other."""
    found = await clients_queries.client(session, client_id)
    if found is None or not reaches(viewer, permission, found.owner_id):
        raise NotFound
    return found
