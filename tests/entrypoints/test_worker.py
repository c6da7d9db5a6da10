"""A worker touches only messages that say for which brokerage they are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import dramatiq
import pytest
from dramatiq.asyncio import get_event_loop_thread
from sqlalchemy import select

from entrypoints import wiring
from entrypoints.relay import sender
from entrypoints.worker import Deliveries, declare
from kernel import outbox, tasks
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.events import Event, OutboxEvent, record
from kernel.ids import uuid7
from kernel.settings import Settings
from kernel.subscriptions import Subscriptions
from tenants.ports import Ports
from tests.fixtures.database import settings_for


@dataclass(frozen=True)
class Knocked(Event):
    """Somebody knocked."""

    topic: ClassVar[str] = "test.knocked"
    door: UUID


@dataclass(frozen=True)
class Answered(Event):
    """The door was opened."""

    topic: ClassVar[str] = "test.answered"
    door: UUID


class Lane:
    """A real broker with one real worker, and what the worker's subscriber heard."""

    def __init__(self, settings: Settings, tenant: TenantRef, database: Database) -> None:
        """Declare the actors of the worker process."""
        self.heard: list[UUID] = []
        self.known = Subscriptions()
        self.batches: list[list[UUID]] = []
        self.known.on(Knocked, "test.hear", self._hear, lane="money")
        self.known.on_batch(Answered, "test.answer", self._answer, size=50, lane="money")
        self.broker = tasks.make_broker(settings)
        self.ports = wiring.ports(settings, pool_size=4)
        self.deliveries = Deliveries(self.ports, self.known)
        self.ports.database.keep(self.deliveries)
        declare(self.broker, self.deliveries)
        self.worker = dramatiq.Worker(self.broker, worker_threads=2, worker_timeout=20)
        self._tenant = tenant
        self._database = database

    async def _hear(self, session: TenantSession, event: Knocked) -> None:
        self.heard.append(event.door)
        record(session, Answered(event.door))

    async def _answer(self, session: TenantSession, events: Sequence[Answered]) -> None:
        del session
        self.batches.append([event.door for event in events])

    def finish(self) -> None:
        """Wait for what the worker has kept for itself."""
        loop = get_event_loop_thread()
        assert loop is not None
        loop.run_coroutine(self.deliveries.finish())

    async def event(self) -> dict[str, Any]:
        """Record an event and return the message that the relay would send for it."""
        async with self._database.tenant(self._tenant) as session:
            record(session, Knocked(uuid7()))
        ([claimed], _) = await outbox.claim_money(self._database, self._tenant, self.known)
        return {
            "tenant_id": str(self._tenant.id),
            "generation": self._tenant.generation,
            "event_ids": [str(claimed.event_id)],
            "topic": claimed.topic,
            "subscriber": "test.hear",
        }

    def deliver(self, message: dict[str, Any]) -> int:
        """Put a message on the queue, let the worker work, and return how much it has heard."""
        self.broker.enqueue(
            dramatiq.Message(
                queue_name="money",
                actor_name="deliver_money",
                args=(),
                kwargs=message,
                options={},
            )
        )
        self.broker.join("money", timeout=15_000)
        self.worker.join()
        return len(self.heard)


@pytest.fixture
def valkey_settings(settings: Settings) -> Settings:
    """Settings on a Redis database that no other test worker uses."""
    number = int("0" + "".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", "")))) + 1
    address = urlunsplit(urlsplit(settings.redis_url)._replace(path=f"/{number % 16}"))
    return settings_for(settings.database_url, REDIS_URL=address)


@pytest.fixture
async def lane(
    valkey_settings: Settings, tenant: TenantRef, database: Database
) -> AsyncIterator[Lane]:
    """The worker, working."""
    made = Lane(valkey_settings, tenant, database)
    made.broker.flush_all()
    made.worker.start()
    yield made
    # What a handler recorded is still being handed over: its connection must come back first.
    made.finish()
    # The worker's connections belong to the loop in which dramatiq runs async actors.
    loop = get_event_loop_thread()
    assert loop is not None
    loop.run_coroutine(wiring.close(made.ports))
    made.worker.stop(timeout=10_000)
    made.broker.close()


async def test_a_message_with_its_tenant_is_handled(lane: Lane) -> None:
    """The message as the relay makes it reaches the subscriber."""
    assert lane.deliver(await lane.event()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": None},
        {"tenant_id": ""},
        {"generation": None},
        {"generation": "1"},
        {"generation": 2},
        {"generation": 0},
        {"tenant_id": "01900000-0000-7000-8000-0000000000ff"},
        {"tenant_id": "01900000-0000-7000-8000-000000000002"},
        {"tenant_id": "t_alpha"},
        {"subscriber": "test.other"},
        {"topic": "test.other"},
    ],
)
async def test_a_message_without_its_own_tenant_is_refused(
    lane: Lane, change: dict[str, Any]
) -> None:
    """No tenant, a foreign or unknown one, an older or newer schema: nothing is handled."""
    message = {**await lane.event(), **change}
    left_out = {name: value for name, value in message.items() if value is not None}

    assert lane.deliver(left_out) == 0
    # The same event with its true message is still there to be handled.
    assert lane.deliver({**message, **await _true(lane, message["event_ids"])}) == 1


