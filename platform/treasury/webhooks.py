"""Stored events of payment providers: each is handled once."""

from __future__ import annotations

from uuid import UUID

from connectors.payments.port import PaymentProviders, PaymentRefused
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import NotFound
from kernel.money import Money
from treasury import connections, queries, settlements
from treasury.models import WebhookEvent
from treasury.rules import Fact


async def find_reference(
    database: Database,
    tenant: TenantRef,
    *,
    webhook_event_id: UUID,
    payments: PaymentProviders,
    vault: Vault,
) -> str:
    """Return our reference for an event that names only the provider's; empty when unknown.

    A dispute at Stripe names its payment and nothing of ours, so the provider is asked, outside
    a transaction. Raises PaymentUnknown when it does not answer.
    """
    async with database.tenant_read(tenant) as session:
        event = await queries.webhook_event(session, webhook_event_id)
        if event is None or event.handled_at is not None or event.kind == "ignored":
            return ""
        known = await queries.deposit_of_payment(
            session,
            connection_id=event.connection_id,
            reference=event.reference,
            provider_reference=event.provider_reference,
        )
        connection = await queries.connection(session, event.connection_id)
        if event.reference or known is not None or connection is None:
            return event.reference
        provider = connections.provider_of(session, connection, payments=payments, vault=vault)
    try:
        async with connections.closing(provider):
            return (await provider.query(event.provider_reference)).reference
    except PaymentRefused:
        return ""


async def handle(
    session: TenantSession, *, webhook_event_id: UUID, found_reference: str = ""
) -> str:
    """Handle a stored event and return its outcome; one that was handled changes nothing.

    `found_reference` is ours, for an event that did not name it. The event and its deposit are
    locked in this order, so that the same word said twice at once is heard once.
    """
    event = await queries.locked_webhook_event(session, webhook_event_id)
    if event is None:
        raise NotFound
    if event.handled_at is None:
        event.reference = event.reference or found_reference[:40]
        event.outcome = (await _outcome(session, event))[:200]
        event.handled_at = now()
    return event.outcome or ""


async def _outcome(session: TenantSession, event: WebhookEvent) -> str:
    if event.kind == "ignored":
        return "ignored: no word about a payment"
    deposit = await queries.locked_deposit_of_payment(
        session,
        connection_id=event.connection_id,
        reference=event.reference,
        provider_reference=event.provider_reference,
    )
    if deposit is None:
        return "ignored: no deposit of this connection has this reference"
    decision = await settlements.apply(session, deposit, _fact(event))
    return f"{decision.action}: {decision.reason}"


def _fact(event: WebhookEvent) -> Fact:
    amount = fee = None
    if event.amount is not None and event.currency is not None:
        amount = Money(event.amount, event.currency)
    if event.fee is not None and event.fee_currency is not None:
        fee = Money(event.fee, event.fee_currency)
    return Fact(event.kind, event.provider_reference, amount, fee)  # type: ignore[arg-type]
