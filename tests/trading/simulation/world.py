"""Processes that request, send, search and die, on the product's own protocol component.

`operations.execute` and `operations.reconcile` run as they are, with everything below them but
PostgreSQL, the network and the clock. Chance comes from a seed, and a seed plays the same twice.
"""

from __future__ import annotations

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from connectors.trading.port import Unreachable
from kernel.money import Money
from tests.fixtures.database import ALPHA
from tests.trading.simulation import store as fake
from tests.trading.simulation.clock import VirtualLoop
from tests.trading.simulation.server import Line, Server
from tests.trading.simulation.store import FakeDatabase, Store
from trading import calls, claims, dispatches, operations, outcomes, queries, rules
from trading.operations import CashRequest
from trading.rules import Windows

QUIET = 90.0
OPERATIONS = 8
WORKERS, SCHEDULERS = 3, 2
_SERVERS = (UUID(int=1), UUID(int=2))
# Each login with its server: the operations of one go one after the other.
_LOGINS = ((7, _SERVERS[0]), (8, _SERVERS[0]), (9, _SERVERS[0]), (7, _SERVERS[1]))
_HOLDER: ContextVar[Process] = ContextVar("holder")


class Killed(BaseException):
    """The process is gone, in the middle of what it did."""


@dataclass(frozen=True)
class Protections:
    """What keeps money from being doubled or lost; each can be taken away to see the damage."""

    windows: Windows | None = None
    skew_seconds: float = rules.SKEW_SECONDS
    true_clock: bool = True
    naive_claims: bool = False
    token_first: bool = True
    hours: float = 12.0


ALL = Protections()


@dataclass
class Damage:
    """Operations booked or told twice; ended without their booking or against it; never ended."""

    double: int = 0
    lost: int = 0
    unfinished: int = 0
    kills: Counter[str] = field(default_factory=Counter, compare=False)
    seen: Counter[str] = field(default_factory=Counter, compare=False)

    def add(self, other: Damage) -> None:
        """Add what another seed did."""
        self.double += other.double
        self.lost += other.lost
        self.unfinished += other.unfinished
        self.kills += other.kills
        self.seen += other.seen


class Process:
    """A process of the product: its lines to the servers, its statements, and its death."""

    def __init__(self, world: World) -> None:
        """Start with a lifetime drawn by chance."""
        self.world = world
        self.dead = False
        self.database = FakeDatabase(world.store, self)
        self._tasks: set[asyncio.Task[None]] = set()
        true_clock = world.protections.true_clock
        self._lines = {
            key: Line(server, self, true_clock=true_clock) for key, server in world.servers.items()
        }
        world.loop.call_later(world.dice.expovariate(1 / 900), self.die, "at any moment")

    def die(self, where: str) -> None:
        """Stop everything of this process at once, wherever it is; another one follows."""
        if self.dead:
            return
        self.dead = True
        self.world.damage.kills[where] += 1
        for task in self._tasks:
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something in this process."""

        async def inside() -> None:
            _HOLDER.set(self)
            with suppress(Killed, asyncio.CancelledError):
                await work

        task = self.world.loop.create_task(inside())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def reach(self, name: str) -> None:
        """Die at a named failpoint of the product, now and then."""
        if self.dead or self.world.dice.random() < 0.02:
            self.die(name)
            raise Killed

    async def step(self) -> None:
        """Take a little time, be put to sleep, or die."""
        dice = self.world.dice
        fate = dice.random()
        if fate < 0.1:
            await asyncio.sleep(fate)
        elif fate < 0.105:
            await asyncio.sleep(dice.uniform(1, 25))
        if self.dead or fate > 0.997:
            self.die("at a step")
            raise Killed

    async def statement(self) -> None:
        """Let a statement take its time, fail or be the last."""
        await self.step()
        if self.world.dice.random() < 0.003:
            raise ConnectionResetError("the database went away")

    before_commit = statement

    async def after_commit(self) -> None:
        """Lose the answer of a commit, or the process with it."""
        fate = self.world.dice.random()
        if fate < 0.005:
            raise ConnectionResetError("nobody knows whether it was committed")
        if fate > 0.99:
            self.die("after a commit")
            raise Killed

    async def get(self, server_id: UUID) -> Line:
        """Return the line to a server, as the product's wiring does."""
        await self.step()
        if self.world.dice.random() < 0.03:
            raise Unreachable("no line")
        return self._lines[server_id]


