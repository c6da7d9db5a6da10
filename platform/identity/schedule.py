"""What identity repeats: rows of sessions that have run out are removed."""

from __future__ import annotations

from identity import sessions
from identity.listings import bulk
from kernel.actor import TenantRef
from tenants.ports import Ports
from tenants.schedule import Job


async def _purge(ports: Ports, tenant: TenantRef) -> None:
    async with ports.database.tenant(tenant) as session:
        await sessions.purge(session)
        await bulk.purge(session)


JOBS = [Job("identity.purge_sessions", 3600, _purge)]
