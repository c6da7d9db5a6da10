"""Events reach every subscriber once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import asyncpg
import pytest

from kernel import outbox
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.events import Event, record
from kernel.ids import uuid7
from kernel.subscriptions import Subscriptions


@dataclass(frozen=True)
class Rang(Event):
    """A bell rang."""

    topic: ClassVar[str] = "test.rang"
    bell_id: UUID
    times: int = 1


async def _recorded(database: Database, tenant: TenantRef) -> UUID:
    bell = uuid7()
    async with database.tenant(tenant) as session:
        record(session, Rang(bell, 3))
    return bell


async def test_an_event_is_handled_once_although_delivered_twice(
    database: Database, tenant: TenantRef
) -> None:
    """The second delivery finds the first one's row."""
    heard: list[Rang] = []
    known = Subscriptions()

    async def hear(session: TenantSession, event: Rang) -> None:
        del session
        heard.append(event)

    known.on(Rang, "test.hear", hear)
    bell = await _recorded(database, tenant)
    [claimed] = await outbox.claim(database, tenant, known)
    subscription = known.of("test.rang")[0]
    for _ in range(2):
        await outbox.handle(database, tenant, subscription, claimed.event_id, subscribers=1)

    assert heard == [Rang(bell, 3)]


async def test_a_rolled_back_transaction_records_no_event(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """What did not happen is not told."""
    with pytest.raises(RuntimeError):
        async with database.tenant(tenant) as session:
            record(session, Rang(uuid7()))
            raise RuntimeError

    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.outbox") == 0


async def test_a_failing_subscriber_is_tried_again_and_holds_up_no_other(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The other subscriber is done; the event stays open until both are."""
    known = Subscriptions()
    failures = [True]

    async def works(session: TenantSession, event: Rang) -> None:
        del session, event

    async def fails_once(session: TenantSession, event: Rang) -> None:
        del session, event
        if failures.pop():
            raise ValueError("on purpose")

    known.on(Rang, "test.works", works)
    known.on(Rang, "test.fails", fails_once)
    await _recorded(database, tenant)
    [claimed] = await outbox.claim(database, tenant, known)
    first, second = known.of("test.rang")
    await outbox.handle(database, tenant, first, claimed.event_id, subscribers=2)
    with pytest.raises(ValueError, match="on purpose"):
        await outbox.handle(database, tenant, second, claimed.event_id, subscribers=2)
    open_before = await superuser.fetchval("SELECT done_at FROM t_alpha.outbox")
    failures.append(False)
    await outbox.handle(database, tenant, second, claimed.event_id, subscribers=2)

    assert open_before is None
    assert await superuser.fetchval("SELECT done_at FROM t_alpha.outbox") is not None


async def test_two_relays_never_claim_the_same_event(database: Database, tenant: TenantRef) -> None:
    """Rows are leased under SKIP LOCKED."""
    known = Subscriptions()

    async def hear(session: TenantSession, event: Rang) -> None:
        del session, event

    known.on(Rang, "test.hear", hear)
    for _ in range(40):
        await _recorded(database, tenant)
    rounds = await asyncio.gather(*(outbox.claim(database, tenant, known) for _ in range(4)))
    ids = [event.event_id for claimed in rounds for event in claimed]

    assert len(ids) == len(set(ids)) == 40


async def test_an_event_nobody_cares_about_is_finished(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """It must not be looked at again and again."""
    await _recorded(database, tenant)
    claimed = await outbox.claim(database, tenant, Subscriptions())

    assert claimed == []
    assert (
        await superuser.fetchval("SELECT count(*) FROM t_alpha.outbox WHERE done_at IS NULL") == 0
    )
