"""What this room does again and again for every brokerage."""

from __future__ import annotations

from kernel.actor import TenantRef
from tenants.ports import Ports
from tenants.schedule import Job
from trading import operations


async def _reconcile(ports: Ports, tenant: TenantRef) -> None:
    await operations.reconcile(
        ports.database,
        tenant,
        connections=ports.trading,
        vault=ports.vault,
        quiet_seconds=ports.settings.quiet_seconds,
    )


JOBS = [Job("trading.reconcile", 2.0, _reconcile)]
