"""What this room does when events come."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.failpoints import reach as reach_point
from trading.events import CashDone, CashFailed
from treasury import deposits, settlements, webhooks
from treasury.connections import Reach
from treasury.events import DepositSettled, PaymentUnclear, WebhookStored


async def on_webhooks_stored(session: TenantSession, events: Sequence[WebhookStored]) -> None:
    """Handle stored events of providers."""
    reach_point("treasury.after_webhook_stored")
    await webhooks.handle(session, webhook_event_ids=[event.webhook_event_id for event in events])


async def on_payment_unclear(
    database: Database, tenant: TenantRef, event: PaymentUnclear, *, reach: Reach
) -> None:
    """Ask the provider about a payment, then handle its event by the answer; a job."""
    reach_point("treasury.before_asking")
    standing = await webhooks.ask(
        database, tenant, webhook_event_id=event.webhook_event_id, reach=reach
    )
    reach_point("treasury.after_asking")
    async with database.tenant(tenant) as session:
        await webhooks.handle(
            session,
            webhook_event_ids=[event.webhook_event_id],
            found={event.webhook_event_id: standing},
        )


async def on_deposit_settled(
    database: Database, tenant: TenantRef, event: DepositSettled, *, reach: Reach
) -> None:
    """Ask for the provider's fee when its event did not carry one, and book it; a job."""
    await deposits.collect_fee(database, tenant, deposit_id=event.deposit_id, reach=reach)


async def on_cash_done(session: TenantSession, events: Sequence[CashDone]) -> None:
    """Post the holds of deposits that the trading server has booked."""
    await settlements.credited(session, events)


async def on_cash_failed(session: TenantSession, event: CashFailed) -> None:
    """Free the hold of a deposit that the trading server refused."""
    await settlements.returned(session, event)
