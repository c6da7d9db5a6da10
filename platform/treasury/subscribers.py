"""What this room does when events come."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.payments.port import PaymentProviders
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.failpoints import reach
from trading.events import CashDone, CashFailed
from treasury import deposits, settlements, webhooks
from treasury.events import DepositSettled, PaymentUnnamed, WebhookStored


async def on_webhooks_stored(session: TenantSession, events: Sequence[WebhookStored]) -> None:
    """Handle stored events of providers."""
    reach("treasury.after_webhook_stored")
    await webhooks.handle(session, webhook_event_ids=[event.webhook_event_id for event in events])


async def on_payment_unnamed(
    database: Database,
    tenant: TenantRef,
    event: PaymentUnnamed,
    *,
    payments: PaymentProviders,
    vault: Vault,
) -> None:
    """Ask the provider which deposit its payment is of, then handle its event; a job."""
    reference = await webhooks.find_reference(
        database,
        tenant,
        webhook_event_id=event.webhook_event_id,
        payments=payments,
        vault=vault,
    )
    async with database.tenant(tenant) as session:
        await webhooks.handle(
            session,
            webhook_event_ids=[event.webhook_event_id],
            found={event.webhook_event_id: reference},
        )


async def on_deposit_settled(
    database: Database,
    tenant: TenantRef,
    event: DepositSettled,
    *,
    payments: PaymentProviders,
    vault: Vault,
) -> None:
    """Ask for the provider's fee when its event did not carry one, and book it; a job."""
    await deposits.collect_fee(
        database, tenant, deposit_id=event.deposit_id, payments=payments, vault=vault
    )


async def on_cash_done(session: TenantSession, events: Sequence[CashDone]) -> None:
    """Post the holds of deposits that the trading server has booked."""
    await settlements.credited(session, events)


async def on_cash_failed(session: TenantSession, event: CashFailed) -> None:
    """Free the hold of a deposit that the trading server refused."""
    await settlements.returned(session, event)
