"""Money on its way through a copy that is wrecked in every cycle, and what became of it."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from kernel.ids import uuid7
from kernel.money import Money
from ledger import queries as ledger_queries
from ledger.errors import InsufficientFunds
from ledger.verification import verify
from tests.factories import people
from tests.fixtures.database import ALPHA
from tests.fixtures.stack import eventually
from tests.fixtures.wreck import Wreck
from tests.journeys.money import Desk
from treasury.transfers import transfers
from treasury.transfers.transfers import Wish

# Where each kind of process is to die; a number is how often it passes there before at most.
WORKER = {
    "treasury.after_webhook_stored": 4,
    "treasury.before_settle_commit": 4,
    "treasury.before_credit_commit": 4,
    "outbox.before_delivery_commit": 8,
    "outbox.after_job": 4,
    "trading.before_claim_commit": 4,
    "trading.after_claim": 4,
    "trading.before_call": 5,
    "trading.after_call": 5,
    "trading.before_done_commit": 4,
    "treasury.transfer_between_legs": 2,
    "treasury.transfer_before_done_commit": 2,
    "database.before_commit": 20,
    "database.after_commit": 20,
    "messaging.after_send": 3,
}
FAILPOINTS: dict[str, dict[str, int]] = {
    "worker1": WORKER,
    "worker2": WORKER,
    "relay1": {"outbox.after_lease": 30},
    "scheduler1": {"trading.after_search": 30},
    "scheduler2": {"trading.after_search": 60},
    "web1": {"treasury.after_webhook_stored": 12, "database.after_commit": 24},
}
NAMED = sorted({name for names in FAILPOINTS.values() for name in names})
# The bookings of one login go one after the other: with few, all would wait for the same ones.
_ACCOUNTS = 8
# Payments of all three clients on their way: the product lets each have 20, people stop sooner.
_PATIENCE = 16
SKEWS = (0, 0, 7200, -7200)
DISASTERS = (
    *("redis is flushed", "postgresql stops", "the line is cut", "the line swallows"),
    *("answers are lost", "requests come late", "requests are lost", "nothing else"),
)
_CREDITED = """
SELECT d.id, e.recorded_at FROM deposit d JOIN entry e ON e.key = 'deposit-credit:' || d.id
WHERE d.id = ANY ($1::uuid[])
"""
# What is still on its way; a deposit that nobody paid is not, and a mail has its own patience.
_UNFINISHED = """
SELECT 'operation ' || kind || ' ' || state || ' ' || error FROM platform_operation
WHERE state NOT IN ('done', 'failed')
UNION ALL SELECT 'deposit ' || state FROM deposit
WHERE state <> 'credited' AND id = ANY ($1::uuid[])
UNION ALL SELECT 'transfer ' || state FROM transfer WHERE finished_at IS NULL
UNION ALL SELECT 'account ' || state FROM trading_account WHERE state <> 'open'
UNION ALL SELECT 'webhook' FROM webhook_event WHERE handled_at IS NULL
UNION ALL SELECT 'hold' FROM hold WHERE state = 'pending'
UNION ALL SELECT 'event ' || topic || ' ' || attempts FROM outbox
WHERE done_at IS NULL AND topic <> 'messaging.mail_queued'
"""


@dataclass
class Outcome:
    """What the simulators' own records and the book say in the end."""

    double: int
    lost: int
    stuck: list[str]
    faults: list[str]


