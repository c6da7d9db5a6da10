"""A brokerage with a bank for tests: accounts, people of finance, and deposits by wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from approvals import requests
from approvals.events import ApprovalGranted
from approvals.models import Approval
from identity.models import UserAccount
from kernel.actor import Actor, TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.ids import token
from kernel.money import Money
from kernel.viewer import Viewer
from ledger import queries as ledger_queries
from ledger.chart import natural_sign
from ledger.lines import Owner
from ledger.verification import verify
from tests.factories import people
from tests.treasury.banks.statements import IBAN
from tests.treasury.desk import add_client
from treasury import connections, deposits
from treasury import queries as treasury_queries
from treasury.banks import accounts, imports, queries, releases
from treasury.banks.imports import Imported
from treasury.banks.models import BankLine
from treasury.banks.queries import LineFilter, LineRow
from treasury.banks.releases import Target
from treasury.models import Deposit
from treasury.reconciliation import breaks, client_money


@dataclass
class House:
    """Everything a test about banks needs, for one brokerage."""

    database: Database
    tenant: TenantRef
    maker: UserAccount
    checker: UserAccount
    wire_id: UUID
    cards_id: UUID
    client_id: UUID
    bank_id: UUID
    own_id: UUID

    @asynccontextmanager
    async def by(self, user: UserAccount | None = None) -> AsyncIterator[TenantSession]:
        """Open a transaction in which somebody acts, the maker without a name."""
        one = user or self.maker
        actor = Actor("staff", one.id, one.name)
        async with self.database.tenant(self.tenant, actor=actor) as session:
            yield session

    async def deposit(
        self, amount: str = "1000.00", currency: str = "EUR", client_id: UUID | None = None
    ) -> Deposit:
        """Start a deposit by wire; it waits for its money."""
        async with self.by() as session:
            deposit = await deposits.start(
                session,
                client_id=client_id or self.client_id,
                account_id=None,
                amount=Money.of(amount, currency),
                connection_id=self.wire_id,
            )
            deposit.state = "pending"
            return deposit

    async def take(self, data: bytes, name: str = "statement") -> Imported:
        """Import a statement."""
        async with self.by() as session:
            return await imports.take(session, data=data, name=name)

    async def lines(self, *states: str) -> list[LineRow]:
        """Return the lines in some states, in order of their amounts."""
        async with self.database.tenant_read(self.tenant) as session:
            return await queries.line_slice(
                session,
                narrowed=LineFilter(states=states),
                order="amount",
                descending=False,
                limit=500,
            )

    async def line(self) -> BankLine:
        """Return the only line."""
        [found] = await self.lines()
        return found.line

    async def ask(
        self, line: BankLine, target: Target, reason: str = "Seen at the bank"
    ) -> Approval:
        """Let the maker ask for a release."""
        async with self.by() as session:
            return await releases.ask(session, line_id=line.id, target=target, reason=reason)

    async def agree(self, asked: Approval, *, by: UserAccount | None = None) -> None:
        """Let the checker agree, and the subscribers work."""
        async with self.by(by or self.checker) as session:
            await requests.decide(
                session, approval_id=asked.id, viewer=viewer(by or self.checker), approve=True
            )
        await self.granted(asked)

    async def granted(self, asked: Approval) -> None:
        """Let the subscribers of a granted request work, as the worker does."""
        event = ApprovalGranted(asked.id, asked.kind, asked.subject_kind, asked.subject_id)
        async with self.database.tenant(self.tenant) as session:
            for room in (releases, breaks, client_money):
                await room.on_granted(session, event)

    async def seen(self, deposit: Deposit) -> Deposit:
        """Return a deposit as it is now."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await treasury_queries.deposit(session, deposit.id)
        assert found is not None
        return found

    async def balance(self, code: str, owner: Owner, currency: str = "EUR") -> Decimal:
        """Return an account's balance, debit positive."""
        async with self.database.tenant_read(self.tenant) as session:
            found = await ledger_queries.balance(session, code=code, currency=currency, owner=owner)
            verification = await verify(session)
        assert verification.ok, verification.lines
        return natural_sign(code) * found.amount

    async def balances(self, currency: str = "EUR") -> dict[str, Decimal]:
        """Return the accounts that this is about: bank, clearings, suspense, wallet."""
        wanted: Sequence[tuple[str, str, Owner]] = (
            ("bank", "asset.bank", ("bank", "main")),
            ("own", "asset.bank_own", ("bank", "main")),
            ("wire", "asset.psp_clearing", ("psp", self.wire_id)),
            ("cards", "asset.psp_clearing", ("psp", self.cards_id)),
            ("suspense", "asset.suspense", ("house", "house")),
            ("wallet", "liability.client_wallet", ("client", self.client_id)),
        )
        found = {name: await self.balance(code, owner, currency) for name, code, owner in wanted}
        return {name: amount for name, amount in found.items() if amount}


def viewer(user: UserAccount) -> Viewer:
    """Return somebody of finance as pages know them."""
    granted = (releases.PERMISSION, client_money.PERMISSION)
    return Viewer("staff", user.id, user.name, user.email, grants=dict.fromkeys(granted, "all"))


async def open_house(database: Database, tenant: TenantRef, vault: Vault) -> House:
    """Open a segregated and an own account in EUR, a wire and a card connection, and a client."""
    async with database.tenant(tenant) as session:
        maker, checker = [await people.staff(session, "finance_head") for _ in range(2)]
        wire, cards = [await _connection(session, one, vault) for one in ("bank_wire", "stripe")]
        client_id = await add_client(session)
        bank = await accounts.open(
            session, name="Client money EUR", number=IBAN, currency="EUR", kind="segregated"
        )
        own = await accounts.open(
            session, name="Own EUR", number="DE02120300000000202051", currency="EUR", kind="own"
        )
        return House(database, tenant, maker, checker, wire, cards, client_id, bank.id, own.id)


async def _connection(session: TenantSession, provider: str, vault: Vault) -> UUID:
    credentials = {
        "bank_wire": {"account_holder": "Alpha", "bank_name": "Bank", "iban": IBAN},
        "stripe": {
            "secret_key": "sk_test_of_tests",
            "webhook_secret": "whsec_of_tests",
            "api_base": "http://127.0.0.1:1",
        },
    }
    connection = await connections.create(
        session,
        provider=provider,
        name=f"{provider} {token(4)}",
        credentials=credentials[provider],
        limits={code: (Decimal(10), Decimal(50_000)) for code in ("EUR", "USD")},
        vault=vault,
    )
    return connection.id
