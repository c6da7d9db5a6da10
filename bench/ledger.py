"""Posting into the book beside TPC-B on the same PostgreSQL, with every commit on disk.

Eight clients, 100,000 wallets, a migrated brokerage and its role, which may call the book's
functions and nothing else. What is compared:

- **post-one-call**: pgbench calls `post_pair`, the function under `ledger.entries.post`, with
  transfers between random wallets, once for each transaction. The reference is TPC-B as one
  function in plpgsql, also by pgbench: two updates of small tables, one of a big one, a read and
  an insert, without keys, hashes, guards, sums or links.
- **post-asyncpg**: `ledger.entries.post` itself, with its checks and its translation of errors,
  over connections that stay in the brokerage's role, each entry a transaction. Timed is the
  Python function, the driver and PostgreSQL; not timed is the session around it. The reference
  of this and of the following is pgbench's own TPC-B, prepared, seven round trips.
- **post-session**: the same inside `Database.tenant`, as a request of the product has it, with
  BEGIN, role, search_path and COMMIT: three round trips. Told without a verdict.
- **post-batches**: `ledger.entries.post_batch` with 100 entries, over two of these connections.
- **post-hot-account**: `ledger.entries.post` with deposits that all go through the account of one
  provider, so that they wait for each other.

TPC-B has as many accounts as the book has wallets, 100,000, which is pgbench's own measure: then it
has one branch, whose row everybody waits for. What the two forms of it do with ten times that,
where its clients seldom wait, is told as well, without a verdict.

One unit is one entry of two lines, or one transaction of TPC-B. The clients of asyncpg are one
process on uvloop, as a web process is; those of pgbench are two threads. At the end the book is
verified as `marque ledger verify` does it, over all that was posted.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import asyncpg
import uvloop

from bench import harness
from bench.book import (
    ACCOUNTS,
    CLIENTS,
    FIRST,
    OWNERS,
    PROVIDER,
    SCALE,
    SECONDS,
    WIDE,
    Bench,
    bench,
    owner,
)
from bench.harness import Result, Side
from kernel.actor import SYSTEM
from kernel.database import TenantSession
from kernel.money import Money
from ledger import bookings, entries
from ledger.lines import Draft, Line
from ledger.verification import verify

GOALS = {"one-call": 0.9, "asyncpg": 1.0, "batches": 5.0, "hot-account": 0.6}
BATCH = 100
_ONE = Money(Decimal("1.00"), "EUR")

_TPCB = """\\set aid random(1, 100000 * :scale)
\\set bid random(1, :scale)
\\set tid random(1, 10 * :scale)
\\set delta random(-5000, 5000)
SELECT tpcb(:aid, :tid, :bid, :delta);
"""
_POST = f"""\\set key random(1, 9000000000000000000)
\\set a random(0, {ACCOUNTS - 1})
\\set step random(1, {ACCOUNTS - 1})
\\set from {FIRST} + :a
\\set to {FIRST} + (:a + :step) % {ACCOUNTS}
SELECT post_pair('transfer:' || :key, 'transfer', '', NULL, 'system', 'EUR', 1.00,
  'liability.client_wallet', 'client', '{OWNERS}' || :from,
  'liability.client_wallet', 'client', '{OWNERS}' || :to);
