"""The rows of operations in the place of PostgreSQL: transactions, row locks, SKIP LOCKED and the
partial unique index on what is in flight, as far as the protocol uses them.

It answers what `trading.queries` and the two statements of `claims` and `outcomes` ask; that it
answers as PostgreSQL does is shown by tests/trading/test_simulation.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from kernel.actor import TenantRef
from tests.trading.simulation.clock import VirtualLoop
from trading import claims, outcomes

Row = dict[str, Any]
IN_FLIGHT = ("sending", "unknown")
_NONE = ("attempted_at", "lease_until", "missed_at", "external_ticket", "finished_at")
_NEW: Row = {**dict.fromkeys(_NONE), "state": "ready", "attempt": 0, "searches": 0, "error": ""}


class Chances(Protocol):
    """Where a statement may be held up, fail, or be the last one of its process."""

    async def statement(self) -> None:
        """Let a statement take its time, fail or end the process."""

    async def before_commit(self) -> None:
        """Let a commit fail before it is one."""

    async def after_commit(self) -> None:
        """Lose the answer of a commit, or the process right after it."""


class Certainty:
    """Nothing is held up and nothing fails."""

    async def statement(self) -> None:
        """Take no time."""

    async def before_commit(self) -> None:
        """Take no time."""

    async def after_commit(self) -> None:
        """Take no time."""


class Store:
    """What is committed, and who holds a lock; `naive_claims` reads and then writes, unlocked."""

    def __init__(self, loop: VirtualLoop, *, naive_claims: bool = False) -> None:
        """Begin with no rows."""
        self.loop = loop
        self.naive_claims = naive_claims
        self.rows: dict[UUID, Row] = {}
        self.locks: dict[UUID, Session] = {}
        self.keys: dict[tuple[UUID, int], Session] = {}
        self.done: Counter[UUID] = Counter()
        self.rung: list[UUID] = []
        self.bell = asyncio.Event()

    def busy(self, row: Row) -> bool:
        """Say whether another committed operation of the row's login is in flight."""
        return any(
            other["login"] == row["login"]
            and other["server_id"] == row["server_id"]
            and other["state"] in IN_FLIGHT
            and other["id"] != row["id"]
            for other in self.rows.values()
        )


class FakeDatabase:
    """What a process of the product holds instead of its database."""

    def __init__(self, store: Store, chances: Chances) -> None:
        """Take the rows, and what may happen to this process's statements."""
        self._store = store
        self._chances = chances

    @asynccontextmanager
    async def tenant(self, tenant: TenantRef) -> AsyncIterator[Session]:
        """Open a transaction; commit at the end, forget it on any error."""
        await self._chances.statement()
        session = Session(self._store, self._chances, tenant)
        try:
            yield session
            await self._chances.before_commit()
            session.commit()
            await self._chances.after_commit()
        finally:
            session.release()

    tenant_read = tenant


