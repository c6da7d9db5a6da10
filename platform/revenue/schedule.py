"""What revenue does again and again."""

from __future__ import annotations

from kernel.actor import TenantRef
from revenue import lines
from tenants.ports import Ports
from tenants.schedule import Job


async def fill_rates(ports: Ports, tenant: TenantRef) -> None:
    """Convert lines that had no rate to the base currency when they were booked."""
    async with ports.database.tenant(tenant) as session:
        await lines.book_without_rate(session)


JOBS = [Job("revenue.fill_rates", 600.0, fill_rates)]
