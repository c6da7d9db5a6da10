"""What messaging does again and again."""

from __future__ import annotations

from kernel.actor import TenantRef
from messaging import mails, notifications
from messaging.delivery import domain_checks
from tenants.ports import Ports
from tenants.schedule import Job


async def _purge(ports: Ports, tenant: TenantRef) -> None:
    async with ports.database.tenant(tenant) as session:
        await notifications.purge(session)


async def _check_domain(ports: Ports, tenant: TenantRef) -> None:
    await domain_checks.run(ports.database, tenant, dns=ports.dns)


async def _forget_letters(ports: Ports, tenant: TenantRef) -> None:
    async with ports.database.tenant(tenant) as session:
        await mails.forget_old(session)


JOBS = [
    Job("messaging.check_domain", 24 * 3600, _check_domain),
    Job("messaging.forget_letters", 3600, _forget_letters),
    Job("messaging.purge_notifications", 24 * 3600, _purge),
]