async def _true(lane: Lane, event_ids: list[str]) -> dict[str, Any]:
    return {
        "tenant_id": str(lane._tenant.id),
        "generation": 1,
        "event_ids": event_ids,
        "topic": "test.knocked",
        "subscriber": "test.hear",
    }


@pytest.mark.parametrize(("state", "handled"), [("suspended", 1), ("archived", 0)])
async def test_a_suspended_brokerages_money_moves_and_an_archived_ones_does_not(
    lane: Lane, superuser: asyncpg.Connection, tenant: TenantRef, state: str, handled: int
) -> None:
    """Traders may always withdraw; what is archived is untouched."""
    message = await lane.event()
    await superuser.execute("UPDATE control.tenant SET state = $1 WHERE id = $2", state, tenant.id)
    try:
        assert lane.deliver(message) == handled
    finally:
        await superuser.execute(
            "UPDATE control.tenant SET state = 'active' WHERE id = $1", tenant.id
        )


async def test_the_relay_names_the_tenant_in_every_message(
    lane: Lane, tenant: TenantRef, database: Database
) -> None:
    """What leaves the relay is what the worker demands."""
    message = await lane.event()
    send = sender(lane.broker)
    [subscription] = lane.known.of("test.knocked")
    await send(subscription, tenant, [UUID(one) for one in message["event_ids"]])
    lane.broker.join("money", timeout=15_000)
    lane.worker.join()

    assert len(lane.heard) == 1


async def test_what_a_worker_records_itself_needs_no_relay(
    lane: Lane, superuser: asyncpg.Connection[Any]
) -> None:
    """It is handed over at once; until then its lease keeps every relay away."""
    message = await lane.event()
    assert lane.deliver(message) == 1
    lane.finish()

    assert lane.batches == [lane.heard]
    [row] = await superuser.fetch(
        "SELECT attempts, done_at, lease_until > recorded_at AS leased FROM t_alpha.outbox"
        " WHERE topic = 'test.answered'"
    )
    assert (row["attempts"], row["leased"], row["done_at"] is not None) == (1, True, True)


async def test_what_a_dead_worker_had_kept_comes_back_when_its_lease_ends(
    lane: Lane, tenant: TenantRef, database: Database, superuser: asyncpg.Connection[Any]
) -> None:
    """The relay finds the row as it finds any other."""
    async with lane.ports.database.tenant(tenant) as session:
        # A session whose process ends before it hands over: the keeper is not told.
        record(session, Answered(uuid7()))
        session.info["kept"] = []
    early = await outbox.claim_money(database, tenant, lane.known)
    await superuser.execute("UPDATE t_alpha.outbox SET lease_until = now() - interval '1 second'")
    late, _ = await outbox.claim_money(database, tenant, lane.known)

    assert early == ([], True)
    assert [event.topic for event in late] == ["test.answered"]


async def test_events_that_come_while_a_batch_runs_are_the_next_batch(
    tenant: TenantRef, ports: Ports
) -> None:
    """Many messages at once become few calls, and nothing is left out or repeated."""
    known = Subscriptions()
    calls: list[int] = []

    async def slow(session: TenantSession, events: Sequence[Knocked]) -> None:
        del session
        calls.append(len(events))
        await asyncio.sleep(0.05)

    known.on_batch(Knocked, "test.slow", slow, size=8)
    deliveries = Deliveries(ports, known)
    async with ports.database.tenant(tenant) as session:
        for _ in range(20):
            record(session, Knocked(uuid7()))
    claimed = await outbox.claim(ports.database, tenant, known)
    await asyncio.gather(
        *(
            deliveries.deliver(
                tenant_id=str(tenant.id),
                generation=tenant.generation,
                event_ids=[str(event.event_id)],
                topic=event.topic,
                subscriber="test.slow",
            )
            for event in claimed
        )
    )

    assert sum(calls) == 20
    assert max(calls) == 8
    assert len(calls) <= 5
    async with ports.database.tenant_read(tenant) as reading:
        left = await reading.scalars(select(OutboxEvent.id).where(OutboxEvent.done_at.is_(None)))
        assert list(left) == []
