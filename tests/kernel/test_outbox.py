"""Events reach every subscriber once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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
from kernel.subscriptions import Lane, Subscriptions


@dataclass(frozen=True)
class Rang(Event):
    """A bell rang."""

    topic: ClassVar[str] = "test.rang"
    bell_id: UUID
    times: int = 1


@dataclass(frozen=True)
class Paid(Event):
    """Money moved."""

    topic: ClassVar[str] = "test.paid"


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
        await outbox.handle(database, tenant, subscription, [claimed.event_id], subscribers=1)

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
    await outbox.handle(database, tenant, first, [claimed.event_id], subscribers=2)
    with pytest.raises(ValueError, match="on purpose"):
        await outbox.handle(database, tenant, second, [claimed.event_id], subscribers=2)
    open_before = await superuser.fetchval("SELECT done_at FROM t_alpha.outbox")
    failures.append(False)
    await outbox.handle(database, tenant, second, [claimed.event_id], subscribers=2)

    assert open_before is None
    assert await superuser.fetchval("SELECT done_at FROM t_alpha.outbox") is not None


@pytest.mark.parametrize(("lane", "seconds"), [("money", 16), ("default", 300)])
async def test_money_is_tried_again_within_seconds_however_often_it_failed(
    lane: Lane, seconds: float, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """What broke ten times may be whole again now: a client's money does not wait minutes."""
    known = Subscriptions()

    async def fails(session: TenantSession, event: Rang) -> None:
        del session, event
        raise ValueError("on purpose")

    known.on(Rang, "test.fails", fails, lane=lane)
    await _recorded(database, tenant)
    claimed_money, _ = await outbox.claim_money(database, tenant, known)
    [claimed] = [*claimed_money, *await outbox.claim(database, tenant, known)]
    for _ in range(10):
        with pytest.raises(ValueError, match="on purpose"):
            await outbox.handle(
                database, tenant, known.of("test.rang")[0], [claimed.event_id], subscribers=1
            )

    due = await outbox.next_due(database, tenant)
    assert due is not None
    assert seconds - 5 < due <= seconds


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


async def _many(database: Database, tenant: TenantRef, count: int) -> list[UUID]:
    async with database.tenant(tenant) as session:
        bells = [uuid7() for _ in range(count)]
        for bell in bells:
            record(session, Rang(bell))
    return bells


async def test_a_batch_is_handed_over_at_once_and_in_order(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """One call, one transaction; delivered again, nothing is left to hand over."""
    heard: list[list[UUID]] = []
    known = Subscriptions()

    async def hear(session: TenantSession, events: Sequence[Rang]) -> None:
        del session
        heard.append([event.bell_id for event in events])

    known.on_batch(Rang, "test.hear", hear, size=50)
    bells = await _many(database, tenant, 20)
    claimed = [event.event_id for event in await outbox.claim(database, tenant, known)]
    [subscription] = known.of("test.rang")
    for ids in (claimed[:5], claimed, claimed):
        await outbox.handle(database, tenant, subscription, ids, subscribers=1)

    assert heard == [bells[:5], bells[5:]]
    assert await superuser.fetchval("SELECT count(done_at) FROM t_alpha.outbox") == 20


@pytest.mark.parametrize("kind", ["handler", "job"])
async def test_one_bad_event_of_a_batch_holds_up_no_other(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, kind: str
) -> None:
    """The batch is tried again one by one; only the bad one waits for its next turn."""
    heard: list[UUID] = []
    known = Subscriptions()
    bells = await _many(database, tenant, 6)

    async def hear(session: object, events: Sequence[Rang]) -> None:
        del session
        if bells[3] in [event.bell_id for event in events]:
            raise ValueError("on purpose")
        heard.extend(event.bell_id for event in events)

    async def work(database: Database, tenant: TenantRef, events: Sequence[Rang]) -> None:
        del tenant
        await hear(database, events)

    if kind == "handler":
        known.on_batch(Rang, "test.hear", hear, size=50)
    else:
        known.job_batch(Rang, "test.hear", work, size=50)
    ids = [event.event_id for event in await outbox.claim(database, tenant, known)]
    [subscription] = known.of("test.rang")
    await outbox.handle(database, tenant, subscription, ids, subscribers=1)

    assert heard == [*bells[:3], *bells[4:]]
    waiting = await superuser.fetch("SELECT id FROM t_alpha.outbox WHERE done_at IS NULL")
    assert [row["id"] for row in waiting] == [ids[3]]
    assert await superuser.fetchval("SELECT error FROM t_alpha.outbox_delivery WHERE error <> ''")


async def test_money_is_claimed_before_everything_else(
    database: Database, tenant: TenantRef
) -> None:
    """The two claims share nothing and leave nothing out."""
    known = Subscriptions()

    async def hear(session: TenantSession, event: Event) -> None:
        del session, event

    known.on(Rang, "test.hear", hear, lane="mail")
    known.on(Paid, "test.book", hear, lane="money")
    async with database.tenant(tenant) as session:
        record(session, Rang(uuid7()))
        record(session, Paid())
    money, moving = await outbox.claim_money(database, tenant, known)
    nothing, still_moving = await outbox.claim_money(database, tenant, known)
    rest = await outbox.claim(database, tenant, known)
    [book] = known.of("test.paid")
    await outbox.handle(database, tenant, book, [money[0].event_id], subscribers=1)
    quiet = await outbox.claim_money(database, tenant, known)

    assert [event.topic for event in money] == ["test.paid"]
    assert (list(nothing), moving, still_moving, quiet) == ([], True, True, ([], False))
    assert [event.topic for event in rest] == ["test.rang"]
