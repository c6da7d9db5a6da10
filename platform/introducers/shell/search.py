"""Partners for the search of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from identity.shell.subjects import Hit, Query, Source
from introducers.shell import queries
from kernel.database import TenantSession
from kernel.viewer import Viewer

READ = "introducers.partner.read"


async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
    """Return partners; whoever may see one may see all, so that the scope is not asked."""
    del viewer
    return [
        Hit(
            "partner",
            row.id,
            row.name,
            f"{row.reference} · {row.code} · {row.state.capitalize()} · {row.country}",
            exact=row.exact,
        )
        for row in await queries.search(session, query=query, limit=limit)
    ]


async def names(
    session: TenantSession, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return what partners are called."""
    del viewer
    return await queries.names(session, ids=ids)


SOURCE = Source("partner", "Partners", "affiliate", READ, find, names, more="/backoffice/partners")
