"""The step that gives a new brokerage its first payment provider: the simulator."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from connectors.payments.engine.port import PaymentGateways
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from treasury import connections, queries

SIMULATOR = "Card (simulator)"
_WEIGHT = 10
_LIMITS = {
    currency: (Decimal(10), Decimal(50_000)) for currency in ("USD", "EUR", "GBP", "AED", "JPY")
}


async def simulator_psp(
    database: Database,
    tenant: TenantRef,
    *,
    gateways: PaymentGateways,
    vault: Vault,
    secret_key: str,
    api_base: str,
    webhook_url: Callable[[str], str],
) -> UUID:
    """Connect the simulator and have it send its events to us; return the connection's id.

    `webhook_url` builds our address from the connection's token. Each repetition takes up where
    the last one stopped; the network is called between transactions.
    """
    async with database.tenant(tenant) as session:
        connection = await queries.connection_by_name(session, SIMULATOR)
        if connection is None:
            connection = await connections.create(
                session,
                provider="stripe",
                name=SIMULATOR,
                credentials={"secret_key": secret_key, "api_base": api_base},
                limits=_LIMITS,
                vault=vault,
            )
            # What works from the first day is offered first.
            connection.weight = _WEIGHT
        if "webhook_secret" in connections.credentials_of(session, connection, vault=vault):
            return connection.id
        gateway = connections.gateway_of(session, connection, gateways=gateways, vault=vault)
        address = webhook_url(connection.webhook_token)
    async with connections.closing(gateway):
        await gateway.check()
        kept = await gateway.register(address)
    async with database.tenant(tenant) as session:
        await connections.keep(session, connection_id=connection.id, credentials=kept, vault=vault)
    return connection.id
