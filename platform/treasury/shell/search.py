"""Deposits, by our reference or the provider's, for the search of all rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from identity.shell.subjects import Hit, Query, Source
from kernel.database import TenantSession
from kernel.money import Money
from kernel.viewer import Viewer
from treasury.shell import queries

READ = "treasury.deposit.read"


async def find(session: TenantSession, viewer: Viewer, query: Query, limit: int) -> list[Hit]:
    """Return deposits of clients in the viewer's scope."""
    rows = await queries.search(session, query=query, owner_id=viewer.owner(READ), limit=limit)
    return [
        Hit(
            "deposit",
            row.id,
            row.reference,
            " · ".join(
                part
                for part in (
                    row.person,
                    f"{Money(row.amount, row.currency).rounded().amount:,f} {row.currency}",
                    row.state.capitalize(),
                )
                if part
            ),
            exact=row.exact,
        )
        for row in rows
    ]


async def names(
    session: TenantSession, viewer: Viewer, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Return deposits' references, of those the viewer may see."""
    return await queries.names(session, ids=ids, owner_id=viewer.owner(READ))


SOURCE = Source("deposit", "Deposits", "cash", READ, find, names, more="/backoffice/deposits")
