"""A deposit as its provider hears of it: the gateway to call and the order to give."""

from __future__ import annotations

from clients import queries as client_queries
from connectors.payments.engine.port import DeclaredGateway, Order
from kernel.actor import TenantRef
from kernel.errors import NotFound
from kernel.money import Money
from treasury import connections, queries
from treasury.connections import Reach
from treasury.models import Deposit, PspConnection
from treasury.queries import Named, Session


async def of_deposit(
    session: Session,
    deposit: Deposit,
    *,
    reach: Reach,
    done: str = "",
    cancel: str = "",
    ip: str = "",
    named: Named | None = None,
) -> tuple[DeclaredGateway, Order]:
    """Return a deposit's gateway and its order; nothing is sent yet.

    `named` has what an event says of the provider's references where the deposit does not know
    them. Raises NotFound.
    """
    tenant: TenantRef = session.info["tenant"]
    connection = await _connection(session, deposit)
    client = await client_queries.client(session, deposit.client_id)
    session_ref, payment = deposit.session_ref or "", deposit.provider_reference or ""
    if named is not None:
        session_ref, payment = session_ref or named.session_ref, named.payment or payment
    order = connections.order_of(
        reference=deposit.reference,
        amount=deposit.ordered,
        client=client,
        callback=connections.callback_of(reach.settings, tenant, connection),
        idempotency_key=f"deposit-{deposit.id}",
        done=done,
        cancel=cancel,
        method=deposit.method,
        description=f"{tenant.name} {deposit.reference}",
        session_ref=session_ref,
        provider_ref=payment,
        created=deposit.created_at,
        ip=ip,
    )
    return _gateway(session, connection, reach), order


async def of_event(
    session: Session, connection: PspConnection, named: Named, *, reach: Reach
) -> tuple[DeclaredGateway, Order]:
    """Return how to ask about an event's payment, its deposit being known or not."""
    deposit = await queries.deposit_of_payment(session, named)
    if deposit is not None:
        return await of_deposit(session, deposit, reach=reach, named=named)
    tenant: TenantRef = session.info["tenant"]
    order = connections.order_of(
        reference=named.reference,
        amount=Money.of(0, tenant.base_currency),
        client=None,
        callback=connections.callback_of(reach.settings, tenant, connection),
        idempotency_key=f"event-{named.event_id}",
        session_ref=named.session_ref,
        provider_ref=named.payment,
    )
    return _gateway(session, connection, reach), order


def _gateway(session: Session, connection: PspConnection, reach: Reach) -> DeclaredGateway:
    return connections.gateway_of(session, connection, gateways=reach.gateways, vault=reach.vault)


async def _connection(session: Session, deposit: Deposit) -> PspConnection:
    found = await queries.connection(session, deposit.connection_id)
    if found is None:
        raise NotFound
    return found
