"""Deals come into the mirror once, keep their earlier versions and never lose the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.events import OutboxEvent
from kernel.ids import uuid7
from tests.factories.trading import NOON, answer, clock, wire_deal
from trading import deals, quarantine, queries
from trading.models import Deal, DealRejection, DealVersion

SERVER = uuid7()


async def store(
    database: Database, tenant: TenantRef, *rows: Any, raw: bytes | None = None
) -> deals.Pulled:
    """Store one answer of a server whose clock shows noon."""
    return await deals.store(
        database,
        tenant,
        server_id=SERVER,
        answer=answer(*rows) if raw is None else raw,
        clock=clock(),
        scanned_raw=clock().raw,
    )


async def count(database: Database, tenant: TenantRef, table: Any) -> int:
    """Count a table's rows as the tenant sees them."""
    async with database.tenant_read(tenant) as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_deal_keeps_its_figures_lots_and_both_clocks(
    database: Database, tenant: TenantRef
) -> None:
    """Volumes become lots, money stays exact and the server's own time stays beside UTC."""
    await store(database, tenant, wire_deal(7, VolumeExt="123", Profit="-0.01"))

    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=SERVER, ticket=7)
    assert deal is not None
    assert deal.lots == Decimal("0.00000123")
    assert deal.profit == Decimal("-0.01")
    assert deal.commission == Decimal("-4.31")
    assert deal.time_utc == NOON
    assert deal.time_raw_milliseconds == int(NOON.timestamp() + 7200) * 1000
    assert deal.server_offset_seconds == 7200


async def test_an_old_build_without_extended_volumes_is_read(
    database: Database, tenant: TenantRef
) -> None:
    """Fields that an old server does not send are taken from the old ones, or are zero."""
    row = wire_deal(7)
    for name in ("VolumeExt", "Fee", "MarketBid", "MarketAsk", "TimeMsc", "ModifyFlags"):
        del row[name]
    await store(database, tenant, row)

    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=SERVER, ticket=7)
    assert deal is not None
    assert deal.lots == Decimal("1.23")
    assert (deal.fee, deal.market_bid) == (Decimal(0), Decimal(0))
    assert deal.time_utc == NOON


async def test_the_same_batch_twice_changes_nothing(database: Database, tenant: TenantRef) -> None:
    """A batch that comes again, even with a deal twice in it, adds no row and no event."""
    rows = [wire_deal(ticket) for ticket in (1, 2, 3)]
    first = await store(database, tenant, *rows, rows[0])
    again = await store(database, tenant, *rows)

    assert (first.read, first.written, again.read, again.written) == (3, 3, 3, 0)
    assert await count(database, tenant, Deal) == 3
    assert await count(database, tenant, DealVersion) == 0
    assert await count(database, tenant, OutboxEvent) == 1


async def test_an_edited_deal_becomes_a_new_version_and_the_old_one_is_kept(
    database: Database, tenant: TenantRef
) -> None:
    """What a dealer changes is shown beside what it was before."""
    await store(database, tenant, wire_deal(1, Profit="10.00"), wire_deal(2))
    changed = await store(database, tenant, wire_deal(1, Profit="8.00", ModifyFlags="2"))

    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=SERVER, ticket=1)
        versions = await queries.deal_versions(session, server_id=SERVER, ticket=1)
    assert changed.written == 1
    assert deal is not None
    assert (deal.version, deal.profit) == (2, Decimal(8))
    assert [(old.version, old.profit) for old in versions] == [(1, Decimal(10))]


async def test_a_deal_moved_into_another_month_stands_there_once(
    database: Database, tenant: TenantRef
) -> None:
    """A corrected time moves the deal to another partition instead of doubling it."""
    await store(database, tenant, wire_deal(1))
    moved = NOON - timedelta(days=40)
    await store(database, tenant, wire_deal(1, at=moved))

    async with database.tenant_read(tenant) as session:
        found = (await session.scalars(select(Deal).where(Deal.ticket == 1))).all()
        versions = await queries.deal_versions(session, server_id=SERVER, ticket=1)
    assert [(deal.time_utc, deal.version) for deal in found] == [(moved, 2)]
    assert [old.time_utc for old in versions] == [NOON]


