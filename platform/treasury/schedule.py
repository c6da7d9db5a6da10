"""What this room does again and again: it asks providers about deposits whose event got lost."""

from __future__ import annotations

from datetime import timedelta

from kernel.actor import TenantRef
from kernel.clock import now
from tenants.ports import Ports
from tenants.schedule import Job
from treasury import deposits, queries

_PATIENCE = timedelta(minutes=5)
_AT_ONCE = 50


async def refresh_open(ports: Ports, tenant: TenantRef) -> None:
    """Ask about the newest deposits that were sent to a provider and got no answer for a while."""
    async with ports.database.tenant_read(tenant) as session:
        waiting = await queries.open_deposits(session, older_than=now() - _PATIENCE, limit=_AT_ONCE)
    for deposit_id in waiting:
        await deposits.refresh(
            ports.database,
            tenant,
            deposit_id=deposit_id,
            payments=ports.payments,
            vault=ports.vault,
        )


JOBS = [Job("treasury.refresh_open", 300, refresh_open)]
