"""KYC cases for the search of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from compliance.shell import queries
from identity.shell.subjects import Hit, Query, Source
from kernel.database import TenantSession
from kernel.viewer import Viewer

READ = "compliance.kyc.read"


async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
    """Return cases; whoever may see one may see all, so that the scope is not asked."""
    del viewer
    return [
        Hit(
            "case",
            row.id,
            row.person,
            f"{row.reference} · {row.state.replace('_', ' ').capitalize()} · {row.country}",
            exact=row.exact,
        )
        for row in await queries.search(session, query=query, limit=limit)
    ]


async def names(
    session: TenantSession, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return cases' references."""
    del viewer
    return await queries.names(session, ids=ids)


SOURCE = Source("case", "KYC cases", "shield-check", READ, find, names, more="/backoffice/kyc")
