"""Connections to payment providers: sealed credentials, limits, methods, and the gateway behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from clients.models import Client
from connectors.payments.engine import forms, provider_files
from connectors.payments.engine.definitions import Provider
from connectors.payments.engine.port import (
    Addresses,
    DeclaredGateway,
    Order,
    Payer,
    PaymentGateways,
)
from identity import audit
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import ReadSession, TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import token, uuid7
from kernel.money import Money
from kernel.settings import Settings
from treasury import queries
from treasury.models import PspConnection, PspCurrency, PspMethod
from treasury.offers import queries as offer_queries

ENVIRONMENTS = ("sandbox", "live")
_CREDENTIALS = "psp.credentials"
_SECRET_LINES_MAX = 3
_NAME_MAX = 80


class NotConnectable(Conflict):
    """The provider's file is unknown, or not good enough to move anybody's money."""

    code = "not_connectable"
    message = "This provider can't be connected yet. Choose another one."


@dataclass(frozen=True, slots=True)
class Reach:
    """What it takes to reach providers: their gateways, opened secrets and our own addresses."""

    gateways: PaymentGateways
    vault: Vault
    settings: Settings


@dataclass(frozen=True, slots=True)
class Currency:
    """What a connection takes in one currency; without a fee of its own the file's counts."""

    smallest: Decimal
    largest: Decimal
    fee_percent: Decimal | None = None
    fee_fixed: Decimal | None = None
    fee_payer: str | None = None


def provider_of(provider_id: str) -> Provider:
    """Return a provider's file; raise NotConnectable for one that nobody may connect."""
    provider = provider_files.catalogue().get(provider_id)
    if provider is None or not provider.is_connectable:
        raise NotConnectable
    return provider


def environments_of(provider: Provider) -> tuple[str, ...]:
    """Return the environments that a provider has; both where its file names none."""
    return tuple(provider.environments) or ENVIRONMENTS


async def create(
    session: TenantSession,
    *,
    provider: str,
    name: str,
    credentials: Mapping[str, str],
    limits: Mapping[str, tuple[Decimal, Decimal]],
    vault: Vault,
    environment: str = "sandbox",
    methods: Sequence[str] = (),
) -> PspConnection:
    """Store a connection with sealed credentials; `limits` is smallest and largest by currency.

    `methods` are ids or codes of the provider's file; its own where none are given. Raises
    NotConnectable, and InvalidInput for limits that are not positive or in the wrong order.
    """
    file = provider_of(provider)
    if environment not in environments_of(file):
        raise InvalidInput({"environment": "Choose one of the provider's environments."})
    if not name.strip() or len(name) > _NAME_MAX:
        raise InvalidInput({"name": f"Write a name of at most {_NAME_MAX} letters."})
    currencies = {code: Currency(*pair) for code, pair in limits.items()}
    _check(currencies)
    connection = PspConnection(
        id=uuid7(),
        provider=provider,
        name=name.strip(),
        environment=environment,
        credentials_sealed=_seal(session, credentials, vault),
        webhook_token=token(),
        state="active",
        weight=0,
    )
    session.add(connection)
    # The limits refer to the connection's row.
    await session.flush()
    session.add_all(_rows(connection.id, currencies))
    session.add_all(_methods(file, connection, methods))
    audit.record(
        session,
        "treasury.connection_created",
        subject=("psp_connection", connection.id),
        after={
            "provider": provider,
            "name": connection.name,
            "environment": environment,
            "currencies": sorted(limits),
        },
    )
    return connection


async def keep(
    session: TenantSession, *, connection_id: UUID, credentials: Mapping[str, str], vault: Vault
) -> None:
    """Seal what a registration at the provider gave us beside the other credentials."""
    connection = await _connection(session, connection_id)
    known = credentials_of(session, connection, vault=vault)
    connection.credentials_sealed = _seal(session, {**known, **credentials}, vault)
    audit.record(
        session,
        "treasury.webhook_registered",
        subject=("psp_connection", connection.id),
        after={"registered": True},
    )


