"""Claiming, handling and finishing events of a tenant's outbox. Hot path.

The relay claims waiting rows under a lease and rings dramatiq; the worker handles each
(event, subscriber) pair at most once, by what is written in the handler's own transaction.
Subscribers that can, take many events at once. A lost message, a flushed Redis or a killed
worker costs the lease's time, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kernel.actor import TenantRef
from kernel.database import Database, ReadSession, TenantSession, driver, tagged, write
from kernel.events import LEASE_SECONDS
from kernel.failpoints import reach
from kernel.log import logger
from kernel.subscriptions import Subscription, Subscriptions

_LOG = logger(__name__)
BATCH = 200
# How long an event waits at most before its failed subscriber is tried again, in seconds.
_WAIT_MAX = 300
_MONEY_WAIT_MAX = 16

_CLAIM = """
UPDATE outbox SET lease_until = clock_timestamp() + make_interval(secs => $1),
                  attempts = attempts + 1
WHERE id IN (SELECT id FROM outbox
             WHERE done_at IS NULL AND (lease_until IS NULL OR lease_until < clock_timestamp())
               AND (topic = ANY ($3::text[])) = $4
             ORDER BY recorded_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, topic, attempts
"""
# An event that has failed before does not count: it may wait for long.
_MONEY_MOVES = """
SELECT EXISTS (SELECT FROM outbox
               WHERE done_at IS NULL AND topic = ANY ($1::text[]) AND attempts < 2)
"""
_NEXT_DUE = """
SELECT extract(epoch FROM min(coalesce(lease_until, recorded_at)) - clock_timestamp())::float8
FROM outbox WHERE done_at IS NULL
"""
# Where a topic has one subscriber, the event's own row says whether it has been handled.
_TAKE_ALONE = """
SELECT payload::text FROM outbox
WHERE id = ANY ($1::text[]::uuid[]) AND done_at IS NULL ORDER BY recorded_at, id FOR UPDATE
"""
_WAITING_ALONE = _TAKE_ALONE.replace("FOR UPDATE", "")
_FINISH_ALONE = """
WITH failed_before AS (
  UPDATE outbox_delivery SET done_at = now(), error = ''
  WHERE event_id = ANY ($1::text[]::uuid[]) AND done_at IS NULL)
UPDATE outbox SET done_at = now() WHERE id = ANY ($1::text[]::uuid[]) AND done_at IS NULL
"""
# The row of a delivery is the lock: of two workers with the same event the second waits here.
_START = """
WITH started AS (
  INSERT INTO outbox_delivery (event_id, subscriber, attempts)
  SELECT id::uuid, $2, 1 FROM unnest($1::text[]) AS id ORDER BY 1
  ON CONFLICT (event_id, subscriber) DO UPDATE SET attempts = outbox_delivery.attempts + 1
  RETURNING event_id, done_at)
SELECT o.payload::text FROM started s JOIN outbox o ON o.id = s.event_id
WHERE s.done_at IS NULL ORDER BY o.recorded_at, o.id
"""
_WAITING = """
SELECT o.payload::text FROM outbox o
WHERE o.id = ANY ($1::text[]::uuid[]) AND NOT EXISTS (
  SELECT FROM outbox_delivery d
  WHERE d.event_id = o.id AND d.subscriber = $2 AND d.done_at IS NOT NULL)
ORDER BY o.recorded_at, o.id
"""
_DELIVERED = """
INSERT INTO outbox_delivery (event_id, subscriber, attempts, done_at)
SELECT id::uuid, $2, 1, now() FROM unnest($1::text[]) AS id ORDER BY 1
ON CONFLICT (event_id, subscriber) DO UPDATE SET done_at = now(), error = ''
"""
_LOCK = """
SELECT count(*) FROM (
  SELECT FROM outbox WHERE id = ANY ($1::text[]::uuid[]) ORDER BY id FOR UPDATE)
"""
_FINISH = """
UPDATE outbox SET done_at = now()
WHERE id = ANY ($1::text[]::uuid[]) AND done_at IS NULL
  AND (SELECT count(*) FROM outbox_delivery d WHERE d.event_id = id AND d.done_at IS NOT NULL) >= $2
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
    """Lease the waiting events of a tenant; those nobody cares about are finished at once.

    Those that move money are claimed apart, by `claim_money`.
    """
    async with database.tenant(tenant) as session:
        claimed = await _claim(session, subscriptions, money=False)
        alone = [str(event.event_id) for event in claimed if not subscriptions.of(event.topic)]
        if alone:
            raw = await driver(session)
            await raw.execute(tagged(session, _FINISH), alone, 0)
    return [event for event in claimed if subscriptions.of(event.topic)]


async def claim_money(
    database: Database, tenant: TenantRef, subscriptions: Subscriptions
) -> tuple[Sequence[Claimed], bool]:
    """Lease the waiting events that move money; say as well whether any are still under way."""
    async with database.tenant(tenant) as session:
        claimed = await _claim(session, subscriptions, money=True)
        if claimed:
            return claimed, True
        raw = await driver(session)
        topics = subscriptions.topics("money")
        return [], bool(await raw.fetchval(tagged(session, _MONEY_MOVES), topics))


async def _claim(
    session: TenantSession, subscriptions: Subscriptions, *, money: bool
) -> list[Claimed]:
    raw = await driver(session)
    topics = subscriptions.topics("money")
    rows = await raw.fetch(tagged(session, _CLAIM), float(LEASE_SECONDS), BATCH, topics, money)
    found = [Claimed(row["id"], row["topic"], row["attempts"]) for row in rows]
    return sorted(found, key=lambda event: event.event_id)


async def next_due(database: Database, tenant: TenantRef) -> float | None:
    """Return in how many seconds the tenant's next unfinished event should be looked at again.

    By the database's clock: with one of its own, a relay an hour behind would wait an hour.
    """
    async with database.tenant_read(tenant) as session:
        due: float | None = await (await driver(session)).fetchval(tagged(session, _NEXT_DUE))
        return due


async def handle(
    database: Database,
    tenant: TenantRef,
    subscription: Subscription,
    event_ids: Sequence[UUID],
    *,
    subscribers: int,
) -> None:
    """Hand events to one subscriber, each once; a failure is written down and raised again.

    Where a batch fails, its events are handed over one by one, so that the one at fault does
    not keep the others waiting.
    """
    run = _in_transaction if subscription.handler is not None else _as_job
    try:
        await run(database, tenant, subscription, [str(one) for one in event_ids], subscribers)
    except Exception as error:
        if len(event_ids) == 1:
            await _note_failure(database, tenant, subscription, event_ids[0], error)
            raise
        _LOG.warning(
            "a batch failed, its events follow one by one",
            subscriber=subscription.name,
            count=len(event_ids),
            error=type(error).__name__,
        )
        for event_id in event_ids:
            try:
                await handle(database, tenant, subscription, [event_id], subscribers=subscribers)
            except Exception:  # noqa: BLE001, S112 - written down and logged for this event
                continue


async def _in_transaction(
    database: Database, tenant: TenantRef, subscription: Subscription, ids: list[str], total: int
) -> None:
    assert subscription.handler is not None
    async with database.tenant(tenant) as session:
        if total == 1:
            events = await _events(session, subscription, _TAKE_ALONE, ids)
        else:
            events = await _events(session, subscription, _START, ids, subscription.name)
        if events:
            await subscription.handler(session, events)
            await write(session)
        await _finish(session, subscription, ids, total)
        reach("outbox.before_delivery_commit")


async def _as_job(
    database: Database, tenant: TenantRef, subscription: Subscription, ids: list[str], total: int
) -> None:
    assert subscription.job is not None
    async with database.tenant_read(tenant) as reading:
        if total == 1:
            events = await _events(reading, subscription, _WAITING_ALONE, ids)
        else:
            events = await _events(reading, subscription, _WAITING, ids, subscription.name)
    if events:
        await subscription.job(database, tenant, events)
        reach("outbox.after_job")
    async with database.tenant(tenant) as session:
        await _finish(session, subscription, ids, total)


async def _events(
    session: TenantSession | ReadSession, subscription: Subscription, sql: str, *values: object
) -> list[object]:
    rows = await (await driver(session)).fetch(tagged(session, sql), *values)
    return [subscription.event.from_payload(msgspec.json.decode(row[0])) for row in rows]


async def _finish(
    session: TenantSession, subscription: Subscription, ids: list[str], total: int
) -> None:
    raw = await driver(session)
    if total == 1:
        await raw.execute(tagged(session, _FINISH_ALONE), ids)
        return
    await raw.execute(tagged(session, _DELIVERED), ids, subscription.name)
    # The lock makes two last subscribers see each other's delivery.
    await raw.fetchval(tagged(session, _LOCK), ids)
    await raw.execute(tagged(session, _FINISH), ids, total)


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
        most = _MONEY_WAIT_MAX if subscription.lane == "money" else _WAIT_MAX
        wait = float(min(most, 2 ** min(attempts, 9)))
        await raw.execute(tagged(session, _BACK_OFF), event_id, wait)
    _LOG.warning(
        "a subscriber failed",
        subscriber=subscription.name,
        topic=subscription.event.topic,
        attempt=attempts,
        error=name,
    )
