"""From a provider's signed event to the credit on the trading server, beside the bare calls.

Ours is the product: web, worker and relay as `marque up` starts them, on PostgreSQL and Valkey
that write every commit to disk. Forty clients have a deposit each; the provider's signed events
are posted to `/hooks/payments/TOKEN` over four connections, and the time runs from the first POST
until the fortieth balance deal stands in the simulator's own records. In between lie the stored
event, the settlement in the book, the hold, the intent, the claim committed before the call
(MON6), the call, the reading back, and the recorded outcome.

The reference is what must happen at least, one after the other in one coroutine: the same event
posted to an ASGI application that reads the body and answers 200, then one balance call over an
authenticated connection to the same simulator. Nothing is verified, stored or read back. One
unit is one deposit. Between rounds everything that the product still does with the last batch
(fees, the credit in the book) runs to its end, so that it does not disturb the other side.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import statistics
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from bench import harness, wire
from bench.harness import Result
from bench.mt5_wire import BareServer
from bench.stack import SLUG, Stack, stack, until
from clients import profiles
from infra.embedded.programs import Program, listening, unused_port
from kernel.actor import TenantRef
from kernel.ids import token
from kernel.money import Money
from tenants import queries as tenant_queries
from tenants.ports import Ports
from trading import accounts
from treasury import connections, deposits
from treasury import queries as treasury_queries
from treasury.provisioning import SIMULATOR

GOAL = 3.0
BATCH = 400
SENDERS = 16
SINGLES = 9
_SECRET = "whsec_" + "b" * 24
_POLL_SECONDS = 0.01


@dataclass
class Desk:
    """A brokerage whose clients pay in, and both ways to the trading server."""

    started: Stack
    ports: Ports
    tenant: TenantRef
    connection_id: UUID
    path: str
    clients: list[tuple[UUID, UUID, int]]
    server: BareServer
    admin: asyncpg.Connection
    bare_port: int

    async def ours(self) -> float:
        """Return the seconds for each deposit of a batch through the product."""
        bodies = await self.started_deposits(BATCH)
        before = await self.server.deals()
        started = time.perf_counter()
        posting = asyncio.create_task(self.post(bodies))
        await until(
            lambda: self._has(before + BATCH), seconds=120, every=_POLL_SECONDS, what="credits"
        )
        taken = time.perf_counter() - started
        await posting
        await self.drained()
        return taken / BATCH

    async def theirs(self) -> float:
        """Return the seconds for each deposit of a batch done bare."""
        bodies = [_body(f"DEP-{token(4)}") for _ in range(BATCH)]
        connection = await wire.Connection.connect(self.bare_port)
        started = time.perf_counter()
        for body, (_, _, login) in zip(bodies, self.clients, strict=True):
            answer = await connection.send(
                wire.request("POST", self.path, "bare", body=body, headers=_signed(body))
            )
            assert answer.status == 200, answer.status
            await self.server.credit(login, "100.00", f"x{token(6)} bare")
        taken = time.perf_counter() - started
        await connection.close()
        return taken / BATCH

    async def single(self) -> float:
        """Return the seconds of one deposit while nothing else happens."""
        [body] = await self.started_deposits(1)
        before = await self.server.deals()
        started = time.perf_counter()
        await self.post([body])
        await until(
            lambda: self._has(before + 1), seconds=60, every=_POLL_SECONDS, what="the credit"
        )
        taken = time.perf_counter() - started
        await self.drained()
        return taken

    async def started_deposits(self, count: int) -> list[bytes]:
        """Start a deposit for each of some clients and return the events that pay them."""
        bodies = []
        async with self.ports.database.tenant(self.tenant) as session:
            for client_id, account_id, _ in self.clients[:count]:
                deposit = await deposits.start(
                    session,
                    client_id=client_id,
                    account_id=account_id,
                    amount=Money(Decimal(100), "USD"),
                    connection_id=self.connection_id,
                )
                bodies.append(_body(deposit.reference))
        return bodies

    async def post(self, bodies: list[bytes]) -> None:
        """Post events over a few connections at once, as a provider does."""
        waiting = iter(bodies)
        host = f"www.{SLUG}.localhost:{self.started.port}"

        async def sender() -> None:
            connection = await wire.Connection.connect(self.started.port)
            for body in waiting:
                answer = await connection.send(
                    wire.request("POST", self.path, host, body=body, headers=_signed(body))
                )
                assert answer.status == 200, answer
            await connection.close()

        await asyncio.gather(*(sender() for _ in range(min(SENDERS, len(bodies)))))

    async def drained(self) -> None:
        """Wait until no event waits for a subscriber."""

        async def done() -> bool:
            left = await self.admin.fetchval(
                f"SELECT count(*) FROM {self.tenant.schema}.outbox WHERE done_at IS NULL"
            )
            return bool(left == 0)

        await until(done, seconds=120, what="the outbox")

    async def _has(self, wanted: int) -> bool:
        return await self.server.deals() >= wanted


async def run() -> list[Result]:
    """Measure batches, then tell the latency of single deposits."""
    async with stack() as (started, ports):
        started.start_product("web", "worker", "relay")
        desk = await _open(started, ports)
        try:
            result = await harness.compare(
                "deposit-to-mt5",
                "bare POST and call",
                ours=desk.ours,
                theirs=desk.theirs,
                goal=GOAL,
                units=BATCH,
            )
            await asyncio.sleep(1)
            singles = [await desk.single() for _ in range(SINGLES)]
        finally:
            await desk.server.close()
            await desk.admin.close()
    print(
        f"# one deposit on an idle system, POST to credit: median"
        f" {statistics.median(singles) * 1000:.0f} ms, {min(singles) * 1000:.0f} to"
        f" {max(singles) * 1000:.0f} ms",
        flush=True,
    )
    return [result]


async def _open(started: Stack, ports: Ports) -> Desk:
    async with ports.database.control() as control:
        row = await tenant_queries.tenant_by_slug(control, SLUG)
        assert row is not None
        tenant = tenant_queries.ref(row)
    async with ports.database.tenant(tenant) as session:
        connection = await treasury_queries.connection_by_name(session, SIMULATOR)
        assert connection is not None
        await connections.keep(
            session,
            connection_id=connection.id,
            credentials={"webhook_secret": _SECRET},
            vault=ports.vault,
        )
    admin = await asyncpg.connect(started.environment["DATABASE_URL"])
    clients = await _clients(ports, tenant, admin)
    desk = Desk(
        started,
        ports,
        tenant,
        connection.id,
        f"/hooks/payments/{connection.webhook_token}",
        clients,
        await BareServer.sign_in(ports.settings.simulators),
        admin,
        _start_bare(started),
    )
    # Mails about the accounts are still on their way.
    await desk.drained()
    return desk


async def _clients(
    ports: Ports, tenant: TenantRef, admin: asyncpg.Connection
) -> list[tuple[UUID, UUID, int]]:
    """Open an account for each of the clients through the product and wait for the logins."""
    async with ports.database.tenant(tenant) as session:
        for number in range(BATCH):
            client = await profiles.create(
                session,
                first_name="Mara",
                last_name="Lindqvist",
                email=f"mara{number}@example.com",
                phone=f"+4915112345{number:03}",
                country="DE",
                language="en",
            )
            await accounts.request_opening(session, client_id=client.id, account_type_code="STD")
    table = f"{tenant.schema}.trading_account"

    async def opened() -> bool:
        count = await admin.fetchval(f"SELECT count(*) FROM {table} WHERE state = 'open'")
        return bool(count == BATCH)

    await until(opened, seconds=120, what="trading accounts")
    rows: list[Any] = await admin.fetch(f"SELECT client_id, id, login FROM {table} ORDER BY login")
    return [(row["client_id"], row["id"], row["login"]) for row in rows]


def _start_bare(started: Stack) -> int:
    port = unused_port()
    command = (sys.executable, "-m", "bench.bare_hook", str(port))
    started.start([Program("bare", command, listening(port), port)])
    return port


_numbers = itertools.count(1)


def _body(reference: str) -> bytes:
    number = next(_numbers)
    subject = {
        "id": f"cs_bench_{number}_{reference}",
        "object": "checkout.session",
        "client_reference_id": reference,
        "metadata": {"reference": reference},
        "payment_status": "paid",
        "amount_total": 10_000,
        "currency": "usd",
    }
    event = {
        "id": f"evt_bench_{number}_{reference}",
        "object": "event",
        "type": "checkout.session.completed",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": subject},
    }
    return json.dumps(event).encode()


def _signed(body: bytes) -> dict[str, str]:
    moment = int(time.time())
    digest = hmac.new(_SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "Stripe-Signature": f"t={moment},v1={digest}"}
