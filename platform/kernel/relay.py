"""Drains outboxes: dirty tenants at once, leased ones when due, all of them now and then.

Events that move money leave first; the others of a brokerage wait until the workers are done
with those, but never long. Between two turns lies a short pause, in which a storm gathers into
batches.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from kernel import outbox
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.doorbell import AGAIN_SECONDS, RedisDoorbell
from kernel.failpoints import reach
from kernel.log import logger
from kernel.outbox import Claimed
from kernel.subscriptions import Subscription, Subscriptions

_LOG = logger(__name__)
SWEEP_SECONDS = 60
_WAIT_SECONDS = 0.5
_PAUSE_SECONDS = 0.02
# So often it is seen whether money still moves, and so long the rest waits for it at most.
_MOMENT_SECONDS = 0.05
_PATIENCE_SECONDS = 3.0
Send = Callable[[Subscription, TenantRef, Sequence[UUID]], Awaitable[None]]
Tenants = Callable[[], Awaitable[list[TenantRef]]]


class Relay:
    """One relay process's loop; several may run beside each other."""

    def __init__(
        self,
        database: Database,
        bell: RedisDoorbell,
        subscriptions: Subscriptions,
        *,
        tenants: Tenants,
        send: Send,
    ) -> None:
        """Take what the loop needs; nothing starts yet."""
        self._database = database
        self._bell = bell
        self._subscriptions = subscriptions
        self._tenants = tenants
        self._send = send
        self._known: dict[str, TenantRef] = {}
        self._due: dict[str, float] = {}
        # Since when a tenant's other events wait for its money.
        self._busy_since: dict[str, float] = {}
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
        rung = await self._rung()
        started = time.monotonic()
        due = {channel for channel, moment in self._due.items() if moment <= started}
        for channel in rung | due:
            self._due.pop(channel, None)
            await self.drain(channel)
        for channel in rung:
            # What was marked may be committed a little later.
            self._look_again(channel, AGAIN_SECONDS)
        await asyncio.sleep(max(0.0, started + _PAUSE_SECONDS - time.monotonic()))

    async def _rung(self) -> set[str]:
        """Wait a moment for the bell, or for what is due sooner."""
        first = min(self._due.values(), default=float("inf")) - time.monotonic()
        rung = await self._bell.heard(max(0.005, min(_WAIT_SECONDS, first)))
        if rung is not None:
            return rung
        await asyncio.sleep(_WAIT_SECONDS)
        return set(self._known)

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
            events, moving = await outbox.claim_money(self._database, tenant, self._subscriptions)
            sent += await self._pass_on(tenant, events)
            if len(events) < outbox.BATCH:
                break
        if moving and self._rest_may_wait(channel):
            self._look_again(channel, _MOMENT_SECONDS)
            return sent
        self._busy_since.pop(channel, None)
        while True:
            events = await outbox.claim(self._database, tenant, self._subscriptions)
            sent += await self._pass_on(tenant, events)
            if len(events) < outbox.BATCH:
                break
        due = await outbox.next_due(self._database, tenant)
        if due is not None:
            self._look_again(channel, max(0.2, due))
        return sent

    def _rest_may_wait(self, channel: str) -> bool:
        """Say whether the events beside the money can be left for a moment longer."""
        moment = time.monotonic()
        return moment - self._busy_since.setdefault(channel, moment) < _PATIENCE_SECONDS

    def _look_again(self, channel: str, seconds: float) -> None:
        moment = time.monotonic() + seconds
        self._due[channel] = min(moment, self._due.get(channel, moment))

    async def _pass_on(self, tenant: TenantRef, events: Sequence[Claimed]) -> int:
        sent = 0
        if events:
            reach("outbox.after_lease")
        by_topic: dict[str, list[UUID]] = {}
        for event in events:
            by_topic.setdefault(event.topic, []).append(event.event_id)
        for topic, ids in by_topic.items():
            for subscription in self._subscriptions.of(topic):
                for start in range(0, len(ids), subscription.size):
                    some = ids[start : start + subscription.size]
                    await self._send(subscription, tenant, some)
                    sent += 1
        return sent
