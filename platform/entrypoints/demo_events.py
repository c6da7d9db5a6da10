"""What the demo's steps told the outbox and have themselves carried out is not done again."""

from __future__ import annotations

from sqlalchemy import update

from kernel.clock import now
from kernel.events import OutboxEvent
from revenue.events import RevenueBooked
from tenants.provisioning import Context
from trading.events import CashDone, DealsSynced, PlatformOperationReady
from treasury.events import DepositCredited, DepositFailed, DepositSettled, DepositStarted

# Money was credited, revenue and commissions were booked; nobody reads the mails of the invented.
_CARRIED_OUT = (
    *(CashDone, DealsSynced, PlatformOperationReady, RevenueBooked),
    *(DepositCredited, DepositFailed, DepositSettled, DepositStarted),
)


async def settle(context: Context) -> str:
    """Mark those events as handled, so that a first start is not busy with them."""
    if not context.options.get("demo"):
        return "no demo"
    topics = [event.topic for event in _CARRIED_OUT]
    async with context.ports.database.tenant(context.tenant) as session:
        await session.execute(
            update(OutboxEvent)
            .where(OutboxEvent.done_at.is_(None), OutboxEvent.topic.in_(topics))
            .values(done_at=now())
        )
    return f"{len(topics)} kinds of events"
