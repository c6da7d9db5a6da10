"""Drains outboxes: dirty tenants at once, leased ones when due, all of them now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import redis.asyncio
from redis.exceptions import RedisError

from kernel import outbox
from kernel.actor import TenantRef
from kernel.database import Database, Doorbell
from kernel.keys import shared_key
from kernel.log import logger
from kernel.subscriptions import Lane, Subscriptions

_LOG = logger(__name__)
_BELL = shared_key("outbox", "bell")
SWEEP_SECONDS = 60
# (lane, tenant, event id, topic, subscriber)
Send = Callable[[Lane, TenantRef, UUID, str, str], Awaitable[None]]
Tenants = Callable[[], Awaitable[list[TenantRef]]]


def doorbell(client: redis.asyncio.Redis) -> Doorbell:
    """Return what a session calls to say that a tenant's outbox has news.

    Redis being down must not fail a commit: the sweep finds what the bell did not say.
    """

    async def ring(channel: str) -> None:
        try:
            await client.lpush(_BELL, channel)
            await client.ltrim(_BELL, 0, 10_000)
        except (RedisError, OSError):
            _LOG.warning("the doorbell is out of reach", reason="redis")

    return ring


class Relay:
    """One relay process's loop; several may run beside each other."""

    def __init__(
        self,
        database: Database,
        client: redis.asyncio.Redis,
        subscriptions: Subscriptions,
        *,
        tenants: Tenants,
        send: Send,
    ) -> None:
        """Take what the loop needs; nothing starts yet."""
        self._database = database
        self._redis = client
        self._subscriptions = subscriptions
        self._tenants = tenants
        self._send = send
        self._known: dict[str, TenantRef] = {}
        self._due: dict[str, float] = {}
        self._swept = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Loop until told to stop; an error is logged and the loop goes on."""
        while not stop.is_set():
            try:
                await self._turn()
            except Exception as error:  # noqa: BLE001 - the loop must outlive any failure
                _LOG.error("the relay met an error", error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _turn(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            await self._sweep()
        for channel in await self._rung():
            await self.drain(channel)
        now = time.monotonic()
        for channel in [name for name, due in self._due.items() if due <= now]:
            del self._due[channel]
            await self.drain(channel)

    async def _rung(self) -> set[str]:
        """Wait a moment for the bell, then take everything that has rung."""
        try:
            first = await self._redis.brpop([_BELL], timeout=0.5)
            if first is None:
                return set()
            rest = await self._redis.rpop(_BELL, 1000) or []
        except (RedisError, OSError):
            await asyncio.sleep(0.5)
            return set(self._known)
        return {value.decode() for value in (first[1], *rest)}

    async def _sweep(self) -> None:
        self._known = {str(tenant.id): tenant for tenant in await self._tenants()}
        self._swept = time.monotonic()
        for channel in self._known:
            await self.drain(channel)

    async def drain(self, channel: str) -> int:
        """Claim and send what waits in one tenant's outbox; return how many messages left."""
        tenant = self._known.get(channel)
        if tenant is None:
            self._known = {str(known.id): known for known in await self._tenants()}
            tenant = self._known.get(channel)
        if tenant is None:
            return 0
        sent = 0
        while True:
            events = await outbox.claim(self._database, tenant, self._subscriptions)
            for event in events:
                for subscription in self._subscriptions.of(event.topic):
                    await self._send(
                        subscription.lane, tenant, event.event_id, event.topic, subscription.name
                    )
                    sent += 1
            if len(events) < outbox.BATCH:
                break
        due = await outbox.next_due(self._database, tenant)
        if due is not None:
            wait = max(0.2, due.timestamp() - time.time())
            self._due[channel] = time.monotonic() + wait
        return sent