class World:
    """One seed: two servers, four logins, several processes, and what they do to the money."""

    def __init__(self, loop: VirtualLoop, seed: int, protections: Protections) -> None:
        """Make the servers and nothing else yet."""
        self.loop = loop
        self.dice = random.Random(seed)
        self.protections = protections
        self.damage = Damage()
        self.store = Store(loop, naive_claims=protections.naive_claims)
        self.ending = False
        self.servers = {
            key: Server(
                loop, self.dice, {login: Decimal(1500) for login, of in _LOGINS if of == key}
            )
            for key in _SERVERS
        }
        self._workers: list[Process] = []
        self._serial = 0

    async def play(self) -> Damage:
        """Let everything happen, until all have ended or the hours are over; count the damage."""
        began = self.loop.time()
        kept = [self.loop.create_task(self._scheduler()) for _ in range(SCHEDULERS)]
        self._workers = [Process(self) for _ in range(WORKERS)]
        kept.append(self.loop.create_task(self._deliver()))
        for number in range(OPERATIONS):
            await asyncio.sleep(self.dice.uniform(0, 20))
            await self._request(number)
        end = began + 3600 * self.protections.hours
        while self.loop.time() < end and not self._all_ended():
            await asyncio.sleep(10)
        # What a gateway still holds is counted as well.
        await asyncio.sleep(2 * QUIET)
        self.ending = True
        for process in self._workers:
            process.die("at the end")
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)
        self._count()
        return self.damage

    def unique(self) -> UUID:
        """Return the next id of this seed."""
        self._serial += 1
        return UUID(int=self._serial)

    def token(self) -> str:
        """Return a token like the product's, from the seed."""
        return "x" + base64.b32encode(self.dice.randbytes(10)).decode().lower()

    async def _request(self, number: int) -> None:
        """Ask for money in or out; some ask for more than there is."""
        account_id = UUID(int=100 + self.dice.randrange(len(_LOGINS)))
        kind = "withdrawal" if number % 2 else "deposit"
        amount = Decimal(100 + number) + (9000 if self.dice.random() < 0.1 else 0)
        request = CashRequest(
            account_id=account_id,
            kind=kind,
            amount=Money(amount, "USD"),
            reference=f"REF-{number:08}",
        )
        database = FakeDatabase(self.store, fake.Certainty())
        async with database.tenant(ALPHA) as session:
            await operations.request_cash(session, request)  # type: ignore[arg-type]

    async def _deliver(self) -> None:
        """Ring workers for what is ready: soon, sometimes twice, sometimes never."""
        while True:
            await self.store.bell.wait()
            await asyncio.sleep(self.dice.uniform(0.05, 0.5))
            self.store.bell.clear()
            rung, self.store.rung = self.store.rung, []
            for place in self.dice.sample(range(WORKERS), self.dice.choice((0, 1, 1, 1, 2, 3))):
                if self._workers[place].dead:
                    self._workers[place] = Process(self)
                self._workers[place].spawn(self._send(self._workers[place], rung))

    async def _send(self, process: Process, rung: list[UUID]) -> None:
        with suppress(ConnectionResetError):
            await operations.execute(
                process.database,  # type: ignore[arg-type]
                ALPHA,
                operation_ids=rung,
                connections=process,  # type: ignore[arg-type]
                vault=None,  # type: ignore[arg-type]
                quiet_seconds=QUIET,
            )

    async def _scheduler(self) -> None:
        """Look after what is due, again and again, in one process after the other."""
        process = Process(self)
        while not self.ending:
            await asyncio.sleep(self._until_due() + self.dice.uniform(0.1, 25))
            if process.dead:
                process = Process(self)
            await asyncio.wait([process.spawn(self._look_after(process))])
        process.die("at the end")

    async def _look_after(self, process: Process) -> None:
        with suppress(ConnectionResetError):
            await operations.reconcile(
                process.database,  # type: ignore[arg-type]
                ALPHA,
                connections=process,  # type: ignore[arg-type]
                vault=None,  # type: ignore[arg-type]
                quiet_seconds=QUIET,
            )

    def _until_due(self) -> float:
        """Return the seconds until something has to be looked after, ten at most."""
        now = self.loop.moment()
        waits = [
            ((row["lease_until"] if row["state"] == "sending" else row["next_at"]) - now)
            for row in self.store.rows.values()
            if row["state"] in fake.IN_FLIGHT
            or (row["state"] == "ready" and not self.store.busy(row))
        ]
        return max(0.0, min((wait.total_seconds() for wait in waits), default=10.0))

    def _all_ended(self) -> bool:
        return all(row["state"] in ("done", "failed", "frozen") for row in self.store.rows.values())

    def _count(self) -> None:
        """Compare the rows with what the servers themselves have booked."""
        damage = self.damage
        for row in self.store.rows.values():
            state, told = row["state"], self.store.done[row["id"]]
            signed = -row["amount"] if row["kind"] == "withdrawal" else row["amount"]
            booked = self.servers[row["server_id"]].booked(row["login"], signed)
            damage.double += booked > 1 or told > 1
            damage.lost += (state == "done") != (booked > 0) and state in ("done", "failed")
            damage.lost += state == "done" and told == 0
            damage.unfinished += state not in ("done", "failed")
            damage.seen.update((state, row["kind"], f"attempt {min(row['attempt'], 3)}"))


