"""A brokerage's cash desk for tests: a connection, a client, deposits and signed events."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from clients import profiles
from connectors.payments.engine.port import Call, Step
from entrypoints.connections import Gateways
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.ids import token
from kernel.money import Money
from ledger import queries as ledger_queries
from ledger.verification import verify
from treasury import connections, deposits, queries, subscribers
from treasury.connections import Reach
from treasury.deposits import Place
from treasury.events import PaymentUnclear, WebhookStored
from treasury.models import Deposit
from treasury.receipts import Receipt, Reception

SECRET = "whsec_of_tests"
SETTINGS = kernel_settings.load(
    {
        "MARQUE_SECRET_KEY": "s" * 40,
        "MARQUE_DATA": "unused",
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "SMTP_URL": "smtp://127.0.0.1:1",
    }
)
LIMITS = {"USD": (Decimal(10), Decimal(50_000)), "EUR": (Decimal(10), Decimal(5_000))}


@dataclass
class Desk:
    """Everything a test about deposits needs, for one brokerage."""

    database: Database
    tenant: TenantRef
    vault: Vault
    gateways: Gateways
    connection_id: UUID
    hook_token: str
    client_id: UUID

    async def start(
        self, amount: str = "100.00", currency: str = "USD", account_id: UUID | None = None
    ) -> Deposit:
        """Start a deposit of the client."""
        async with self.database.tenant(self.tenant) as session:
            return await deposits.start(
                session,
                client_id=self.client_id,
                account_id=account_id,
                amount=Money.of(amount, currency),
                connection_id=self.connection_id,
            )

    async def receive(
        self,
        body: bytes,
        signature: str | None = None,
        *,
        hook_token: str | None = None,
        reception: Reception | None = None,
    ) -> Receipt:
        """Let a webhook arrive as the web entrypoint would."""
        return await (reception or self.reception()).receive(
            self.tenant,
            token=hook_token or self.hook_token,
            call=Call(
                body, {"stripe-signature": signature if signature is not None else sign(body)}
            ),
        )

    def reach(self) -> Reach:
        """Return what reaches the providers of this brokerage."""
        return Reach(self.gateways, self.vault, SETTINGS)

    async def pay(self, deposit: Deposit) -> Step:
        """Ask the provider for what the payer sees next."""
        return await deposits.create_payment(
            self.database,
            self.tenant,
            deposit_id=deposit.id,
            reach=self.reach(),
            place=Place("http://127.0.0.1:1/deposit/x", "http://127.0.0.1:1/deposit"),
        )

    def reception(self) -> Reception:
        """Return what a web process of its own would receive with."""
        return Reception(self.database, self.gateways, self.vault)

    async def handle(self, event_ids: list[UUID]) -> None:
        """Handle stored events in one transaction, as the worker does, and what comes of them."""
        told = [WebhookStored(event_id) for event_id in event_ids]
        async with self.database.tenant(self.tenant) as session:
            await subscribers.on_webhooks_stored(session, told)
        async with self.database.tenant_read(self.tenant) as session:
            unnamed = set(await queries.unhandled_events(session)) & set(event_ids)
        for event_id in unnamed:
            await subscribers.on_payment_unclear(
                self.database,
                self.tenant,
                PaymentUnclear(event_id),
                reach=self.reach(),
            )

    async def outcomes(self, event_ids: list[UUID]) -> list[str]:
        """Return what became of events, in order."""
        async with self.database.tenant_read(self.tenant) as session:
            events = [await queries.webhook_event(session, event_id) for event_id in event_ids]
        return [str(event.outcome if event else "") for event in events]

    async def work(self) -> list[str]:
        """Handle every stored event, one after the other; return the outcomes in order."""
        async with self.database.tenant_read(self.tenant) as session:
            waiting = await queries.unhandled_events(session)
        for event_id in waiting:
            await self.handle([event_id])
        return await self.outcomes(waiting)

    async def say(self, deposit: Deposit, kind: str, **fields: Any) -> list[str]:
        """Let the provider say something about a deposit, and handle it."""
        await self.receive(word(deposit, kind, **fields))
        return await self.work()

    async def seen(self, deposit: Deposit) -> Deposit:
        """Return a deposit as it is now."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await queries.deposit(session, deposit.id)
        assert found is not None
        return found

    async def wallet(self, currency: str = "USD") -> ledger_queries.Balance:
        """Return the client's wallet."""
        async with self.database.tenant_read(self.tenant) as session:
            return await ledger_queries.balance(
                session,
                code="liability.client_wallet",
                currency=currency,
                owner=("client", self.client_id),
            )

    async def entries(self) -> int:
        """Return how many entries the book has, after verifying it."""
        async with self.database.tenant_read(self.tenant) as session:
            verification = await verify(session)
            assert verification.ok, verification.lines
            return (await ledger_queries.count_entries(session))[0]


async def open_desk(
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    *,
    api_base: str = "http://127.0.0.1:1",
) -> Desk:
    """Open a desk: a connection with a known signing secret, and a client."""
    async with database.tenant(tenant) as session:
        connection = await connections.create(
            session,
            provider="stripe",
            name=f"Cards {token(4)}",
            credentials={
                "secret_key": "sk_test_of_tests",
                "webhook_secret": SECRET,
                "api_base": api_base,
            },
            limits=LIMITS,
            vault=vault,
        )
        client_id = await add_client(session)
    return Desk(
        database,
        tenant,
        vault,
        Gateways(allow=frozenset({api_base.removeprefix("http://")})),
        connection.id,
        connection.webhook_token,
        client_id,
    )


async def add_client(
    session: TenantSession, first_name: str = "Mara", last_name: str = "Lindqvist"
) -> UUID:
    """Add a client and return the id."""
    client = await profiles.create(
        session,
        first_name=first_name,
        last_name=last_name,
        email=f"{first_name.lower()}.{token(4).lower()}@example.com",
        phone="+4915112345678",
        country="DE",
        language="en",
    )
    return client.id


def word(
    deposit: Deposit,
    kind: str = "completed",
    *,
    event_id: str | None = None,
    payment: str | None = None,
    cents: int | None = None,
    currency: str | None = None,
    status: str = "paid",
) -> bytes:
    """Return an event of the provider about a deposit, as the bytes it would send."""
    types = {
        "completed": "checkout.session.completed",
        "paid later": "checkout.session.async_payment_succeeded",
        "failed": "checkout.session.async_payment_failed",
        "expired": "checkout.session.expired",
        "disputed": "charge.dispute.created",
        "refunded": "charge.refunded",
    }
    minor = cents if cents is not None else int(deposit.amount * 100)
    subject = {
        "id": payment or f"cs_{deposit.reference}",
        "client_reference_id": deposit.reference,
        "metadata": {"reference": deposit.reference},
        "payment_status": status,
        "amount_total": minor,
        "amount": minor,
        "amount_refunded": minor,
        "currency": (currency or deposit.currency).lower(),
    }
    event = {
        "id": event_id or f"evt_{token(8)}",
        "type": types[kind],
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": subject},
    }
    return json.dumps(event).encode()


def sign(body: bytes, secret: str = SECRET, *, age_seconds: int = 0) -> str:
    """Return the provider's signature header for a body, computed independently of the SDK."""
    moment = int(time.time()) - age_seconds
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"