async def change_credentials(
    session: TenantSession, *, connection_id: UUID, typed: Mapping[str, str], vault: Vault
) -> None:
    """Take over what was typed into the form: an empty secret stays as it is.

    A new secret signs from now on, and the one before is still accepted until it is retired.
    Raises InvalidInput by field.
    """
    connection = await _connection(session, connection_id)
    file = provider_of(connection.provider)
    known = credentials_of(session, connection, vault=vault)
    wanted = dict(known)
    for field in forms.fields(file):
        text = typed.get(field.name, "").strip()
        if field.kind != "secret":
            wanted[field.name] = text
        elif text:
            lines = [text, *known.get(field.name, "").splitlines()]
            wanted[field.name] = "\n".join(list(dict.fromkeys(lines))[:_SECRET_LINES_MAX])
    own = {name: text for name, text in wanted.items() if name in file.credentials}
    if faults := forms.faults(file, own):
        raise InvalidInput(faults)
    connection.credentials_sealed = _seal(session, wanted, vault)
    changed = sorted(name for name in own if own[name] != known.get(name, ""))
    audit.record(
        session,
        "treasury.credentials_changed",
        subject=("psp_connection", connection.id),
        after={"fields": changed},
    )


async def retire_secrets(session: TenantSession, *, connection_id: UUID, vault: Vault) -> None:
    """Accept from now on only the newest of each secret."""
    connection = await _connection(session, connection_id)
    known = credentials_of(session, connection, vault=vault)
    kept = {name: (text.splitlines() or [""])[0] for name, text in known.items()}
    connection.credentials_sealed = _seal(session, kept, vault)
    audit.record(session, "treasury.secrets_retired", subject=("psp_connection", connection.id))


async def change(
    session: TenantSession, *, connection_id: UUID, name: str, state: str, weight: int
) -> None:
    """Rename a connection, open or close it for new payments, and say how early it is tried."""
    connection = await _connection(session, connection_id)
    faults = {}
    if not name.strip() or len(name) > _NAME_MAX:
        faults["name"] = f"Write a name of at most {_NAME_MAX} letters."
    other = await queries.connection_by_name(session, name.strip())
    if other is not None and other.id != connection.id:
        faults["name"] = "Another connection has this name."
    if not 0 <= weight <= 1000:
        faults["weight"] = "Write a number from 0 to 1000."
    if state not in ("active", "disabled"):
        faults["state"] = "Choose whether clients may pay through it."
    if faults:
        raise InvalidInput(faults)
    before = {"name": connection.name, "state": connection.state, "weight": connection.weight}
    connection.name, connection.state, connection.weight = name.strip(), state, weight
    audit.record(
        session,
        "treasury.connection_changed",
        subject=("psp_connection", connection.id),
        before=before,
        after={"name": connection.name, "state": state, "weight": weight},
    )


async def change_currencies(
    session: TenantSession, *, connection_id: UUID, currencies: Mapping[str, Currency]
) -> None:
    """Set which currencies a connection takes, within which limits and at which fee."""
    _check(currencies)
    connection = await _connection(session, connection_id)
    known = {row.currency: row for row in await offer_queries.currencies(session, connection_id)}
    for currency, row in known.items():
        if currency not in currencies:
            await session.delete(row)
    for row in _rows(connection.id, currencies):
        await session.merge(row)
    audit.record(
        session,
        "treasury.limits_changed",
        subject=("psp_connection", connection.id),
        before={code: [str(row.amount_min), str(row.amount_max)] for code, row in known.items()},
        after={code: [str(one.smallest), str(one.largest)] for code, one in currencies.items()},
    )


async def change_methods(
    session: TenantSession, *, connection_id: UUID, methods: Sequence[PspMethod]
) -> None:
    """Set which ways to pay a connection offers, and under which names."""
    connection = await _connection(session, connection_id)
    file = provider_of(connection.provider)
    offered = {one.id for one in file.methods} | set(file.codes) or {""}
    faults = {}
    for one in methods:
        if one.method not in offered:
            faults["method"] = "This provider does not offer this method."
        if not one.title.strip() or len(one.title) > 60:
            faults["title"] = "Write what clients read, in at most 60 letters."
    if not methods:
        faults["method"] = "Keep at least one method; close the connection instead."
    if faults:
        raise InvalidInput(faults)
    wanted = {one.method for one in methods}
    for row in await offer_queries.methods(session, connection_id):
        if row.method not in wanted:
            await session.delete(row)
    for one in methods:
        one.connection_id = connection.id
        await session.merge(one)
    audit.record(
        session,
        "treasury.methods_changed",
        subject=("psp_connection", connection.id),
        after={"methods": {one.method or "-": one.title for one in methods if one.enabled}},
    )


