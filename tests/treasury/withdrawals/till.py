"""A brokerage's till for tests: a client with money, payees, people who approve, a provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests as approvals
from approvals.events import ApprovalGranted
from clients.models import Client
from connectors.payments.engine import provider_files
from connectors.payments.engine.definitions import Provider
from connectors.payments.engine.port import Order, Standing
from connectors.payments.port import PaymentRefused, PaymentUnknown
from identity import queries as identity_queries
from identity import users
from identity.models import UserAccount
from kernel.actor import Actor, TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.ids import reference, token, uuid7
from kernel.money import Money
from kernel.settings import Settings
from kernel.viewer import Viewer
from ledger import bookings, chart, entries
from ledger import queries as ledger_queries
from ledger.verification import verify
from tests.factories import people
from treasury import connections
from treasury.models import Deposit, PspConnection
from treasury.withdrawals import codes, debits, decisions, destinations, payouts, queries, requests
from treasury.withdrawals.codes import Proof
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import Withdrawal, WithdrawalPart

IBAN = "DE89370400440532013000"


@dataclass
class Server:
    """A payment provider's own books: what it paid, by reference; and how it misbehaves.

    `lose` replies are lost after it acted, `drop` requests before; it pays a key once only when it
    `keeps` keys. With an `echo` it answers questions about that payment. Calls are noted.
    """

    keeps: bool = True
    lose: int = 0
    drop: int = 0
    refuse: str = ""
    blind: bool = False
    echo: str = ""
    state: str = "succeeded"
    paid: list[tuple[str, Money]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def pay(self, order: Order) -> Standing:
        """Act on a payout, or fail to."""
        self.calls.append(f"pay {order.reference}")
        if self.drop:
            self.drop -= 1
            raise PaymentUnknown("the request was lost")
        if self.refuse:
            raise PaymentRefused(self.refuse, "no")
        if not (self.keeps and order.idempotency_key in self.keys):
            self.keys.add(order.idempotency_key)
            self.paid.append((order.reference, order.amount))
        if self.lose:
            self.lose -= 1
            raise PaymentUnknown("the answer was lost")
        return self.standing(order)

    def query(self, order: Order) -> Standing:
        """Say what became of a payout."""
        self.calls.append(f"ask {order.reference}")
        if self.blind:
            raise PaymentUnknown("no answer")
        if self.echo:
            return replace(self.standing(order), reference=self.echo, provider_ref="pi_1")
        if order.reference not in [known for known, _ in self.paid]:
            raise PaymentRefused("404", "not found")
        return self.standing(order)

    def standing(self, order: Order) -> Standing:
        """Return a payout as the provider has it."""
        return Standing(
            self.state,  # type: ignore[arg-type]
            self.state,
            order.reference,
            f"po_{order.reference}",
            order.amount,
            None,
            None,
        )


@dataclass
class Gateway:
    """One merchant account at the server; only what payouts need."""

    provider: Provider
    server: Server

    async def withdraw(self, order: Order) -> Standing:
        """Pay out."""
        return self.server.pay(order)

    async def refund(self, order: Order) -> Standing:
        """Pay back."""
        return self.server.pay(order)

    async def query(self, order: Order) -> Standing:
        """Ask."""
        return self.server.query(order)

    async def close(self) -> None:
        """Close nothing."""


@dataclass
class Gateways:
    """Hands out gateways to the one server, with how it treats keys."""

    server: Server
    idempotency: str = "merchant_reference"

    def get(self, provider_id: str, *, environment: str, credentials: Mapping[str, str]) -> Any:
        """Return the gateway of a connection."""
        provider = provider_files.load(provider_id)
        able = replace(
            provider.capabilities,
            idempotency=self.idempotency,  # type: ignore[arg-type]
        )
        return Gateway(replace(provider, capabilities=able), self.server)


@dataclass
class Till:
    """Everything a test about withdrawals needs, for one client of one brokerage."""

    database: Database
    tenant: TenantRef
    vault: Vault
    settings: Settings
    client: Client
    user: UserAccount
    staff: list[UserAccount]
    gateways: Gateways

    @asynccontextmanager
    async def by(self, user: UserAccount | None = None) -> AsyncIterator[TenantSession]:
        """Open a transaction in which somebody acts: the client without a name."""
        who = user or self.user
        actor = Actor(who.kind, who.id, who.name)  # type: ignore[arg-type]
        async with self.database.tenant(self.tenant, actor=actor) as session:
            yield session

    async def fund(self, amount: str, currency: str = "USD") -> None:
        """Put money into the client's wallet."""
        async with self.database.tenant(self.tenant) as session:
            await entries.post(
                session,
                key=f"fund:{token(6)}",
                kind="opening",
                lines=bookings.move(
                    (chart.OPENING, chart.HOUSE),
                    bookings.wallet(self.client.id),
                    Money.of(amount, currency),
                ),
            )

    async def connect(self, provider: str, name: str) -> PspConnection:
        """Connect a provider."""
        async with self.database.tenant(self.tenant) as session:
            return await connections.create(
                session,
                provider=provider,
                name=name,
                credentials={"secret_key": "sk_test_of_tests"},
                limits={"USD": (Decimal(1), Decimal(100_000))},
                vault=self.vault,
            )

    async def deposited(self, connection: PspConnection, amount: str) -> Deposit:
        """Let the client have paid in, into the wallet."""
        async with self.database.tenant(self.tenant) as session:
            number = reference("DEP")
            made = Deposit(
                id=uuid7(),
                reference=number,
                client_id=self.client.id,
                connection_id=connection.id,
                amount=Decimal(amount),
                currency="USD",
                settled_amount=Decimal(amount),
                settled_currency="USD",
                state="credited",
                reason="",
                provider_reference=f"pi_{number}",
                settled_at=now(),
                credited_at=now(),
            )
            session.add(made)
            await entries.post(
                session,
                key=f"deposit:{made.id}",
                kind="deposit",
                lines=bookings.deposit(connection.id, self.client.id, Money.of(amount, "USD")),
            )
            return made

    async def payee(self, *, iban: str = IBAN, days_old: int = 10) -> UUID:
        """Save the client's bank account."""
        async with self.by() as session:
            made = await destinations.save(
                session,
                client=self.client,
                kind="bank",
                holder=self.client.name,
                details={"iban": iban, "bank": "Sparkasse"},
                vault=self.vault,
            )
            made.created_at = now().replace(year=now().year - 1) if days_old else now()
            return made.id

    async def prove(self, wish: Wish) -> Proof:
        """Ask for a code for a wish and type it in."""
        async with self.by() as session:
            plan = await requests.check(session, client=self.client, wish=wish)
            asked = await codes.ask(session, user_id=self.user.id, binding=plan.binding)
            proof = await codes.accept(
                session,
                user_id=self.user.id,
                binding=plan.binding,
                typed=asked.code,
                vault=self.vault,
            )
        assert isinstance(proof, Proof), proof
        return proof

    async def ask(
        self,
        amount: str,
        *,
        payee: UUID | None = None,
        account_id: UUID | None = None,
        currency: str = "USD",
    ) -> Withdrawal:
        """Let the client ask for money, with a code."""
        wish = Wish(Money.of(amount, currency), account_id, payee)
        proof = await self.prove(wish)
        async with self.by() as session:
            return await requests.request(session, client=self.client, wish=wish, proof=proof)

    async def approve(self, withdrawal: Withdrawal) -> Withdrawal:
        """Let the whole chain agree, each step by another person, and hear of it."""
        for person in self.staff:
            async with self.database.tenant_read(self.tenant) as session:
                found = await approval_queries.of_subject(
                    session, requests.KIND, (requests.KIND, withdrawal.id)
                )
            if not found or found[0].state != "open":
                break
            await self.decide(found[0].id, person)
        return await self.seen(withdrawal)

    async def decide(self, approval_id: UUID, person: UserAccount, *, approve: bool = True) -> None:
        """Let somebody give their word, and the room hear of the answer."""
        async with self.by(person) as session:
            given = await approvals.decide(
                session,
                approval_id=approval_id,
                viewer=await viewer(session, person),
                approve=approve,
                reason="Seen.",
            )
        about = (given.id, given.kind, given.subject_kind, given.subject_id)
        async with self.database.tenant(self.tenant) as session:
            if given.state == "granted":
                await decisions.granted(session, ApprovalGranted(*about))

    async def advance(self, withdrawal: Withdrawal) -> Withdrawal:
        """Let an approved withdrawal give its money up."""
        async with self.database.tenant(self.tenant) as session:
            await debits.advance(session, withdrawal_id=withdrawal.id)
        return await self.seen(withdrawal)

    async def pay(self, withdrawal: Withdrawal) -> Withdrawal:
        """See to every part once, whatever its time."""
        for part in await self.parts(withdrawal):
            await self.hurry(part)
            await payouts.pay(
                self.database,
                self.tenant,
                part_id=part.id,
                gateways=self.gateways,
                vault=self.vault,
                settings=self.settings,
            )
        return await self.seen(withdrawal)

    async def hurry(self, part: WithdrawalPart) -> None:
        """Let a part be due now, unless it waits for a person."""
        async with self.database.tenant(self.tenant) as session:
            found = await queries.part(session, part.id)
            if found is not None and found.next_at is not None:
                found.next_at = now()

    async def seen(self, withdrawal: Withdrawal) -> Withdrawal:
        """Return a withdrawal as it is now."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await queries.withdrawal(session, withdrawal.id)
        assert found is not None
        return found

    async def parts(self, withdrawal: Withdrawal) -> list[WithdrawalPart]:
        """Return its parts as they are now."""
        async with self.database.tenant_read(self.tenant) as session:
            return list(await queries.parts(session, withdrawal.id))

    async def wallet(self, currency: str = "USD") -> ledger_queries.Balance:
        """Return the client's wallet, after verifying the whole book."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await verify(session)
            assert found.ok, found.lines
            return await ledger_queries.balance(
                session,
                code=chart.CLIENT_WALLET,
                currency=currency,
                owner=("client", self.client.id),
            )

    async def on_the_way(self) -> Decimal:
        """Return what is owed to the client and under way."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await ledger_queries.balance(
                session,
                code=chart.WITHDRAWALS_PENDING,
                currency="USD",
                owner=("client", self.client.id),
            )
        return found.amount


async def viewer(session: TenantSession, user: UserAccount) -> Viewer:
    """Return a member of staff as pages know them."""
    grants = await identity_queries.grants_of_person(session, user.id)
    return Viewer("staff", user.id, user.name, user.email, grants=grants)


async def open_till(
    database: Database, tenant: TenantRef, vault: Vault, settings: Settings
) -> Till:
    """Open a till: a verified client who can sign in, and one person for each step."""
    async with database.tenant(tenant) as session:
        client = await people.client(session, first_name="Mara", last_name="Lindqvist")
        client.kyc_level = 2
        user = await users.create(
            session, kind="client", email=client.email, name=client.name, password=None
        )
        await session.flush()
        client.user_id = user.id
        roles = ("payments_officer", "finance_head", "compliance_head", "owner")
        staff = [await people.staff(session, role) for role in roles]
    return Till(database, tenant, vault, settings, client, user, staff, Gateways(Server()))


async def gathered(*work: Any) -> list[Any]:
    """Run things at once and return what became of each, errors too."""
    return list(await asyncio.gather(*work, return_exceptions=True))
