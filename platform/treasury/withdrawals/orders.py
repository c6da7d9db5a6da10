"""A part of a withdrawal as its provider hears of it: the gateway to call and the order to give."""

from __future__ import annotations

from clients import queries as client_queries
from connectors.payments.engine.failures import ProviderUnknown
from connectors.payments.engine.port import DeclaredGateway, Order, PaymentGateways
from connectors.payments.port import CredentialsRefused
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import ReadSession, TenantSession
from kernel.settings import Settings
from treasury import connections
from treasury import queries as treasury_queries
from treasury.withdrawals import destinations, queries
from treasury.withdrawals.models import Withdrawal, WithdrawalPart


def reference_of(withdrawal: Withdrawal, part: WithdrawalPart) -> str:
    """Return what a provider knows a part by, and names in every word about it."""
    return f"{withdrawal.reference}-{part.number}"


async def gateway_of(
    session: TenantSession | ReadSession,
    part: WithdrawalPart,
    *,
    gateways: PaymentGateways,
    vault: Vault,
) -> DeclaredGateway | None:
    """Return what pays a part, or None when its connection is gone."""
    connection = (
        await treasury_queries.connection(session, part.connection_id)
        if part.connection_id is not None
        else None
    )
    if connection is None:
        return None
    try:
        return connections.gateway_of(session, connection, gateways=gateways, vault=vault)
    except (ProviderUnknown, CredentialsRefused):
        return None


async def order_of(
    session: TenantSession,
    withdrawal: Withdrawal,
    part: WithdrawalPart,
    *,
    sending: bool,
    vault: Vault,
    settings: Settings,
) -> Order:
    """Return the order of a part: one reference and one key, however often it is sent."""
    client = await client_queries.client(session, withdrawal.client_id)
    assert part.connection_id is not None
    connection = await treasury_queries.connection(session, part.connection_id)
    assert connection is not None
    beneficiary: dict[str, str] = {}
    if part.destination_id is not None:
        payee = await queries.destination(session, part.destination_id)
        assert payee is not None
        beneficiary = destinations.details(session, payee, vault=vault)
        beneficiary = {"holder": payee.holder, "currency": part.currency, **beneficiary}
    attempt, paid, method = "", "", ""
    # A question is about the payout: it must not name the payment that came in.
    deposit = None
    if sending and part.deposit_id is not None:
        deposit = await treasury_queries.deposit(session, part.deposit_id)
    if deposit is not None:
        attempt, paid = deposit.session_ref or "", deposit.provider_reference or ""
        method = deposit.method
    tenant: TenantRef = session.info["tenant"]
    return connections.order_of(
        reference=reference_of(withdrawal, part),
        amount=part.payable,
        client=client,
        callback=connections.callback_of(settings, tenant, connection),
        # One key for ever: however often it is sent, it is one payout.
        idempotency_key=f"payout-{part.id}",
        description=f"{tenant.name} {withdrawal.reference}",
        method=method,
        session_ref=attempt,
        provider_ref=part.provider_reference or paid,
        created=withdrawal.created_at,
        beneficiary=beneficiary,
    )
