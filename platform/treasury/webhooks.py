"""Stored events of payment providers: each is handled once, many in one transaction. Hot path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from connectors.payments.port import PaymentProviders, PaymentRefused
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession, driver, tagged
from kernel.events import record
from kernel.money import Money
from treasury import connections, queries, settlements
from treasury.events import PaymentUnnamed
from treasury.models import Deposit, WebhookEvent
from treasury.rules import Fact

_HANDLED = """
UPDATE webhook_event e
SET handled_at = $2, outcome = left(o.outcome, 200), reference = o.reference
FROM json_to_recordset($1::json) AS o(id uuid, outcome text, reference text)
WHERE e.id = o.id
"""


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
        if event is None or event.handled_at is not None:
            return ""
        connection = await queries.connection(session, event.connection_id)
        if connection is None:
            return ""
        provider = connections.provider_of(session, connection, payments=payments, vault=vault)
    try:
        async with connections.closing(provider):
            return (await provider.query(event.provider_reference)).reference
    except PaymentRefused:
        return ""


async def handle(
    session: TenantSession,
    *,
    webhook_event_ids: Sequence[UUID],
    found: Mapping[UUID, str] | None = None,
) -> None:
    """Handle stored events; those that were handled change nothing.

    `found` has our references for events that did not name them, "" for a payment the provider
    does not know either. One that names nothing of ours and was not asked for waits for that.
    Events and their deposits are locked in this order and by id, so that the same word said
    twice at once is heard once.
    """
    events = await queries.locked_webhook_events(session, webhook_event_ids)
    asked = found or {}
    named = {one.id: (one.reference or asked.get(one.id, ""))[:40] for one in events}
    spoken = [
        (one.id, one.connection_id, named[one.id], one.provider_reference)
        for one in events
        if one.kind != "ignored"
    ]
    known = await queries.locked_deposits_of_payments(session, spoken)
    outcomes: dict[UUID, str] = {}
    for event in events:
        if event.kind == "ignored":
            outcomes[event.id] = "ignored: no word about a payment"
        elif event.id in known:
            continue
        elif named[event.id] or event.id in asked:
            outcomes[event.id] = "ignored: no deposit of this connection has this reference"
        else:
            record(session, PaymentUnnamed(event.id))
    for number, turn in enumerate(_turns([one for one in events if one.id in known], known)):
        if number:
            # What the turn before has settled is stale.
            known = await queries.locked_deposits_of_payments(session, spoken)
        words = [(known[event.id], _fact(event)) for event in turn]
        decisions = await settlements.apply(session, words)
        for event, decision in zip(turn, decisions, strict=True):
            outcomes[event.id] = f"{decision.action}: {decision.reason}"
    rows = [
        {"id": event_id, "outcome": outcome, "reference": named[event_id]}
        for event_id, outcome in outcomes.items()
    ]
    raw = await driver(session)
    await raw.execute(tagged(session, _HANDLED), msgspec.json.encode(rows).decode(), now())


def _turns(
    events: Sequence[WebhookEvent], known: Mapping[UUID, Deposit]
) -> Iterator[list[WebhookEvent]]:
    """Cut events into turns in which no deposit is spoken of twice, each one's in their order."""
    waiting = list(events)
    while waiting:
        turn: dict[UUID, WebhookEvent] = {}
        for event in waiting:
            turn.setdefault(known[event.id].id, event)
        yield list(turn.values())
        taken = {event.id for event in turn.values()}
        waiting = [event for event in waiting if event.id not in taken]


def _fact(event: WebhookEvent) -> Fact:
    amount = fee = None
    if event.amount is not None and event.currency is not None:
        amount = Money(event.amount, event.currency)
    if event.fee is not None and event.fee_currency is not None:
        fee = Money(event.fee, event.fee_currency)
    return Fact(event.kind, event.provider_reference, amount, fee)  # type: ignore[arg-type]
