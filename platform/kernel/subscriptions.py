"""Who cares about which event: filled by entrypoints/wiring.py, read by relay and worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.events import Event

Lane = Literal["money", "default", "mail"]
# A handler in a transaction of its own, which is committed with the delivery's row.
Handler = Callable[[TenantSession, Any], Awaitable[None]]
# A job that opens its own transactions and may call the network; it must bear repetition.
Job = Callable[[Database, TenantRef, Any], Awaitable[None]]
BatchHandler = Callable[[TenantSession, Sequence[Any]], Awaitable[None]]
BatchJob = Callable[[Database, TenantRef, Sequence[Any]], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """One subscriber of one kind of event: how many it takes at once, and how many such batches."""

    event: type[Event]
    name: str
    lane: Lane
    size: int = 1
    abreast: int = 1
    handler: BatchHandler | None = None
    job: BatchJob | None = None


class Subscriptions:
    """All subscriptions of the product."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_topic: dict[str, list[Subscription]] = {}
        self._by_name: dict[tuple[str, str], Subscription] = {}
        self._closing: list[Callable[[], Awaitable[None]]] = []

    def at_close(self, close: Callable[[], Awaitable[None]]) -> None:
        """Remember what a subscriber holds and gives back when its process stops."""
        self._closing.append(close)

    async def close(self) -> None:
        """Give back what the subscribers hold; nothing is handed to them afterwards."""
        for close in reversed(self._closing):
            await close()

    def on(
        self, event: type[Event], name: str, handler: Handler, *, lane: Lane = "default"
    ) -> None:
        """Subscribe a handler that runs in its own transaction."""

        async def each(session: TenantSession, events: Sequence[Any]) -> None:
            for one in events:
                await handler(session, one)

        self._add(Subscription(event, name, lane, handler=each))

    def job(self, event: type[Event], name: str, job: Job, *, lane: Lane = "default") -> None:
        """Subscribe a job that manages its own transactions."""

        async def each(database: Database, tenant: TenantRef, events: Sequence[Any]) -> None:
            for one in events:
                await job(database, tenant, one)

        self._add(Subscription(event, name, lane, job=each))

    def on_batch(
        self,
        event: type[Event],
        name: str,
        handler: BatchHandler,
        *,
        size: int,
        lane: Lane = "default",
    ) -> None:
        """Subscribe a handler that takes up to `size` events in one transaction.

        Where it fails for all of them, it is called again for each alone.
        """
        self._add(Subscription(event, name, lane, size, handler=handler))

    def job_batch(
        self,
        event: type[Event],
        name: str,
        job: BatchJob,
        *,
        size: int,
        abreast: int = 1,
        lane: Lane = "default",
    ) -> None:
        """Subscribe a job that takes up to `size` events, and each alone where it fails.

        A worker runs so many batches of a brokerage abreast; what comes meanwhile gathers.
        """
        self._add(Subscription(event, name, lane, size, abreast, job=job))

    def of(self, topic: str) -> list[Subscription]:
        """Return the subscribers of a topic."""
        return self._by_topic.get(topic, [])

    def named(self, topic: str, name: str) -> Subscription | None:
        """Return one subscriber of a topic."""
        return self._by_name.get((topic, name))

    def topics(self, lane: Lane) -> list[str]:
        """Return the topics with a subscriber on a lane."""
        return [
            topic
            for topic, found in self._by_topic.items()
            if any(one.lane == lane for one in found)
        ]

    def kept_topics(self) -> frozenset[str]:
        """Return the topics that only batches of money subscribe to."""
        return frozenset(
            topic
            for topic, found in self._by_topic.items()
            if all(one.lane == "money" and one.size > 1 for one in found)
        )

    def _add(self, subscription: Subscription) -> None:
        key = (subscription.event.topic, subscription.name)
        if not subscription.event.topic or key in self._by_name:
            msg = f"{subscription.name} is already subscribed, or its event has no topic"
            raise ValueError(msg)
        self._by_name[key] = subscription
        self._by_topic.setdefault(subscription.event.topic, []).append(subscription)
