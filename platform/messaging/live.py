"""The open windows of signed-in people: who is told at once that something waits. Hot path.

The table of notifications is the truth, Redis only rings: a message on the tenant's channel names
a person, and every window of theirs in this process looks into the table. After a lost connection
to Redis all windows look, so nothing that was rung meanwhile is missed. One connection serves a
whole process, however many windows are open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

import redis.asyncio
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from kernel.actor import TenantRef
from kernel.keys import redis_key, shared_key
from kernel.log import logger

_LOG = logger(__name__)
# Counted by the look-up of the session at every request, over the index of what is unread; a
# bell shows no more than 99+.
UNREAD = (
    "(SELECT count(*)::int FROM (SELECT FROM notification n"
    " WHERE n.user_id = u.id AND n.read_at IS NULL LIMIT 100) waiting)"
)
_AGAIN_SECONDS = 1.0


def channel(tenant: TenantRef) -> str:
    """Return the Redis channel on which a brokerage's windows are rung."""
    return redis_key(tenant, "live")


async def ring(client: redis.asyncio.Redis, tenant: TenantRef, people: Iterable[UUID]) -> None:
    """Make the windows of these people look; without Redis they look by themselves, later."""
    try:
        async with client.pipeline(transaction=False) as all_at_once:
            for user_id in sorted(set(people)):
                all_at_once.publish(channel(tenant), str(user_id))
            await all_at_once.execute()
    except (RedisError, OSError) as error:
        _LOG.warning("open windows were not rung", error=type(error).__name__)


class Windows:
    """The open windows of this process, each an event that is set when it should look."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Take the connection; nothing is heard before `listen` runs."""
        self._redis = client
        self._open: dict[str, dict[UUID, set[asyncio.Event]]] = {}
        self._moved = asyncio.Event()

    def count(self, tenant: TenantRef | None = None, user_id: UUID | None = None) -> int:
        """Return how many windows are open: all of them, or one person's."""
        if tenant is None or user_id is None:
            return sum(len(own) for people in self._open.values() for own in people.values())
        return len(self._open.get(channel(tenant), {}).get(user_id, ()))

    @contextmanager
    def opened(self, tenant: TenantRef, user_id: UUID) -> Iterator[asyncio.Event]:
        """Yield the event of one window; it is set at once when its channel is heard from."""
        name, bell = channel(tenant), asyncio.Event()
        people = self._open.setdefault(name, {})
        people.setdefault(user_id, set()).add(bell)
        self._moved.set()
        try:
            yield bell
        finally:
            people[user_id].discard(bell)
            if not people[user_id]:
                del people[user_id]
            if not people and self._open.get(name) is people:
                del self._open[name]
                self._moved.set()

    def wake(self) -> None:
        """Let every window of this process look."""
        for name in self._open:
            self._all_look(name)

    async def listen(self) -> None:
        """Hear the bells until cancelled; without Redis, wait for it and then let all look."""
        while True:
            try:
                async with self._redis.pubsub() as heard:
                    await self._hear(heard)
            except (RedisError, OSError):
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _hear(self, heard: PubSub) -> None:
        # A connection needs some channel before it can be listened to.
        await heard.subscribe(shared_key("live"))
        self._moved.set()
        over = asyncio.Event()
        following = asyncio.create_task(self._follow(heard, over))
        try:
            async for message in heard.listen():
                name = message["channel"].decode()
                if message["type"] == "subscribe":
                    self._all_look(name)
                elif message["type"] == "message":
                    self._one_looks(name, message["data"])
        finally:
            # A cancellation alone can be lost: the client of Redis waits with time limits, and
            # such a wait that is over at that moment swallows it (Python 3.11).
            over.set()
            self._moved.set()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self, heard: PubSub, over: asyncio.Event) -> None:
        """Listen to the channels of the brokerages that have windows open, and to no others."""
        followed: set[str] = set()
        while not over.is_set():
            await self._moved.wait()
            self._moved.clear()
            wanted = set(self._open)
            if new := wanted - followed:
                await heard.subscribe(*new)
            if left := followed - wanted:
                await heard.unsubscribe(*left)
            followed = wanted

    def _all_look(self, name: str) -> None:
        """Let every window of a channel look: it is heard from now on, and may have been deaf."""
        for bells in self._open.get(name, {}).values():
            for bell in bells:
                bell.set()

    def _one_looks(self, name: str, who: bytes) -> None:
        try:
            user_id = UUID(who.decode())
        except ValueError:
            return
        for bell in self._open.get(name, {}).get(user_id, ()):
            bell.set()