class Session:
    """One transaction: `info` is what the product's journals write into."""

    def __init__(self, store: Store, chances: Chances, tenant: TenantRef) -> None:
        """Begin now."""
        self.info: dict[str, Any] = {"tenant": tenant}
        self.store = store
        self.chances = chances
        self.began = store.loop.moment()
        self._mine: dict[UUID, SimpleNamespace] = {}

    async def locked(self, operation_id: UUID) -> SimpleNamespace | None:
        """Return a row as an object, locked; wait for whoever holds it."""
        store = self.store
        while store.locks.get(operation_id, self) is not self:
            await asyncio.sleep(0.05)
        return self.taken(operation_id)

    def taken(self, operation_id: UUID) -> SimpleNamespace | None:
        """Return a row as an object of this transaction, which locks it."""
        row = self.store.rows.get(operation_id)
        if row is None:
            return None
        if operation_id not in self._mine:
            if not self.store.naive_claims:
                self.store.locks[operation_id] = self
            self._mine[operation_id] = SimpleNamespace(**row)
        return self._mine[operation_id]

    def seen(self) -> list[Row]:
        """Return all rows as this transaction sees them, by id."""
        rows = self.store.rows
        mine = {operation_id: vars(one) for operation_id, one in self._mine.items()}
        return [mine.get(operation_id, rows[operation_id]) for operation_id in sorted(rows)]

    async def fetch(self, sql: str, *arguments: Any) -> list[Row]:
        """Answer one of the two hot statements."""
        await self.chances.statement()
        if sql == claims._TAKE:
            return await self._take(*arguments)
        assert sql == outcomes._BOOKED
        return await self._booked(*arguments)

    async def _take(self, ids: Sequence[str], lease: float) -> list[Row]:
        store = self.store
        first: dict[tuple[UUID, int], UUID] = {}
        for operation_id in sorted(map(UUID, ids)):
            row = store.rows.get(operation_id)
            if row is None or row["state"] != "ready" or row["next_at"] > self.began:
                continue
            if store.locks.get(operation_id, self) is not self:
                continue
            self.taken(operation_id)
            if not store.busy(row):
                first.setdefault((row["server_id"], row["login"]), operation_id)
        if store.naive_claims:
            await asyncio.sleep(0.02)
        taken = []
        for key, operation_id in first.items():
            await self._enter(key, operation_id)
            one = self._mine[operation_id]
            moment = store.loop.moment()
            one.state, one.attempt, one.attempted_at = "sending", one.attempt + 1, moment
            one.lease_until = moment + timedelta(seconds=lease)
            one.searches, one.missed_at, one.error = 0, None, ""
            names = ("kind", "server_id", "account_id", "login", "amount", "currency", "token")
            row = {name: getattr(one, name) for name in (*names, "reference", "attempt")}
            taken.append({"operation_id": operation_id, **row, "attempted_at": moment})
        return sorted(taken, key=lambda row: row["operation_id"])

    async def _enter(self, key: tuple[UUID, int], operation_id: UUID) -> None:
        """Enter a login into the unique index; wait for who else is about to."""
        store = self.store
        if store.naive_claims:
            return
        while store.keys.get(key, self) is not self:
            await asyncio.sleep(0.05)
        if store.busy(store.rows[operation_id]):
            error = asyncpg.UniqueViolationError("two operations of one login in flight")
            error.constraint_name = claims._LOGIN_BUSY
            raise error
        store.keys[key] = self

    async def _booked(
        self, ids: Sequence[str], attempts: Sequence[str], tickets: Sequence[str]
    ) -> list[Row]:
        booked = []
        for given, attempt, ticket in sorted(zip(ids, attempts, tickets, strict=True)):
            one = await self.locked(UUID(given))
            if one is None or one.attempt != int(attempt) or one.state not in IN_FLIGHT:
                continue
            before, moment = one.state, self.store.loop.moment()
            one.state, one.external_ticket, one.lease_until = "done", int(ticket), None
            one.searches, one.error, one.next_at, one.finished_at = 0, "", moment, moment
            booked.append({**vars(one), "before": before})
        return booked

    def commit(self) -> None:
        """Write everything at once: new rows, changed rows, and what events say."""
        store = self.store
        for operation_id, one in self._mine.items():
            store.rows[operation_id] = dict(vars(one))
        for journal, lines in self.info.pop("journal", {}).items():
            for line in lines:
                if journal.table == "platform_operation":
                    row = {**_NEW, "next_at": self.began, **line}
                    store.rows[line["id"]] = {**row, "amount": Decimal(line["amount"])}
                elif journal.table == "outbox":
                    self._tell(line["topic"], UUID(line["payload"]["operation_id"]))

    def _tell(self, topic: str, operation_id: UUID) -> None:
        if topic == "trading.platform_operation_ready":
            self.store.rung.append(operation_id)
            self.store.bell.set()
        elif topic == "trading.cash_done":
            self.store.done[operation_id] += 1

    def release(self) -> None:
        """Let go of every lock."""
        store = self.store
        for operation_id in self._mine:
            if store.locks.get(operation_id) is self:
                del store.locks[operation_id]
        for key in [key for key, holder in store.keys.items() if holder is self]:
            del store.keys[key]


async def driver(session: Session) -> Session:
    """Stand in for the driver's connection: the transaction answers itself."""
    return session


def tagged(_session: Session, sql: str) -> str:
    """Leave a statement as it is."""
    return sql


async def locked_operation(session: Session, operation_id: UUID) -> SimpleNamespace | None:
    """Answer `queries.locked_operation`."""
    await session.chances.statement()
    return await session.locked(operation_id)


async def unknown_operation(session: Session, operation_id: UUID) -> SimpleNamespace | None:
    """Answer `queries.unknown_operation`."""
    await session.chances.statement()
    row = session.store.rows.get(operation_id)
    due = row and row["state"] == "unknown" and row["next_at"] <= session.began
    if not due or session.store.locks.get(operation_id, session) is not session:
        return None
    return session.taken(operation_id)


async def due_operations(session: Session, *, limit: int) -> list[tuple[UUID, str]]:
    """Answer `queries.due_operations`."""
    await session.chances.statement()
    rows = [row for row in session.store.rows.values() if is_due(session.store, row, session.began)]
    rows.sort(key=lambda row: (row["next_at"], row["id"]))
    return [(row["id"], row["state"]) for row in rows[:limit]]


def is_due(store: Store, row: Row, moment: datetime) -> bool:
    """Say whether an operation needs attention at a moment."""
    if row["state"] == "sending":
        return bool(row["lease_until"] < moment)
    if row["state"] == "unknown":
        return bool(row["next_at"] <= moment)
    return row["state"] == "ready" and row["next_at"] <= moment and not store.busy(row)


async def next_ready(session: Session, *, server_id: UUID, logins: Sequence[int]) -> list[UUID]:
    """Answer `queries.next_ready`."""
    await session.chances.statement()
    first: dict[int, UUID] = {}
    for row in session.seen():
        if (
            row["server_id"] == server_id
            and row["login"] in logins
            and row["state"] == "ready"
            and row["next_at"] <= session.began
        ):
            first.setdefault(row["login"], row["id"])
    return [first[login] for login in sorted(first)]


async def database_time(session: Session) -> datetime:
    """Answer `queries.database_time`."""
    return session.store.loop.moment()


async def account(_session: Session, _account_id: UUID) -> None:
    """Answer `queries.account`: only openings look at it."""
    return
