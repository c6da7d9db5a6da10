"""Leads for the search of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from crm.lead_list import STAGE_WORDS
from crm.shell import queries
from identity.shell.subjects import Hit, Query, Source
from kernel.database import TenantSession
from kernel.viewer import Viewer

READ = "crm.lead.read"
_CONTACT = "crm.contact.read"


async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
    """Return leads the viewer may see; contacts they see masked are not searched either."""
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
            "lead",
            row.id,
            f"{row.first_name} {row.last_name}".strip(),
            f"{row.reference} · {STAGE_WORDS[row.stage]} · {row.country}",
            exact=row.exact,
            contact=row.email,
            masked=not viewer.reaches(_CONTACT, row.owner_id),
        )
        for row in rows
    ]


async def names(
    session: TenantSession, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return what leads are called, of those the viewer may see."""
    return await queries.names(session, ids=ids, owner_id=viewer.owner(READ))


SOURCE = Source("lead", "Leads", "user-plus", READ, find, names, more="/crm/leads")
