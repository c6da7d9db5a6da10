"""A client's money through a running copy, and what the counterparts say about it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import asyncpg
import httpx

from kernel.money import Money
from ledger import queries as ledger_queries
from ledger.verification import verify
from tests.factories import people
from tests.fixtures.database import ALPHA
from tests.fixtures.stack import Stack, eventually
from trading import accounts
from treasury import deposits
from treasury.connections import Reach
from treasury.deposits import Place

CARD = {"method": "card", "number": "4242424242424242", "expiry": "12 / 39", "cvc": "123"}
_UNFINISHED = """
SELECT 'operation ' || kind || ' ' || state || ' ' || error FROM platform_operation
WHERE state NOT IN ('done', 'failed')
UNION ALL SELECT 'deposit ' || state FROM deposit WHERE state <> 'credited'
UNION ALL SELECT 'account ' || state FROM trading_account WHERE state <> 'open'
UNION ALL SELECT 'webhook' FROM webhook_event WHERE handled_at IS NULL
UNION ALL SELECT 'hold' FROM hold WHERE state = 'pending'
UNION ALL SELECT 'mail ' || template || ' ' || state FROM message WHERE state <> 'sent'
UNION ALL SELECT 'event ' || topic FROM outbox WHERE done_at IS NULL
"""


@dataclass
class Desk:
    """A client with accounts on the simulated server."""

    stack: Stack
    superuser: asyncpg.Connection
    connection_id: UUID
    client_id: UUID

    async def open(self) -> UUID:
        """Ask for an account; it is opened by the processes."""
        async with self.stack.ports.database.tenant(ALPHA) as session:
            account = await accounts.request_opening(
                session, client_id=self.client_id, account_type_code="STD"
            )
            return account.id

    async def opened(self, account_id: UUID, *, seconds: float = 40.0) -> bool:
        """Wait until an account is open."""

        async def is_open() -> bool:
            return bool(
                await self.superuser.fetchval(
                    "SELECT state = 'open' FROM t_alpha.trading_account WHERE id = $1", account_id
                )
            )

        return await eventually(is_open, seconds=seconds)

    async def pay(self, account_id: UUID | None, amount: str) -> UUID:
        """Start a deposit and pay it on the provider's page; its event is on the way then."""
        return await self.finish(await self.begin(account_id, amount))

    async def begin(self, account_id: UUID | None, amount: str) -> UUID:
        """Start a deposit of which the provider knows nothing yet."""
        async with self.stack.ports.database.tenant(ALPHA) as session:
            deposit = await deposits.start(
                session,
                client_id=self.client_id,
                account_id=account_id,
                amount=Money.of(amount, "USD"),
                connection_id=self.connection_id,
            )
        return deposit.id

    async def finish(self, deposit_id: UUID) -> UUID:
        """Pay a deposit on the provider's page; trying again pays the same one."""
        ports = self.stack.ports
        step = await deposits.create_payment(
            ports.database,
            ALPHA,
            deposit_id=deposit_id,
            reach=Reach(ports.gateways, ports.vault, ports.settings),
            place=Place("http://my.alpha.localhost/deposit/x", "http://my.alpha.localhost/deposit"),
        )
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.post(step.url, data=CARD)
        assert answer.status_code in (302, 303), answer.text
        return deposit_id

    async def unfinished(self) -> list[str]:
        """Return what is still on its way."""
        rows = await self.superuser.fetch(_UNFINISHED)
        return sorted(row[0] for row in rows)

    async def settled(self, *, seconds: float) -> list[str]:
        """Wait until nothing is on its way; return what still is when the time is over."""

        async def quiet() -> bool:
            return not await self.unfinished()

        await eventually(quiet, seconds=seconds, every=0.3)
        return await self.unfinished()

    async def outcome(self, *, seconds: float) -> list[str]:
        """Wait until nothing is on its way; return what still is, and every difference."""
        return await self.settled(seconds=seconds) + await self.faults_of_the_world()

    async def faults_of_the_world(self) -> list[str]:
        """Compare book, mirror and server; return every difference in words.

        The counts come from the server's own records: one login for each opening, one booking
        for each deposit's token, and each account's balance equal to the book's.
        """
        found = []
        operations = await self.superuser.fetch("SELECT * FROM platform_operation")
        for operation in operations:
            where = {"id": operation["token"]}
            if operation["kind"] != "open_account":
                where = {"comment": operation["token"]}
            seen = self.stack.mt5.records(**where)
            count = seen["users" if operation["kind"] == "open_account" else "balance_deals"]
            if count != 1:
                found.append(f"{operation['kind']} stands {count} times on the server")
        for account in await self.superuser.fetch("SELECT * FROM trading_account"):
            found += await self._account_faults(account)
        async with self.stack.ports.database.tenant_read(ALPHA) as session:
            verification = await verify(session)
        if not verification.ok:
            found.append(f"the book does not add up: {verification.lines}")
        return found

    async def _account_faults(self, account: asyncpg.Record) -> list[str]:
        if account["login"] is None:
            return [f"account {account['reference']} has no login"]
        connection = await self.stack.ports.trading.get(account["server_id"])
        [state] = await connection.account_states(logins=[account["login"]])
        async with self.stack.ports.database.tenant_read(ALPHA) as session:
            booked = await ledger_queries.balance(
                session,
                code="liability.trading_account",
                currency=account["currency"],
                owner=("account", account["id"]),
            )
        paid = await self.superuser.fetchval(
            "SELECT coalesce(sum(amount), 0) FROM deposit"
            " WHERE trading_account_id = $1 AND state = 'credited'",
            account["id"],
        )
        if {Decimal(state.balance), Decimal(booked.amount)} != {Decimal(paid)}:
            return [f"login {state.login}: server {state.balance}, book {booked.amount}, {paid}"]
        return []


async def open_desk(stack: Stack, superuser: asyncpg.Connection) -> Desk:
    """Make a client of alpha who may open accounts and deposit."""
    async with stack.ports.database.tenant(ALPHA) as session:
        client = await people.client(session)
    # Nobody hears of this client, so that no identity check stands before the money.
    await superuser.execute("DELETE FROM t_alpha.outbox")
    connection_id = await superuser.fetchval("SELECT id FROM t_alpha.psp_connection")
    return Desk(stack, superuser, connection_id, client.id)
