"""What this room does again and again: a brand whose time has come, pictures nobody wears."""

from __future__ import annotations

from backoffice.settings import brand_files, brand_versions
from kernel.actor import TenantRef
from tenants.ports import Ports
from tenants.schedule import Job


async def publish_brand(ports: Ports, tenant: TenantRef) -> None:
    """Publish the scheduled version of a brokerage when it is due."""
    async with ports.database.tenant(tenant) as session:
        await brand_versions.publish_due(session)


async def delete_pictures(ports: Ports, tenant: TenantRef) -> None:
    """Delete pictures that no version of the brand refers to."""
    await brand_files.delete_unworn(ports.database, tenant, store=ports.store)


JOBS = [
    Job("backoffice.publish_brand", 30, publish_brand),
    Job("backoffice.delete_pictures", 3_600, delete_pictures),
]
