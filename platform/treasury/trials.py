"""Payments that try a connection out: they reach the provider, and never a client or the book."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from connectors.payments.engine.port import Addresses, Order, Payer, Step
from connectors.payments.port import PaymentError
from identity import audit
from kernel.actor import Actor, TenantRef
from kernel.database import Database, TenantSession
from kernel.errors import Conflict, NotFound
from kernel.ids import reference, uuid7
from kernel.money import Money
from treasury import connections, words
from treasury.connections import Reach
from treasury.deposits import Place
from treasury.models import PspTrial
from treasury.offers import queries
from treasury.queries import connection as connection_of

# Nobody: what a provider's sandbox takes for a person.
_PAYER = Payer(
    public_id="TEST-1",
    first_name="Test",
    last_name="Payer",
    email="test.payer@example.com",
    phone="+4915112345678",
    country="DE",
    city="Berlin",
    address="Test Street 1",
    postal_code="10115",
    birth_date="1990-01-31",
    ip="192.0.2.1",
)


class LiveConnection(Conflict):
    """A live account is not tried out with invented payers."""

    code = "live_connection"
    message = "Test payments go to sandboxes only. Connect the provider's sandbox to try it."


async def run(
    database: Database,
    tenant: TenantRef,
    *,
    actor: Actor,
    connection_id: UUID,
    method: str,
    amount: Money,
    reach: Reach,
    place: Place,
) -> PspTrial:
    """Check a sandbox's credentials and create a small payment there; say what came of it.

    That it is asked is committed first. What the provider calls back appears among the trial's
    events. Raises NotFound and LiveConnection.
    """
    trial = PspTrial(
        id=uuid7(),
        connection_id=connection_id,
        reference=reference("TST"),
        method=method,
        amount=amount.amount,
        currency=amount.currency,
        outcome="Asked.",
        session_ref="",
    )
    async with database.tenant(tenant, actor=actor) as session:
        connection = await connection_of(session, connection_id)
        if connection is None:
            raise NotFound
        if connection.environment == "live":
            raise LiveConnection
        session.add(trial)
        audit.record(
            session,
            "treasury.connection_tried",
            subject=("psp_connection", connection_id),
            after={"reference": trial.reference, **amount.as_json()},
        )
        gateway = connections.gateway_of(
            session, connection, gateways=reach.gateways, vault=reach.vault
        )
        callback = connections.callback_of(reach.settings, tenant, connection)
        order = _order(trial, Addresses(callback, place.done, place.cancel))
    step: Step | None = None
    try:
        async with connections.closing(gateway):
            await gateway.check()
            step = await gateway.deposit(order)
        outcome = f"The credentials work; the payer sees: {step.kind}."
    except PaymentError as error:
        outcome = str(error)
    async with database.tenant(tenant) as session:
        return await _told(session, trial.id, outcome, step)


async def ask(database: Database, tenant: TenantRef, *, trial_id: UUID, reach: Reach) -> str:
    """Ask the provider what became of a trial; return it in words for staff."""
    async with database.tenant_read(tenant) as session:
        trial = await queries.trial(session, trial_id)
        connection = None if trial is None else await connection_of(session, trial.connection_id)
        if trial is None or connection is None:
            raise NotFound
        gateway = connections.gateway_of(
            session, connection, gateways=reach.gateways, vault=reach.vault
        )
        callback = connections.callback_of(reach.settings, tenant, connection)
        order = _order(trial, Addresses(callback, "", ""))
    try:
        async with connections.closing(gateway):
            standing = await gateway.query(order)
    except PaymentError as error:
        return str(error)
    amount = standing.amount or "no readable amount"
    return (
        f"{standing.state} ({standing.status or 'no status'}), {amount}. {standing.alarm}".strip()
    )


def _order(trial: PspTrial, addresses: Addresses) -> Order:
    order = connections.order_of(
        reference=trial.reference,
        amount=Money(trial.amount, trial.currency),
        client=None,
        callback=addresses.callback,
        idempotency_key=f"trial-{trial.id}",
        method=trial.method,
        description=f"Test {trial.reference}",
        session_ref=trial.session_ref,
        created=trial.created_at,
    )
    return replace(order, payer=_PAYER, addresses=addresses)


async def _told(
    session: TenantSession, trial_id: UUID, outcome: str, step: Step | None
) -> PspTrial:
    trial = await queries.trial(session, trial_id)
    assert trial is not None
    trial.outcome = outcome[:200]
    if step is not None:
        trial.step = words.kept(step)
        trial.session_ref = step.session_ref[:200]
    return trial