def simulate(loop: VirtualLoop, seed: int, protections: Protections = ALL) -> Damage:
    """Play one seed to its end; `installed` must be in force."""
    world = World(loop, seed, protections)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "comment_token", world.token)
        patch.setattr(operations, "uuid7", world.unique)
        return loop.run_until_complete(world.play())


@contextmanager
def installed(loop: VirtualLoop, protections: Protections = ALL) -> Iterator[None]:
    """Put the rows, the clock and the deaths in the place of what the product has."""
    silent = SimpleNamespace(info=_nothing, warning=_nothing, error=_nothing, exception=_nothing)
    clock = SimpleNamespace(monotonic=loop.time)
    answered = {
        "locked_accounts": _accounts,
        **{
            name: getattr(fake, name)
            for name in (
                *("locked_operation", "unknown_operation", "due_operations", "next_ready"),
                *("database_time", "account"),
            )
        },
    }
    hot = {"driver": fake.driver, "tagged": fake.tagged}
    with pytest.MonkeyPatch.context() as patch:
        for module, changes in (
            (queries, answered),
            (claims, {**hot, "reach": _reach, "time": clock}),
            (outcomes, hot),
            (operations, {"reach": _reach, "time": clock, "_LOG": silent}),
            (dispatches, {"reach": _reach, "_LOG": silent}),
            (calls, {"reach": _reach, "_LOG": silent, "SKEW_SECONDS": protections.skew_seconds}),
        ):
            for name, value in changes.items():
                patch.setattr(module, name, value)
        if protections.windows is not None:
            given = protections.windows
            patch.setattr(rules, "windows", lambda _quiet: given)
        if not protections.token_first:
            patch.setattr(rules, "comment", _token_last)
        yield


def _token_last(token: str, reference: str) -> str:
    return f"{reference:<31}{token}"


def _nothing(*_arguments: object, **_fields: object) -> None:
    return


def _reach(name: str) -> None:
    holder = _HOLDER.get(None)
    if holder is not None:
        holder.reach(name)


async def _accounts(_session: object, account_ids: set[UUID]) -> dict[UUID, SimpleNamespace]:
    found = {}
    for account_id in account_ids:
        login, server_id = _LOGINS[account_id.int - 100]
        found[account_id] = SimpleNamespace(
            id=account_id, state="open", login=login, server_id=server_id, currency="USD"
        )
    return found