@dataclass
class Voyage:
    """A copy at sea: clients pay, something breaks in every cycle, and it is counted."""

    wreck: Wreck
    dice: random.Random
    desks: list[Desk] = field(default_factory=list)
    paid: dict[UUID, float] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    disasters: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    moved: int = 0
    moments: list[float] = field(default_factory=list)
    _connection: asyncpg.Connection | None = None
    _accounts: list[tuple[Desk, UUID]] = field(default_factory=list)
    _armed: dict[str, tuple[str, int]] = field(default_factory=dict)

    async def embark(self, *, clients: int = 3) -> None:
        """Start everything whole, and open accounts for each client."""
        for slot in FAILPOINTS:
            self.wreck.begin(slot)
        # The provider sends again soon what the web process did not take.
        self.wreck.psp.operator("POST", "/_simulator/webhooks", {"retry_ms": 400, "duplicate": 2})
        superuser = await self.superuser()
        connection_id = await superuser.fetchval("SELECT id FROM psp_connection")
        for _ in range(clients):
            async with self.wreck.ports.database.tenant(ALPHA) as session:
                client = await people.client(session)
            self.desks.append(Desk(self.wreck, superuser, connection_id, client.id))
        await superuser.execute("DELETE FROM outbox")
        for desk in self.desks * _ACCOUNTS:
            self._accounts.append((desk, await desk.open()))
        for desk, account_id in self._accounts:
            assert await desk.opened(account_id, seconds=60), self.wreck.logs()[-4000:]

    async def sail(self, cycles: int, *, most: int, enough: Callable[[Counter[str]], bool]) -> int:
        """Let so many cycles pass: each with payments, a disaster and a death.

        When not enough processes have died at failpoints, some more follow. Returns how many.
        """
        disasters = itertools.cycle(self.dice.sample(DISASTERS, len(DISASTERS)))
        for slot in FAILPOINTS:
            self.wreck.end(slot)
            self._arm(slot, 0)
        for cycle in range(most):
            if cycle >= cycles and enough(self.hits):
                return cycle
            await eventually(partial(self._few_under_way, cycle), seconds=60, every=0.3)
            what = next(disasters)
            self.disasters[what] += 1
            self.moments.append(time.time())
            await self.suffer(what, payments=2)
            await self._deaths(cycle)
        return most

    async def suffer(self, what: str, *, payments: int) -> None:
        """Let clients pay and move money while something breaks."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._disaster(what))
            for _ in range(payments):
                group.create_task(self.pay())
                group.create_task(self._transfer())
            if self.dice.random() < 0.15:
                group.create_task(self._insist(self.dice.choice(self.desks).open))

    async def quiet(self, *, seconds: float) -> bool:
        """Wait until nothing is on its way; say whether it came to that."""
        await self.superuser()
        return await eventually(self._all_quiet, seconds=seconds, every=0.3)

    async def doubled(self) -> int:
        """Return how many payments the trading server has booked more than once."""
        superuser = await self.superuser()
        rows = await superuser.fetch("SELECT login FROM trading_account")
        amounts = [
            amount
            for row in rows
            for amount in self.wreck.mt5.records(login=row["login"])["amounts"]
        ]
        return len(amounts) - len(self.paid)

    async def land(self, *, seconds: float) -> Outcome:
        """Start what is missing, wait until nothing is on its way, and count."""
        for slot in FAILPOINTS:
            self.wreck.end(slot)
            self.wreck.begin(slot)
        superuser = await self.superuser()
        await eventually(self._all_quiet, seconds=seconds, every=0.3)
        stuck = await self._unfinished()
        double, lost = await self._count(superuser)
        return Outcome(double, lost, stuck, await self._faults_of_the_book(superuser))

    async def recovery_p95(self) -> float:
        """Return how long the work that was under way at a disaster took to end, in seconds."""
        superuser = await self.superuser()
        rows = await superuser.fetch(_CREDITED, list(self.paid))
        ends = {row["id"]: row["recorded_at"].timestamp() for row in rows}
        waits = []
        for moment in self.moments:
            open_then = [
                ends[deposit_id] - moment
                for deposit_id, began in self.paid.items()
                if began <= moment < ends.get(deposit_id, 0.0)
            ]
            waits += [max(open_then)] if open_then else []
        return sorted(waits)[math.ceil(0.95 * len(waits)) - 1] if waits else 0.0

    async def superuser(self) -> asyncpg.Connection:
        """Return a fresh connection: one from before a stop of PostgreSQL is dead."""
        self.close()
        self._connection = await asyncpg.connect(self.wreck.database_url)
        await self._connection.execute("SET search_path = t_alpha")
        for desk in self.desks:
            desk.superuser = self._connection
        return self._connection

    def close(self) -> None:
        """End the connection to the database."""
        if self._connection is not None:
            self._connection.terminate()

    async def pay(self) -> None:
        """Pay once, however often it has to be tried."""
        desk, account_id = self.dice.choice(self._accounts)
        amount = f"{self.dice.randint(50, 500)}.{self.dice.randint(0, 99):02}"
        began = time.time()
        deposit_id = await self._insist(lambda: desk.begin(account_id, amount))
        await self._insist(lambda: desk.finish(deposit_id))
        self.paid[deposit_id] = began

    async def _transfer(self) -> None:
        """Move money between two accounts of a client, once, where there is enough."""
        desk, source = self.dice.choice(self._accounts)
        others = [one for owner, one in self._accounts if owner is desk and one != source]
        amount = Money.of(f"{self.dice.randint(10, 60)}.{self.dice.randint(0, 99):02}", "USD")
        wish = Wish(
            client_id=desk.client_id,
            key=uuid7().hex,
            amount=amount,
            target_currency="USD",
            source_account_id=source,
            target_account_id=self.dice.choice(others),
        )

        async def attempt() -> UUID:
            async with self.wreck.ports.database.tenant(ALPHA) as session:
                return (await transfers.start(session, wish)).id

        with suppress(InsufficientFunds):
            await self._insist(attempt)
            self.moved += 1

    async def _insist(self, attempt: Callable[[], Awaitable[UUID]]) -> UUID:
        """Try again while PostgreSQL is away, as a person would."""
        deadline = time.monotonic() + 40
        while True:
            try:
                return await attempt()
            except InsufficientFunds:
                raise
            except Exception:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def _disaster(self, what: str) -> None:
        """Let one part break, and be whole again a moment later."""
        wreck, dice = self.wreck, self.dice
        await asyncio.sleep(dice.uniform(0, 0.3))
        if what == "redis is flushed":
            await wreck.ports.redis.flushall()
        elif what == "postgresql stops":
            await wreck.stop_database()
            await wreck.start_database()
        elif what in ("the line is cut", "the line swallows"):
            wreck.wire.become("cut" if what == "the line is cut" else "blackhole")
            await asyncio.sleep(dice.uniform(0.2, 0.8))
            wreck.wire.become("open")
        elif what == "answers are lost":
            wreck.wire.become("no_replies")
            await asyncio.sleep(dice.uniform(0.2, 0.8))
            wreck.wire.become("open")
        elif what == "requests come late":
            self._fault({"late_apply_ms": dice.randint(100, 1200), "times": 2})
        elif what == "requests are lost":
            self._fault({"drop_request": 2})

    def _fault(self, rule: dict[str, Any]) -> None:
        rule = {"command": "trade/balance", **rule}
        self.wreck.mt5.operator("POST", "/_simulator/faults", rule)

    def _arm(self, slot: str, cycle: int) -> None:
        """Start a process that is to die where fewest have died so far."""
        names = FAILPOINTS[slot]
        taken = {name for name, _ in self._armed.values()}
        fewest = min(names, key=lambda name: (self.hits[name], name in taken, self.dice.random()))
        passes = self.dice.randint(1, names[fewest])
        skew = 0 if slot == "web1" else self.dice.choice(SKEWS)
        self.wreck.begin(slot, failpoint=f"{fewest}:{passes}", skew_seconds=skew)
        self._armed[slot] = (fewest, cycle)

    async def _deaths(self, cycle: int) -> None:
        """Wait for a death for a moment, else cause one; whoever died is started again."""

        async def somebody_died() -> bool:
            return any(not self.wreck.is_alive(slot) for slot in FAILPOINTS)

        if not await eventually(somebody_died, seconds=0.5, every=0.02):
            # Who waits for long at a place where nobody comes by goes first.
            oldest = min(self._armed, key=lambda slot: (self._armed[slot][1], self.dice.random()))
            slot = self.dice.choice([oldest, *("worker1", "worker2") * 4, *FAILPOINTS])
            self.wreck.end(slot)
            self.kills += 1
            self._armed[slot] = ("", cycle)
        self._revive(cycle)

    def _revive(self, cycle: int) -> None:
        """Start whoever is dead again, to die elsewhere."""
        for slot in FAILPOINTS:
            if not self.wreck.is_alive(slot):
                self.wreck.end(slot)
                name, _ = self._armed[slot]
                if name:
                    self.hits[name] += 1
                    self.kills += 1
                self.moments.append(time.time())
                self._arm(slot, cycle)

    async def _unfinished(self) -> list[str]:
        try:
            rows = await self.desks[0].superuser.fetch(_UNFINISHED, list(self.paid))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return [type(error).__name__]
        return sorted(row[0] for row in rows)

    async def _few_under_way(self, cycle: int) -> bool:
        """Say whether the clients would pay on: with many payments on their way they wait.

        Whoever dies meanwhile is started again.
        """
        self._revive(cycle)
        superuser = await self.superuser()
        count = await superuser.fetchval(
            "SELECT count(*) FROM deposit WHERE state <> 'credited' AND id = ANY ($1::uuid[])",
            list(self.paid),
        )
        return bool(count <= _PATIENCE)

    async def _all_quiet(self) -> bool:
        return not await self._unfinished()

    async def _count(self, superuser: asyncpg.Connection) -> tuple[int, int]:
        """Compare every booking that was meant with the trading server's own records."""
        rows = await superuser.fetch(
            "SELECT kind, state, amount, token, reference FROM platform_operation"
            " WHERE kind <> 'open_account'"
        )
        double = lost = 0
        for row in rows:
            amounts = [
                Decimal(one) for one in self.wreck.mt5.records(comment=row["token"])["amounts"]
            ]
            signed = -row["amount"] if row["kind"] == "withdrawal" else row["amount"]
            double += len(amounts) > 1
            lost += amounts[:1] != ([signed] if row["state"] == "done" else [])
        asked = Counter(row["reference"] for row in rows)
        paid = await superuser.fetch(
            "SELECT reference FROM deposit WHERE id = ANY ($1::uuid[])", list(self.paid)
        )
        counts = [asked[row["reference"]] for row in paid]
        return double + sum(n > 1 for n in counts), lost + len(self.paid) - sum(map(bool, counts))

    async def _faults_of_the_book(self, superuser: asyncpg.Connection) -> list[str]:
        """Compare the book with the server account by account, with what was paid, and itself."""
        found, total = [], Decimal(0)
        for row in await superuser.fetch("SELECT id, login, server_id FROM trading_account"):
            connection = await self.wreck.ports.trading.get(row["server_id"])
            [state] = await connection.account_states(logins=[row["login"]])
            async with self.wreck.ports.database.tenant_read(ALPHA) as session:
                book = await ledger_queries.balance(
                    session,
                    code="liability.trading_account",
                    currency="USD",
                    owner=("account", row["id"]),
                )
            total += state.balance
            if state.balance != book.amount:
                found.append(f"login {row['login']}: server {state.balance}, book {book.amount}")
        paid = await superuser.fetchval(
            "SELECT coalesce(sum(amount), 0) FROM deposit WHERE id = ANY ($1::uuid[])",
            list(self.paid),
        )
        in_wallets = -await superuser.fetchval(
            "SELECT coalesce(sum(amount), 0) FROM balance WHERE code = 'liability.client_wallet'"
        )
        if total + in_wallets != paid:
            found.append(f"paid {paid}, on accounts {total}, in wallets {in_wallets}")
        async with self.wreck.ports.database.tenant_read(ALPHA) as session:
            verification = await verify(session)
        return found if verification.ok else [*found, str(verification.lines)]
