"""What this room does when events come."""

from __future__ import annotations

from connectors.payments.port import PaymentProviders
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.failpoints import reach
from trading.events import CashDone, CashFailed
from treasury import deposits, settlements, webhooks
from treasury.events import DepositSettled, WebhookStored


async def on_webhook_stored(
    database: Database,
    tenant: TenantRef,
    event: WebhookStored,
    *,
    payments: PaymentProviders,
    vault: Vault,
) -> None:
    """Handle a stored event in one transaction of its own; a job, harmless when repeated."""
    reach("treasury.after_webhook_stored")
    reference = await webhooks.find_reference(
        database,
        tenant,
        webhook_event_id=event.webhook_event_id,
        payments=payments,
        vault=vault,
    )
    async with database.tenant(tenant) as session:
        await webhooks.handle(
            session, webhook_event_id=event.webhook_event_id, found_reference=reference
        )
    # Committed, but not yet noted as delivered: a kill here makes the event come again.
    reach("treasury.after_settle")


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


async def on_cash_done(session: TenantSession, event: CashDone) -> None:
    """Post the hold of a deposit that the trading server has booked."""
    await settlements.credited(session, event)


async def on_cash_failed(session: TenantSession, event: CashFailed) -> None:
    """Free the hold of a deposit that the trading server refused."""
    await settlements.returned(session, event)
