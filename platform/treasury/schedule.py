"""What this room does again and again: it asks about lost payments and for fresh rates."""

from __future__ import annotations

from datetime import date, timedelta

from connectors.fx_rates.port import RatesUnavailable
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.log import logger
from tenants.ports import Ports
from tenants.schedule import Job
from treasury import deposits, queries
from treasury.connections import Reach
from treasury.rates import references
from treasury.rates.reference_file import UnreadableRates
from treasury.reconciliation import queries as reconciliation_queries
from treasury.reconciliation import runs

_LOG = logger(__name__)

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
            reach=Reach(ports.gateways, ports.vault, ports.settings),
        )


async def fetch_rates(ports: Ports, tenant: TenantRef) -> None:
    """Read the live source of exchange rates, where there is one; a silent one is asked again."""
    if ports.rates is None:
        return
    try:
        await references.fetch(ports.database, tenant, feed=ports.rates)
    except (RatesUnavailable, UnreadableRates) as error:
        _LOG.warning("no fresh rates", tenant=tenant.slug, reason=str(error)[:200])


def night_of(moment: timedelta = timedelta(minutes=10)) -> date:
    """Return the day whose night has begun: yesterday, from a moment after midnight UTC on."""
    return (now() - moment).date() - timedelta(days=1)


async def reconcile_nightly(ports: Ports, tenant: TenantRef) -> None:
    """Compare the books of the day that has ended, once a night."""
    day = night_of()
    async with ports.database.tenant_read(tenant) as session:
        if await reconciliation_queries.nightly_run(session, day) is not None:
            return
    async with ports.database.tenant(tenant) as writing:
        await runs.reconcile(writing, day=day, kind="nightly")


JOBS = [
    Job("treasury.refresh_open", 300, refresh_open),
    Job("treasury.reconcile", 600, reconcile_nightly),
    Job("treasury.fetch_rates", 3600, fetch_rates),
]
