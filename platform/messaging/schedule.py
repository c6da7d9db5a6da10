"""What messaging does again and again."""

from __future__ import annotations

from kernel.actor import TenantRef
from messaging import notifications
from tenants.ports import Ports
from tenants.schedule import Job


async def _purge(ports: Ports, tenant: TenantRef) -> None:
    async with ports.database.tenant(tenant) as session:
        await notifications.purge(session)


JOBS = [Job("messaging.purge_notifications", 24 * 3600, _purge)]