async def test_a_deal_first_seen_by_a_look_back_moves_without_doubling(
    database: Database, tenant: TenantRef
) -> None:
    """A look back moves no watermark, yet its tickets count as known from then on."""
    await store(database, tenant, wire_deal(1))
    for at in (NOON - timedelta(days=50), NOON - timedelta(days=90)):
        await deals.store(
            database,
            tenant,
            server_id=SERVER,
            answer=answer(wire_deal(9, at=at)),
            clock=clock(),
            scanned_raw=None,
        )

    async with database.tenant_read(tenant) as session:
        found = (await session.scalars(select(Deal).where(Deal.ticket == 9))).all()
        mark = await queries.watermark(session, SERVER)
    assert [(deal.time_utc, deal.version) for deal in found] == [(NOON - timedelta(days=90), 2)]
    assert mark is not None
    assert (mark.scanned_utc, mark.ticket_max, mark.deals_total) == (NOON, 9, 2)


async def test_a_change_of_the_servers_offset_moves_no_stored_deal(
    database: Database, tenant: TenantRef
) -> None:
    """After the clocks change, deals read before keep the moment at which they happened."""
    await store(database, tenant, wire_deal(1))
    await deals.store(
        database,
        tenant,
        server_id=SERVER,
        answer=answer(wire_deal(1), wire_deal(2, offset_seconds=3600)),
        clock=clock(offset_seconds=3600),
        scanned_raw=clock(offset_seconds=3600).raw,
    )

    async with database.tenant_read(tenant) as session:
        old = await queries.deal(session, server_id=SERVER, ticket=1)
        new = await queries.deal(session, server_id=SERVER, ticket=2)
    assert old is not None
    assert new is not None
    assert (old.time_utc, old.version, old.server_offset_seconds) == (NOON, 1, 7200)
    assert (new.time_utc, new.server_offset_seconds) == (NOON, 3600)


