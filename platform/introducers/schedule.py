"""What introducers do again and again."""

from __future__ import annotations

from introducers import postings
from kernel.actor import TenantRef
from kernel.clock import now
from ledger import holds
from tenants.ports import Ports
from tenants.schedule import Job


async def close_days(ports: Ports, tenant: TenantRef) -> None:
    """Post the commissions of the days that are over, and late differences of earlier ones."""
    await postings.close_days(ports.database, tenant, before=now().date())


async def release(ports: Ports, tenant: TenantRef) -> None:
    """Free what was set aside for partners until now, such as what a client pays once."""
    async with ports.database.tenant(tenant) as session:
        await holds.expire(session)


JOBS = [
    Job("introducers.close_days", 300.0, close_days),
    Job("introducers.release", 300.0, release),
]
