"""What the CRM repeats: the tally of leads is added up."""

from __future__ import annotations

from crm import lead_tally
from kernel.actor import TenantRef
from tenants.ports import Ports
from tenants.schedule import Job


async def _add_up(ports: Ports, tenant: TenantRef) -> None:
    async with ports.database.tenant(tenant) as session:
        await lead_tally.add_up(session)


JOBS = [Job("crm.add_up_lead_tally", 600, _add_up)]