async def test_a_crash_before_the_commit_leaves_neither_deals_nor_watermark(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Deals, watermark and event are one transaction: what fails at its end leaves nothing."""
    await superuser.execute(
        "CREATE FUNCTION t_alpha.crash() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'crash' USING ERRCODE = '57P01'; END $$;"
        "GRANT EXECUTE ON FUNCTION t_alpha.crash() TO PUBLIC;"
        "CREATE TRIGGER crash BEFORE INSERT ON t_alpha.sync_watermark"
        " FOR EACH ROW EXECUTE FUNCTION t_alpha.crash()"
    )
    try:
        with pytest.raises(asyncpg.PostgresError, match="crash"):
            await store(database, tenant, wire_deal(1))
    finally:
        await superuser.execute(
            "DROP TRIGGER crash ON t_alpha.sync_watermark; DROP FUNCTION t_alpha.crash()"
        )
    assert await count(database, tenant, Deal) == 0
    assert await count(database, tenant, OutboxEvent) == 0

    await store(database, tenant, wire_deal(1))
    async with database.tenant_read(tenant) as session:
        mark = await queries.watermark(session, SERVER)
    assert mark is not None
    assert (mark.deals_total, mark.ticket_max, mark.scanned_utc) == (1, 1, NOON)


async def test_tenants_of_one_server_see_only_their_own_deals(
    database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """The same ticket of the same server may stand in two schemas without one seeing the other."""
    await store(database, tenant, wire_deal(1, Comment="alpha"))
    await store(database, other_tenant, wire_deal(1, Comment="beta"), wire_deal(2))

    assert await count(database, tenant, Deal) == 1
    assert await count(database, other_tenant, Deal) == 2
    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=SERVER, ticket=1)
    assert deal is not None
    assert deal.comment == "alpha"


HOSTILE = {
    "a word for a number": {"Profit": "lots"},
    "not a number": {"Profit": "NaN"},
    "infinite": {"Price": "Infinity"},
    "too large": {"Profit": "1e999999"},
    "too long a ticket": {"Deal": "99999999999999999999999"},
    "an object for a number": {"Volume": {"a": "1"}},
    "no login": {"Login": ""},
    "a small number that is not": {"Digits": "123456789"},
    "another age": {"TimeMsc": "99999999999999999"},
    "before the age": {"TimeMsc": "1", "Time": "1"},
}


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_deal_is_set_aside_and_the_others_are_stored(
    database: Database, tenant: TenantRef, fields: dict[str, Any]
) -> None:
    """One unreadable deal stops neither the others nor the watermark, and is kept for a look."""
    await store(database, tenant, wire_deal(1), wire_deal(2, **fields), wire_deal(3))
    await store(database, tenant, wire_deal(1), wire_deal(2, **fields), wire_deal(3))

    async with database.tenant_read(tenant) as session:
        tickets = (await session.scalars(select(Deal.ticket).order_by(Deal.ticket))).all()
        mark = await queries.watermark(session, SERVER)
    assert tickets == [1, 3]
    assert await count(database, tenant, DealRejection) == 1
    assert mark is not None


async def test_text_that_the_database_can_not_hold_is_replaced(
    database: Database, tenant: TenantRef
) -> None:
    """A NUL or half a surrogate pair in a comment costs that character, not the deal."""
    raw = answer(wire_deal(1, Comment="a\0b"), wire_deal(2, Comment="\ud800x"))
    await store(database, tenant, raw=raw)

    async with database.tenant_read(tenant) as session:
        found = (await session.scalars(select(Deal.comment).order_by(Deal.ticket))).all()
    assert found == ["a\ufffdb", "?x"]


@pytest.mark.parametrize("raw", [b"", b"{}", b"<html>", b'"x"', b"[" * 20000, b"\xff\xfe"])
async def test_an_answer_that_is_no_list_of_deals_is_an_error(
    database: Database, tenant: TenantRef, raw: bytes
) -> None:
    """What can't be read moves no watermark: the window is asked for again."""
    with pytest.raises(quarantine.AnswerUnreadable):
        await store(database, tenant, raw=raw)

    async with database.tenant_read(tenant) as session:
        assert await queries.watermark(session, SERVER) is None


async def test_unknown_fields_and_native_numbers_are_read(
    database: Database, tenant: TenantRef
) -> None:
    """A newer build may add fields and a gateway may send numbers as numbers."""
    row = wire_deal(5, Login=900001, Profit=1.25, Future={"a": [1]})
    await store(database, tenant, raw=json.dumps([row]).encode())

    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=SERVER, ticket=5)
    assert deal is not None
    assert deal.profit == Decimal("1.25")


async def test_many_deals_are_announced_in_bounded_events(
    database: Database, tenant: TenantRef
) -> None:
    """Every ticket is announced once, at most a thousand in one event."""
    rows = [wire_deal(ticket, at=NOON - timedelta(seconds=ticket)) for ticket in range(1, 2502)]
    await store(database, tenant, *rows)

    async with database.tenant_read(tenant) as session:
        events = (await session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))).all()
    announced = [ticket for event in events for ticket in event.payload["tickets"]]
    assert sorted(announced) == list(range(1, 2502))
    assert max(len(event.payload["tickets"]) for event in events) == 1000


async def test_deals_are_paged_newest_first_without_a_gap(
    database: Database, tenant: TenantRef
) -> None:
    """Deals of the same moment are neither skipped nor repeated between two pages."""
    rows = [wire_deal(ticket, at=NOON - timedelta(minutes=ticket // 3)) for ticket in range(1, 26)]
    await store(database, tenant, *rows)

    seen: list[int] = []
    before: tuple[datetime, int] | None = None
    async with database.tenant_read(tenant) as session:
        while page := await queries.deals_of(
            session, server_id=SERVER, login=900001, before=before, limit=7
        ):
            seen += [deal.ticket for deal in page]
            before = (page[-1].time_utc, page[-1].ticket)
    assert len(seen) == 25
    assert sorted(seen) == list(range(1, 26))
    assert before is not None
    assert before[0] <= datetime.now(UTC)
