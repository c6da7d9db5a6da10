"""Stored events of payment providers: each is handled once, many in one transaction. Hot path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import msgspec

from connectors.payments.engine.port import Standing
from connectors.payments.port import CredentialsRefused, PaymentRefused, PaymentUnknown
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession, driver, tagged
from kernel.events import record
from treasury import connections, orders, queries, settlements, words
from treasury.connections import Reach
from treasury.events import PaymentUnclear
from treasury.models import Deposit, WebhookEvent
from treasury.offers import queries as offer_queries
from treasury.queries import Named
from treasury.rules import OPEN, Fact
from treasury.withdrawals import payouts

TRIAL = "TST-"
_PAYOUT = "WDR-"
_TAKEN_BACK = ("refunded", "chargeback")
_HANDLED = """
UPDATE webhook_event e
SET handled_at = $2, outcome = left(o.outcome, 200), reference = o.reference
FROM json_to_recordset($1::json) AS o(id uuid, outcome text, reference text)
WHERE e.id = o.id
"""


async def ask(
    database: Database, tenant: TenantRef, *, webhook_event_id: UUID, reach: Reach
) -> Standing | None:
    """Ask a provider about an event that can't be acted upon as it came; outside a transaction.

    Where the event asks for another call of ours, that call is made. None when the provider knows
    nothing of it, or the event was handled meanwhile. Raises PaymentUnknown when it does not
    answer, so that the job comes again.
    """
    async with database.tenant_read(tenant) as session:
        event = await queries.webhook_event(session, webhook_event_id)
        if event is None or event.handled_at is not None:
            return None
        connection = await queries.connection(session, event.connection_id)
        if connection is None:
            return None
        gateway, order = await orders.of_event(session, connection, _named(event), reach=reach)
    notice = words.notice_of(event)
    async with connections.closing(gateway):
        try:
            if event.follow_up:
                return await gateway.follow_up(notice, order)
            return await gateway.query(order)
        except CredentialsRefused as error:
            # Nothing is known while the account's key is refused: a person has to mend it.
            raise PaymentUnknown("The provider does not accept our credentials.") from error
        except PaymentRefused as error:
            return _refused(event, error) if event.follow_up else None


def _refused(event: WebhookEvent, error: PaymentRefused) -> Standing:
    """Return what a definite no to a follow-up means: the payment came to nothing."""
    return Standing(
        state="failed",
        status=error.code,
        reference=event.reference,
        provider_ref=event.provider_reference,
        amount=None,
        settled=None,
        fee=None,
        error=error.text[:120],
    )


async def handle(
    session: TenantSession,
    *,
    webhook_event_ids: Sequence[UUID],
    found: Mapping[UUID, Standing | None] | None = None,
) -> None:
    """Handle stored events; those that were handled change nothing.

    `found` has what providers said when they were asked about events, None for a payment that one
    of them does not know. An event that may not be acted upon as it came, or that names nothing
    of ours, waits for that. Events and their deposits are locked in this order and by id, so that
    the same word said twice at once is heard once.
    """
    events = await queries.locked_webhook_events(session, webhook_event_ids)
    asked = found or {}
    named = [_named(one, asked.get(one.id)) for one in events]
    environments = await offer_queries.environments(session, {one.connection_id for one in events})
    known = await queries.locked_deposits_of_payments(session, named)
    outcomes: dict[UUID, str] = {}
    ready = []
    for event, name in zip(events, named, strict=True):
        if name.reference.startswith(_PAYOUT):
            told = replace(words.notice_of(event), reference=name.reference)
            outcomes[event.id] = await payouts.notice(session, event.connection_id, told)
        elif name.reference.startswith(TRIAL):
            outcomes[event.id] = f"a test's payment: {event.claims or event.state}"
        elif _waits(event) and event.id in asked and asked[event.id] is None:
            # Nothing is believed, and nothing is closed either.
            outcomes[event.id] = "ignored: the provider does not know this payment"
        elif event.id in asked or not _waits(event):
            if event.id in known:
                ready.append(event)
            elif name.reference or event.id in asked:
                outcomes[event.id] = "ignored: no deposit of this connection has this reference"
            else:
                record(session, PaymentUnclear(event.id))
        else:
            record(session, PaymentUnclear(event.id))
    for number, turn in enumerate(_turns(ready, known)):
        if number:
            # What the turn before has settled is stale.
            known = await queries.locked_deposits_of_payments(session, named)
        spoken = [
            (known[one.id], _fact(one, known[one.id], asked, environments[one.connection_id]))
            for one in turn
        ]
        decisions = await settlements.apply(session, spoken)
        for event, (deposit, fact), decision in zip(turn, spoken, decisions, strict=True):
            outcomes[event.id] = f"{decision.action}: {decision.reason}"
            await _learn(session, deposit, fact)
    by_id = {one.event_id: one.reference for one in named}
    rows = [
        {"id": event_id, "outcome": outcome, "reference": by_id[event_id]}
        for event_id, outcome in outcomes.items()
    ]
    raw = await driver(session)
    await raw.execute(tagged(session, _HANDLED), msgspec.json.encode(rows).decode(), now())


def _waits(event: WebhookEvent) -> bool:
    """Say whether an event may not be acted upon before its provider was asked."""
    return event.must_ask or bool(event.follow_up)


def _named(event: WebhookEvent, standing: Standing | None = None) -> Named:
    said = standing.reference if standing is not None else ""
    return Named(
        event_id=event.id,
        connection_id=event.connection_id,
        reference=(event.reference or said)[:40],
        session_ref=event.session_ref,
        payment=event.provider_reference,
    )


def _fact(
    event: WebhookEvent,
    deposit: Deposit,
    asked: Mapping[UUID, Standing | None],
    environment: str,
) -> Fact:
    """Return what counts of an event: the provider's answer where it had to be asked."""
    notice = words.notice_of(event)
    if not _waits(event):
        named = replace(notice, reference=notice.reference or deposit.reference)
        return words.fact_of(deposit, named, environment=environment)
    standing = asked[event.id]
    assert standing is not None
    fact = words.fact_of(deposit, standing, environment=environment)
    if fact.state == "succeeded" and notice.claims in _TAKEN_BACK:
        return replace(fact, state=notice.claims, claimed=True)
    if event.is_live is not None and event.is_live != (environment == "live"):
        wrong = "A test's payment came to a live account, or the other way round."
        fact = replace(fact, problems=(*fact.problems, wrong))
    return fact


async def _learn(session: TenantSession, deposit: Deposit, fact: Fact) -> None:
    """Keep how the provider calls a payment that is under way, so that it can be asked by that."""
    if fact.state != "pending" or deposit.state not in OPEN:
        return
    if fact.session_ref and deposit.session_ref is None:
        deposit.session_ref = fact.session_ref
    payment = fact.provider_reference[:120]
    if not payment or deposit.provider_reference == payment:
        return
    if not await queries.is_payment_taken(session, deposit=deposit, payment=payment):
        deposit.provider_reference = payment


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
