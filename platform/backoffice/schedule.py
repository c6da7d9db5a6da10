"""What this room does again and again: it publishes a brand whose time has come."""

from __future__ import annotations

from backoffice.settings import brand_versions
from kernel.actor import TenantRef
from tenants.ports import Ports
from tenants.schedule import Job


async def publish_brand(ports: Ports, tenant: TenantRef) -> None:
    """Publish the scheduled version of a brokerage when it is due."""
    async with ports.database.tenant(tenant) as session:
        await brand_versions.publish_due(session)


JOBS = [Job("backoffice.publish_brand", 30, publish_brand)]
