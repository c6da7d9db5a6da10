"""The worker process: hands events to their subscribers, and runs what the scheduler asks for."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import dramatiq
import uvloop
from dramatiq.asyncio import get_event_loop_thread

from entrypoints import wiring
from entrypoints.subscriptions import subscriptions
from entrypoints.wordings import Wordings
from kernel import gate, memory, outbox, tasks
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.language import SOURCE, speaking
from kernel.log import bind, configure, logger
from kernel.subscriptions import Subscription, Subscriptions
from tenants import queries
from tenants.models import Tenant
from tenants.ports import Ports

_LOG = logger(__name__)
# Money never waits for a thread that sends a mail.
MONEY_THREADS = 4
OTHER_THREADS = 4
# How long consumers and threads sleep at most when nothing waits: the price of a deposit's hop,
# and, for the rest, of an idle machine.
MONEY_POLL_MILLISECONDS = 40
OTHER_POLL_MILLISECONDS = 250
# How long a tenant's row is believed: a deposit is several messages within a second.
_KEEP_SECONDS = 1.0
# A suspended brokerage's money still moves: traders may always withdraw.
_SERVED = frozenset({"provisioning", "trial", "active", "past_due", "suspended"})


class Deliveries:
    """Receives messages, checks whose they are and hands each event over."""

    def __init__(self, ports: Ports, known: Subscriptions) -> None:
        """Remember the ports of this process and who subscribes to what."""
        self._ports = ports
        self._known = known
        self._wordings = Wordings(ports.database)
        self._tenants: dict[str, tuple[float, Tenant | None]] = {}
        # What came while batches of the same subscriber were running; leases are its memory.
        self._gathered: dict[tuple[UUID, str], list[UUID]] = {}
        self._running: Counter[tuple[UUID, str]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(
        self,
        *,
        tenant_id: str,
        generation: int,
        event_ids: list[str],
        topic: str,
        subscriber: str,
    ) -> None:
        """Handle events for one subscriber; failures wait in the outbox, not in Redis."""
        tenant = await self._tenant(tenant_id, generation)
        subscription = self._known.named(topic, subscriber)
        if tenant is None or subscription is None:
            _LOG.error("a message was refused", topic=topic, subscriber=subscriber)
            return
        bind(tenant=tenant.slug)
        ids = [UUID(event_id) for event_id in event_ids]
        await self._gather(tenant, subscription, ids)

    @property
    def topics(self) -> frozenset[str]:
        """What this worker hands over itself when one of its own handlers records it."""
        return self._known.kept_topics()

    def keep(self, tenant: TenantRef, events: Sequence[tuple[UUID, str]]) -> None:
        """Hand over committed events; should the process die, their lease brings them back."""
        by_topic: dict[str, list[UUID]] = {}
        for event_id, topic in events:
            by_topic.setdefault(topic, []).append(event_id)
        for topic, ids in by_topic.items():
            for subscription in self._known.of(topic):
                task = asyncio.create_task(self._gather(tenant, subscription, ids))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for what was kept, and for what comes of it."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _gather(
        self, tenant: TenantRef, subscription: Subscription, ids: Sequence[UUID]
    ) -> None:
        """Hand events over, together with those that come while others of theirs are handled."""
        if subscription.size == 1:
            await self._handle(tenant, subscription, ids)
            return
        key = (tenant.id, subscription.name)
        gathered = self._gathered.setdefault(key, [])
        gathered += ids
        if self._running[key] >= subscription.abreast:
            # Beside the batches that run they would only wait for locks: they are the next.
            return
        self._running[key] += 1
        try:
            while gathered:
                some = gathered[: subscription.size]
                del gathered[: subscription.size]
                await self._handle(tenant, subscription, some)
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key], self._gathered[key]

    async def _handle(
        self, tenant: TenantRef, subscription: Subscription, event_ids: Sequence[UUID]
    ) -> None:
        subscribers = len(self._known.of(subscription.event.topic))
        try:
            own = await self._wordings.of(tenant)
            with speaking(SOURCE, own=own, plainly=True):
                await outbox.handle(
                    self._ports.database, tenant, subscription, event_ids, subscribers=subscribers
                )
        except Exception:  # noqa: BLE001 - written down and logged by the outbox, it comes again
            return

    async def _tenant(self, tenant_id: str, generation: int) -> TenantRef | None:
        kept = self._tenants.get(tenant_id)
        if kept is None or time.monotonic() - kept[0] > _KEEP_SECONDS:
            async with self._ports.database.control() as session:
                found = await queries.tenant_by_id(session, UUID(tenant_id))
            kept = self._tenants[tenant_id] = (time.monotonic(), found)
        tenant = kept[1]
        if tenant is None or tenant.generation != generation or tenant.state not in _SERVED:
            return None
        return queries.ref(tenant)


def declare(
    broker: dramatiq.Broker, deliveries: Deliveries
) -> dict[str, dramatiq.Actor[..., object]]:
    """Declare one delivering actor for each lane."""
    made = {}
    for lane in tasks.LANES:

        async def work(**message: object) -> None:
            await deliveries.deliver(**message)  # type: ignore[arg-type]

        made[lane] = tasks.actor(broker, lane, work, f"deliver_{lane}")
    return made


def main() -> None:
    """Work until told to stop; a stop lets the running handlers finish."""
    configure("worker")
    gate.wait()
    # dramatiq makes its own loop; this says of which kind.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    settings = kernel_settings.load()
    ports = wiring.ports(settings, pool_size=MONEY_THREADS + OTHER_THREADS + 2)
    broker = tasks.make_broker(settings)
    known = subscriptions(ports)
    deliveries = Deliveries(ports, known)
    ports.database.keep(deliveries)
    declare(broker, deliveries)
    workers = [
        dramatiq.Worker(broker, queues=queues, worker_threads=threads, worker_timeout=pause)
        for queues, threads, pause in (
            ({"money"}, MONEY_THREADS, MONEY_POLL_MILLISECONDS),
            (set(tasks.LANES) - {"money"}, OTHER_THREADS, OTHER_POLL_MILLISECONDS),
        )
    ]
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, stopped))
    broker.emit_after("process_boot")
    for worker in workers:
        worker.start()
    memory.settle()
    _say_ready()
    stopped.wait()
    money, others = workers
    money.stop(timeout=25_000)
    loop = get_event_loop_thread()
    if loop:
        loop.run_coroutine(deliveries.finish())
    others.stop(timeout=25_000)
    if loop:
        loop.run_coroutine(known.close())
    broker.close()


def _stop(stopped: threading.Event, _number: int, _frame: object) -> None:
    stopped.set()


def _say_ready() -> None:
    os.write(1, b"ready\n")


if __name__ == "__main__":
    main()
