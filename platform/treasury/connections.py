"""Connections to payment providers: sealed credentials, limits, and the provider behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec

from clients.models import Client
from connectors.payments.engine.port import (
    Addresses,
    DeclaredGateway,
    Order,
    Payer,
    PaymentGateways,
)
from connectors.payments.port import PaymentProvider, PaymentProviders
from identity import audit
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import ReadSession, TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import token, uuid7
from kernel.money import Money
from kernel.settings import Settings
from treasury import queries
from treasury.models import PspConnection, PspCurrency

_CREDENTIALS = "psp.credentials"
_WEBHOOK_SECRET = "psp.webhook_secret"  # noqa: S105 - the name of a purpose, not a secret


async def create(
    session: TenantSession,
    *,
    provider: str,
    name: str,
    credentials: Mapping[str, str],
    limits: Mapping[str, tuple[Decimal, Decimal]],
    vault: Vault,
    environment: str = "sandbox",
) -> PspConnection:
    """Store a connection with sealed credentials; `limits` is smallest and largest by currency.

    Raises InvalidInput for limits that are not positive or in the wrong order.
    """
    for currency, (smallest, largest) in limits.items():
        if (
            not 0 < smallest <= largest
            or Money(smallest, currency) != Money(smallest, currency).rounded()
        ):
            raise InvalidInput({"limits": f"Enter a smallest and a largest amount in {currency}."})
    owner = session.info["tenant"].id
    connection = PspConnection(
        id=uuid7(),
        provider=provider,
        name=name,
        environment=environment,
        credentials_sealed=vault.seal(
            owner, msgspec.json.encode(dict(credentials)), purpose=_CREDENTIALS
        ),
        webhook_token=token(),
        state="active",
    )
    session.add(connection)
    # The limits refer to the connection's row.
    await session.flush()
    session.add_all(
        PspCurrency(
            connection_id=connection.id,
            currency=currency,
            amount_min=smallest,
            amount_max=largest,
        )
        for currency, (smallest, largest) in limits.items()
    )
    audit.record(
        session,
        "treasury.connection_created",
        subject=("psp_connection", connection.id),
        after={"provider": provider, "name": name, "currencies": sorted(limits)},
    )
    return connection


async def keep_webhook_secret(
    session: TenantSession, *, connection_id: UUID, secret: str, vault: Vault
) -> None:
    """Seal the secret with which the provider signs its events from now on."""
    connection = await queries.connection(session, connection_id)
    if connection is None:
        raise NotFound
    owner = session.info["tenant"].id
    connection.webhook_secret_sealed = vault.seal(owner, secret.encode(), purpose=_WEBHOOK_SECRET)
    audit.record(
        session,
        "treasury.webhook_registered",
        subject=("psp_connection", connection.id),
        after={"registered": True},
    )


async def move(session: TenantSession, *, connection_id: UUID, api_base: str, vault: Vault) -> bool:
    """Point a connection at a provider that has moved; say whether anything changed.

    Its webhook secret is forgotten with it: the address must be registered again.
    """
    connection = await queries.connection(session, connection_id)
    if connection is None:
        raise NotFound
    owner = session.info["tenant"].id
    credentials = _credentials(connection, owner, vault)
    if credentials.get("api_base") == api_base:
        return False
    credentials["api_base"] = api_base
    connection.credentials_sealed = vault.seal(
        owner, msgspec.json.encode(credentials), purpose=_CREDENTIALS
    )
    connection.webhook_secret_sealed = None
    audit.record(session, "treasury.connection_moved", subject=("psp_connection", connection.id))
    return True


def _credentials(connection: PspConnection, owner: UUID, vault: Vault) -> dict[str, str]:
    return msgspec.json.decode(
        vault.open(owner, connection.credentials_sealed, purpose=_CREDENTIALS),
        type=dict[str, str],
    )


def provider_of(
    session: TenantSession | ReadSession,
    connection: PspConnection,
    *,
    payments: PaymentProviders,
    vault: Vault,
) -> PaymentProvider:
    """Open a connection's secrets and return its provider; nothing is sent yet."""
    owner = session.info["tenant"].id
    credentials = _credentials(connection, owner, vault)
    if connection.webhook_secret_sealed is not None:
        secret = vault.open(owner, connection.webhook_secret_sealed, purpose=_WEBHOOK_SECRET)
        credentials["webhook_secret"] = secret.decode()
    return payments.get(connection.provider, credentials)


_Closable = TypeVar("_Closable", PaymentProvider, DeclaredGateway)


@asynccontextmanager
async def closing(provider: _Closable) -> AsyncIterator[_Closable]:
    """Close a provider's connections when the calls are done."""
    try:
        yield provider
    finally:
        await provider.close()


def gateway_of(
    session: TenantSession | ReadSession,
    connection: PspConnection,
    *,
    gateways: PaymentGateways,
    vault: Vault,
) -> DeclaredGateway:
    """Open a connection's secrets and return its gateway; nothing is sent yet.

    Raises ProviderUnknown when its provider's file is gone.
    """
    owner = session.info["tenant"].id
    credentials = _credentials(connection, owner, vault)
    if connection.webhook_secret_sealed is not None:
        secret = vault.open(owner, connection.webhook_secret_sealed, purpose=_WEBHOOK_SECRET)
        credentials["webhook_secret"] = secret.decode()
    return gateways.get(
        connection.provider, environment=connection.environment, credentials=credentials
    )


def callback_of(settings: Settings, tenant: TenantRef, connection: PspConnection) -> str:
    """Return the address of ours that the connection's provider calls."""
    host = f"www.{tenant.slug}.{settings.domain}"
    return f"{settings.origin(host)}/hooks/payments/{connection.webhook_token}"


def order_of(
    *,
    reference: str,
    amount: Money,
    client: Client | None,
    callback: str,
    idempotency_key: str,
    done: str = "",
    cancel: str = "",
    method: str = "",
    description: str = "",
    session_ref: str = "",
    provider_ref: str = "",
    created: datetime | None = None,
    beneficiary: Mapping[str, str] | None = None,
    ip: str = "",
) -> Order:
    """Return a payment in the words of the gateways, in either direction.

    `callback` is `callback_of(...)`; `done` and `cancel` are where the payer comes back to, which
    only a deposit and a provider's own page for payouts need. `beneficiary` is where a payout
    goes, in the provider's words.
    """
    payer = Payer(public_id="")
    if client is not None:
        payer = Payer(
            public_id=client.reference,
            first_name=client.first_name,
            last_name=client.last_name,
            email=client.email,
            phone=client.phone,
            country=client.country,
            ip=ip,
            language=client.language,
        )
    return Order(
        reference=reference,
        amount=amount,
        payer=payer,
        addresses=Addresses(callback, done, cancel),
        idempotency_key=idempotency_key,
        method=method,
        description=description,
        session_ref=session_ref,
        provider_ref=provider_ref,
        created=created,
        beneficiary=dict(beneficiary or {}),
    )
