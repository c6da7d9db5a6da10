"""Claiming, handling and finishing events of a tenant's outbox. Hot path.

The relay claims waiting rows under a lease and rings dramatiq; the worker handles each
(event, subscriber) pair at most once, by a row written in the handler's own transaction.
A lost message, a flushed Redis or a killed worker costs the lease's time, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession, driver, tagged
from kernel.failpoints import reach
from kernel.log import logger
from kernel.subscriptions import Subscription, Subscriptions

_LOG = logger(__name__)
LEASE_SECONDS = 20
BATCH = 200

_CLAIM = """
UPDATE outbox SET lease_until = clock_timestamp() + make_interval(secs => $1),
                  attempts = attempts + 1
WHERE id IN (SELECT id FROM outbox
             WHERE done_at IS NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
             ORDER BY recorded_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, topic, attempts
"""
_NEXT_DUE = "SELECT min(coalesce(lease_until, recorded_at)) FROM outbox WHERE done_at IS NULL"
_START = """
INSERT INTO outbox_delivery (event_id, subscriber, attempts) VALUES ($1, $2, 1)
ON CONFLICT (event_id, subscriber) DO UPDATE SET attempts = outbox_delivery.attempts + 1
RETURNING done_at
"""
_LOAD = "SELECT payload::text FROM outbox WHERE id = $1"
_DELIVERED = """
UPDATE outbox_delivery SET done_at = now(), error = '' WHERE event_id = $1 AND subscriber = $2
"""
_LOCK = "SELECT done_at FROM outbox WHERE id = $1 FOR UPDATE"
_FINISH = """
UPDATE outbox SET done_at = now()
WHERE id = $1 AND done_at IS NULL
  AND (SELECT count(*) FROM outbox_delivery d WHERE d.event_id = $1 AND d.done_at IS NOT NULL) >= $2
"""
_FAILED = """
INSERT INTO outbox_delivery (event_id, subscriber, attempts, error) VALUES ($1, $2, 1, $3)
ON CONFLICT (event_id, subscriber)
DO UPDATE SET attempts = outbox_delivery.attempts + 1, error = excluded.error
RETURNING attempts
"""
_BACK_OFF = """
UPDATE outbox SET lease_until = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND done_at IS NULL
"""


@dataclass(frozen=True)
class Claimed:
    """An event that the relay has leased."""

    event_id: UUID
    topic: str
    attempts: int


async def claim(
    database: Database, tenant: TenantRef, subscriptions: Subscriptions
) -> Sequence[Claimed]:
    """Lease the waiting events of a tenant; those nobody cares about are finished at once."""
    async with database.tenant(tenant) as session:
        raw = await driver(session)
        rows = await raw.fetch(tagged(session, _CLAIM), float(LEASE_SECONDS), BATCH)
        claimed = [Claimed(row["id"], row["topic"], row["attempts"]) for row in rows]
        for event in claimed:
            if not subscriptions.of(event.topic):
                await raw.execute(tagged(session, _FINISH), event.event_id, 0)
    return [event for event in claimed if subscriptions.of(event.topic)]


async def next_due(database: Database, tenant: TenantRef) -> datetime | None:
    """Return when the tenant's next unfinished event should be looked at again."""
    async with database.tenant_read(tenant) as session:
        due: datetime | None = await (await driver(session)).fetchval(tagged(session, _NEXT_DUE))
        return due


async def handle(
    database: Database,
    tenant: TenantRef,
    subscription: Subscription,
    event_id: UUID,
    *,
    subscribers: int,
) -> None:
    """Hand one event to one subscriber, once; a failure is written down and raised again."""
    try:
        if subscription.handler is not None:
            await _in_transaction(database, tenant, subscription, event_id, subscribers)
        else:
            await _as_job(database, tenant, subscription, event_id, subscribers)
    except Exception as error:
        await _note_failure(database, tenant, subscription, event_id, error)
        raise


async def _in_transaction(
    database: Database, tenant: TenantRef, subscription: Subscription, event_id: UUID, total: int
) -> None:
    async with database.tenant(tenant) as session:
        raw = await driver(session)
        done = await raw.fetchval(tagged(session, _START), event_id, subscription.name)
        if done is None:
            event = await _event(session, subscription, event_id)
            assert subscription.handler is not None
            await subscription.handler(session, event)
            await session.flush()
            await raw.execute(tagged(session, _DELIVERED), event_id, subscription.name)
        await _finish(session, event_id, total)
        reach("outbox.before_delivery_commit")


async def _as_job(
    database: Database, tenant: TenantRef, subscription: Subscription, event_id: UUID, total: int
) -> None:
    async with database.tenant(tenant) as session:
        raw = await driver(session)
        done = await raw.fetchval(tagged(session, _START), event_id, subscription.name)
        event = await _event(session, subscription, event_id)
    if done is None:
        assert subscription.job is not None
        await subscription.job(database, tenant, event)
    async with database.tenant(tenant) as session:
        raw = await driver(session)
        await raw.execute(tagged(session, _DELIVERED), event_id, subscription.name)
        await _finish(session, event_id, total)


async def _event(session: TenantSession, subscription: Subscription, event_id: UUID) -> object:
    text = await (await driver(session)).fetchval(tagged(session, _LOAD), event_id)
    return subscription.event.from_payload(msgspec.json.decode(text))


async def _finish(session: TenantSession, event_id: UUID, total: int) -> None:
    raw = await driver(session)
    # The lock makes two last subscribers see each other's delivery.
    await raw.fetchval(tagged(session, _LOCK), event_id)
    await raw.execute(tagged(session, _FINISH), event_id, total)


async def _note_failure(
    database: Database,
    tenant: TenantRef,
    subscription: Subscription,
    event_id: UUID,
    error: Exception,
) -> None:
    name = type(error).__name__
    async with database.tenant(tenant) as session:
        raw = await driver(session)
        attempts = await raw.fetchval(tagged(session, _FAILED), event_id, subscription.name, name)
        wait = float(min(300, 2 ** min(attempts, 9)))
        await raw.execute(tagged(session, _BACK_OFF), event_id, wait)
    _LOG.warning(
        "a subscriber failed",
        subscriber=subscription.name,
        topic=subscription.event.topic,
        attempt=attempts,
        error=name,
    )
