"""Trading accounts, by login, for the search of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from identity.shell.subjects import Hit, Query, Source
from kernel.database import TenantSession
from kernel.viewer import Viewer
from trading.shell import queries

READ = "trading.account.read"


async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
    """Return accounts of clients in the viewer's scope; each is shown on its client's page."""
    rows = await queries.search(session, query=query, owner_id=viewer.owner(READ), limit=limit)
    return [
        Hit(
            "account",
            row.id,
            str(row.login) if row.login else row.reference,
            " · ".join(
                part for part in (row.person, row.group_name, row.state.capitalize()) if part
            ),
            exact=row.exact,
            shown_as=("client", row.client_id),
        )
        for row in rows
    ]


async def names(
    session: TenantSession, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return accounts' logins, of those the viewer may see."""
    return await queries.names(session, ids=ids, owner_id=viewer.owner(READ))


SOURCE = Source("account", "Trading accounts", "chart-candle", READ, find, names)