async def move(session: TenantSession, *, connection_id: UUID, api_base: str, vault: Vault) -> bool:
    """Point a connection at a local counterpart that has moved; say whether anything changed.

    Its webhook secret is forgotten with it: the address must be registered again.
    """
    connection = await _connection(session, connection_id)
    credentials = credentials_of(session, connection, vault=vault)
    if credentials.get("api_base") == api_base:
        return False
    credentials["api_base"] = api_base
    if provider_files.catalogue()[connection.provider].adapter:
        credentials.pop("webhook_secret", None)
    connection.credentials_sealed = _seal(session, credentials, vault)
    audit.record(session, "treasury.connection_moved", subject=("psp_connection", connection.id))
    return True


def credentials_of(
    session: TenantSession | ReadSession, connection: PspConnection, *, vault: Vault
) -> dict[str, str]:
    """Open a connection's credentials; nobody may be shown the secrets among them."""
    owner = session.info["tenant"].id
    raw = vault.open(owner, connection.credentials_sealed, purpose=_CREDENTIALS)
    return msgspec.json.decode(raw, type=dict[str, str])


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
    return gateways.get(
        connection.provider,
        environment=connection.environment,
        credentials=credentials_of(session, connection, vault=vault),
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


@asynccontextmanager
async def closing(gateway: DeclaredGateway) -> AsyncIterator[DeclaredGateway]:
    """Close a gateway's connections when the calls are done."""
    try:
        yield gateway
    finally:
        await gateway.close()


async def _connection(session: TenantSession, connection_id: UUID) -> PspConnection:
    found = await queries.connection(session, connection_id)
    if found is None:
        raise NotFound
    return found


def _seal(session: TenantSession, credentials: Mapping[str, str], vault: Vault) -> bytes:
    owner = session.info["tenant"].id
    return vault.seal(owner, msgspec.json.encode(dict(credentials)), purpose=_CREDENTIALS)


def _check(currencies: Mapping[str, Currency]) -> None:
    for currency, one in currencies.items():
        smallest = Money(one.smallest, currency)
        if not 0 < one.smallest <= one.largest or smallest != smallest.rounded():
            raise InvalidInput({"limits": f"Enter a smallest and a largest amount in {currency}."})
        percent, fixed = one.fee_percent or Decimal(0), one.fee_fixed or Decimal(0)
        if not 0 <= percent <= 50 or fixed < 0:
            raise InvalidInput({"limits": f"Enter a fee in {currency}: 0 to 50 % and an amount."})
        if percent * one.smallest / 100 + fixed >= one.smallest:
            raise InvalidInput({"limits": f"The fee in {currency} eats up the smallest amount."})


def _rows(connection_id: UUID, currencies: Mapping[str, Currency]) -> list[PspCurrency]:
    return [
        PspCurrency(
            connection_id=connection_id,
            currency=currency,
            amount_min=one.smallest,
            amount_max=one.largest,
            fee_percent=one.fee_percent,
            fee_fixed=one.fee_fixed,
            fee_payer=one.fee_payer,
        )
        for currency, one in currencies.items()
    ]


def _methods(file: Provider, connection: PspConnection, wanted: Sequence[str]) -> list[PspMethod]:
    """Return the rows of what a new connection offers, under the file's names for it."""
    names = {one.id: one.name or one.id for one in file.methods} | {one: one for one in file.codes}
    chosen = list(wanted) or [one.id for one in file.methods]
    if not chosen:
        chosen = [next((one for one in file.codes if one == "card"), "")]
    if any(one not in (names or {"": ""}) for one in chosen):
        chosen = list(names)[:1] or [""]
    alone = len(chosen) == 1
    return [
        PspMethod(
            connection_id=connection.id,
            method=one,
            title=(connection.name if alone else names[one])[:60],
            countries=[],
            kyc_level=0,
            enabled=True,
        )
        for one in chosen
    ]
