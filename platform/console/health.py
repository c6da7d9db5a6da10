"""How each brokerage is doing: what waits, what failed, and how far its mirror lags.

Each room offers its own number; a brokerage whose schema can't be read is itself a finding.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from console import queries
from kernel.actor import TenantRef
from kernel.database import Database
from ledger import verification
from trading import queries as trading_queries


@dataclass(frozen=True)
class Health:
    """One brokerage's numbers; `problems` are in words, worst first."""

    waiting_events: int
    failed_deliveries: int
    refused_webhooks: int
    unknown_operations: int
    lag_seconds: int | None
    ledger_ok: bool | None
    problems: tuple[str, ...]

    @property
    def state(self) -> str:
        """The badge's status: live, or attention."""
        return "attention" if self.problems else "live"


async def of(database: Database, tenant: TenantRef, *, verify: bool = False) -> Health:
    """Return a brokerage's health; `verify` also proves its ledger, which takes longer."""
    try:
        async with database.tenant_read(tenant) as session:
            counts = await queries.counts(session)
            servers = await trading_queries.health(session)
            ledger_ok = (await verification.verify(session)).ok if verify else None
    except (SQLAlchemyError, OSError) as error:
        return Health(
            0, 0, 0, 0, None, None, (f"Its schema can't be read: {type(error).__name__}",)
        )
    lags = [round(found.lag_seconds) for found in servers]
    unknown = sum(found.operations_unknown + found.operations_frozen for found in servers)
    problems = []
    if ledger_ok is False:
        problems.append("The ledger does not balance")
    if counts.failed:
        problems.append(f"{counts.failed} deliveries keep failing")
    if unknown:
        problems.append(f"{unknown} platform operations have an unknown outcome")
    if lags and max(lags) > 60:
        problems.append(f"The trading mirror is {max(lags)} s behind")
    return Health(
        waiting_events=counts.waiting,
        failed_deliveries=counts.failed,
        refused_webhooks=counts.refused,
        unknown_operations=unknown,
        lag_seconds=max(lags) if lags else None,
        ledger_ok=ledger_ok,
        problems=tuple(problems),
    )


async def of_all(database: Database, tenants: list[TenantRef]) -> dict[str, Health]:
    """Return the health of several brokerages by slug, a few at a time."""
    gate = asyncio.Semaphore(4)

    async def one(tenant: TenantRef) -> tuple[str, Health]:
        async with gate:
            return tenant.slug, await of(database, tenant)

    return dict(await asyncio.gather(*(one(tenant) for tenant in tenants)))
