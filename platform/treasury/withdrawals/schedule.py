"""What withdrawals do again and again: nothing that got lost on its way stays there."""

from __future__ import annotations

from datetime import timedelta

from kernel.actor import TenantRef
from kernel.log import logger
from tenants.ports import Ports
from tenants.schedule import Job
from trading import queries as trading_queries
from treasury.withdrawals import debits, payouts, queries

_LOG = logger(__name__)
_AT_ONCE = 50
# An event of this age was lost.
_PATIENCE = timedelta(minutes=2)


async def follow(ports: Ports, tenant: TenantRef) -> None:
    """Take further what is approved and was left, and see to every payout that is due."""
    async with ports.database.tenant_read(tenant) as session:
        # By the database's clock, like everything that decides whether money is sent again.
        moment = await trading_queries.database_time(session)
        left = await queries.stuck(session, moment=moment - _PATIENCE, limit=_AT_ONCE)
        due = await queries.due_parts(session, moment=moment, limit=_AT_ONCE)
    for withdrawal_id in left:
        async with ports.database.tenant(tenant) as writing:
            await debits.advance(writing, withdrawal_id=withdrawal_id)
    for part_id in due:
        try:
            await payouts.pay(
                ports.database,
                tenant,
                part_id=part_id,
                gateways=ports.gateways,
                vault=ports.vault,
                settings=ports.settings,
            )
        except Exception:  # noqa: BLE001 - one payout must not keep the others waiting
            _LOG.exception("a payout failed", tenant=tenant.slug, part=str(part_id))


JOBS = [Job("treasury.follow_withdrawals", 30, follow)]