"""


@dataclass
class Clients:
    """Eight clients of the driver, each with a connection of its own."""

    started: Bench
    sessions: list[TenantSession]

    async def entry(self, client: int) -> int:
        """Post a transfer."""
        key, lines = _key(), _transfer()
        await entries.post(self.sessions[client], key=key, kind="transfer", lines=lines)
        return 1

    async def hot(self, client: int) -> int:
        """Post a deposit through the account that everybody uses."""
        lines = bookings.deposit(PROVIDER, owner(random.randrange(ACCOUNTS)), _ONE)
        await entries.post(self.sessions[client], key=_key("deposit"), kind="deposit", lines=lines)
        return 1

    async def batch(self, client: int) -> int:
        """Post a hundred transfers at once."""
        drafts = [Draft(_key(), "transfer", _transfer()) for _ in range(BATCH)]
        return len(await entries.post_batch(self.sessions[client], drafts=drafts))

    async def whole(self, _: int) -> int:
        """Post a transfer in a transaction of the product."""
        async with self.started.database.tenant(self.started.tenant) as session:
            await entries.post(session, key=_key(), kind="transfer", lines=_transfer())
        return 1


def _key(kind: str = "transfer") -> str:
    return f"{kind}:{random.getrandbits(72):018x}"


def _transfer() -> list[Line]:
    giver = random.randrange(ACCOUNTS)
    taker = (giver + 1 + random.randrange(ACCOUNTS - 1)) % ACCOUNTS
    return bookings.move(bookings.wallet(owner(giver)), bookings.wallet(owner(taker)), _ONE)


def _session(started: Bench, connection: asyncpg.Connection) -> TenantSession:
    """Return a session whose statements are each a transaction, on one connection for good."""
    session = TenantSession()
    session.info.update(tenant=started.tenant, actor=SYSTEM, request_id="", driver=connection)
    return session


def _timed(work: Callable[[int], Awaitable[int]], *, clients: int = CLIENTS) -> Side:
    """Return a side that lets clients work for a round: seconds for each entry."""

    async def side() -> float:
        started = time.perf_counter()
        done = await asyncio.gather(
            *(_until(started + SECONDS, work, one) for one in range(clients))
        )
        return (time.perf_counter() - started) / sum(done)

    return side


async def _until(end: float, work: Callable[[int], Awaitable[int]], client: int) -> int:
    done = 0
    while time.perf_counter() < end:
        # In two steps: `+=` would take the sum as it was before the others came.
        fresh = await work(client)
        done += fresh
    return done


def _script(started: Bench, name: str, text: str) -> str:
    place = started.folder / name
    place.write_text(text)
    return str(place)


async def run() -> list[Result]:
    """Measure on uvloop, as the product runs, whatever loop this is called from."""
    return await asyncio.to_thread(uvloop.run, _run())


async def _run() -> list[Result]:
    async with bench() as started:
        connections = await started.connections(CLIENTS)
        try:
            results = await _compared(started, connections)
        finally:
            for connection in connections:
                await connection.close()
        async with started.database.tenant_read(started.tenant) as session:
            found = await verify(session)
        print(f"# ledger verify: {'ok' if found.ok else 'WRONG'}  {found.summary}", flush=True)
        if not found.ok:
            raise RuntimeError("what was posted does not add up")
    return results


async def _compared(started: Bench, connections: list[asyncpg.Connection]) -> list[Result]:
    clients = Clients(started, [_session(started, one) for one in connections])
    function = _script(started, "function.sql", _TPCB)
    call = _script(started, "post.sql", _POST)

    async def tpcb() -> float:
        return await started.pgbench()

    async def tpcb_function() -> float:
        return await started.pgbench("-f", function, "-D", f"scale={SCALE}")

    async def one_call() -> float:
        return await started.pgbench("-f", call, own=True)

    results = [
        await _compare("one-call", ours=one_call, theirs=tpcb_function, reference="one function"),
        await _compare("asyncpg", ours=_timed(clients.entry), theirs=tpcb),
        await _compare("batches", ours=_timed(clients.batch, clients=2), theirs=tpcb),
        await _compare("hot-account", ours=_timed(clients.hot), theirs=tpcb),
    ]
    speeds = ", ".join(
        f"{one.name} {1 / statistics.median(one.ours):,.0f}"
        f" of {1 / statistics.median(one.theirs):,.0f}"
        for one in results
    )
    print(f"# a second: {speeds}", flush=True)
    await _tell_wide(started, function, one_call)
    whole = [await _timed(clients.whole)() for _ in range(harness.ROUNDS)]
    print(
        f"# post-session, the same as post-asyncpg in a transaction of the product: median"
        f" {statistics.median(whole) * 1000:.2f} ms an entry",
        flush=True,
    )
    return results


async def _tell_wide(started: Bench, function: str, one_call: Side) -> None:
    """Print what the book and TPC-B do, one round after the other, when TPC-B seldom waits."""
    sides: dict[str, Side] = {
        "post-one-call": one_call,
        "one function": partial(started.pgbench, "-f", function, "-D", f"scale={WIDE}", scale=WIDE),
        "seven round trips": partial(started.pgbench, scale=WIDE),
    }
    rounds = [{name: await side() for name, side in sides.items()} for _ in range(harness.ROUNDS)]
    speeds = ", ".join(
        f"{name} {1 / statistics.median(one[name] for one in rounds):,.0f}" for name in sides
    )
    ratio = statistics.median(one["one function"] / one["post-one-call"] for one in rounds)
    print(f"# TPC-B with {WIDE} branches, a second: {speeds}; ratio to one function {ratio:.2f}")


async def _compare(name: str, *, ours: Side, theirs: Side, reference: str = "TPC-B") -> Result:
    return await harness.compare(
        f"post-{name}",
        reference,
        ours=ours,
        theirs=theirs,
        goal=GOALS[name],
        units=SECONDS,
        at_least=True,
    )
