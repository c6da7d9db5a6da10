"""A closed period takes no entries, whichever way they come, until somebody reopens it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from kernel.actor import Actor, TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, debts, entries, holds, periods, queries
from ledger.errors import BookBusy, PeriodClosed, PeriodUnchanged
from ledger.lines import Draft
from ledger.verification import verify
from tests.ledger.book import WALLET, deposit_lines, pay_in, wallet

NOVEMBER = datetime(2025, 11, 1, tzinfo=UTC)
OCTOBER = datetime(2025, 10, 1, tzinfo=UTC)
INSIDE = datetime(2025, 10, 17, 12, tzinfo=UTC)
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def close(database: Database, tenant: TenantRef, before: datetime = NOVEMBER) -> None:
    """Close the book before a moment."""
    async with database.tenant(tenant) as session:
        await periods.close(session, before=before, reason="Month end")


async def post_in(session: TenantSession, moment: datetime, key: str = "k") -> UUID:
    """Post a deposit with a date."""
    return await entries.post(
        session, key=key, kind="deposit", lines=deposit_lines("10.00"), occurred_at=moment
    )


async def _first(session: TenantSession) -> tuple[UUID, UUID]:
    entry_id = await pay_in(session, "100.00", key="first")
    hold_id = await holds.reserve(
        session,
        key="h",
        code=WALLET,
        currency="EUR",
        owner=("client", "c1"),
        amount=Decimal(5),
        reference="",
    )
    return entry_id, hold_id


# How an entry comes, given a first entry and a pending hold.
Way = Callable[[TenantSession, tuple[UUID, UUID]], Awaitable[object]]
WAYS: dict[str, Way] = {
    "post": lambda s, _: post_in(s, INSIDE),
    "batch": lambda s, _: entries.post_batch(
        s,
        drafts=[
            Draft("now", "deposit", deposit_lines("1.00")),
            Draft("then", "deposit", deposit_lines("1.00"), occurred_at=INSIDE),
        ],
    ),
    "reversal": lambda s, first: entries.reverse(
        s, entry_id=first[0], key="r", reason="x", occurred_at=INSIDE
    ),
    "hold": lambda s, first: holds.post(
        s,
        hold_id=first[1],
        key="t",
        kind="fee",
        lines=bookings.fee("c1", Money.of("5.00", "EUR")),
        occurred_at=INSIDE,
    ),
    "claim": lambda s, _: debts.claim(
        s,
        key="c",
        kind="chargeback",
        client_id="c1",
        amount=Money.of("1.00", "EUR"),
        credit=bookings.clearing("p1"),
        occurred_at=INSIDE,
    ),
    "forced": lambda s, _: entries.post(
        s, key="f", kind="x", lines=deposit_lines("1.00"), occurred_at=INSIDE, forced=True
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_closed_period_refuses_entries_in_every_way(
    database: Database, tenant: TenantRef, way: str
) -> None:
    """And takes them again after it was reopened; what is dated after it was never refused."""
    async with database.tenant(tenant) as session:
        first = await _first(session)
    await close(database, tenant)

    with pytest.raises(PeriodClosed):
        async with database.tenant(tenant) as session:
            await WAYS[way](session, first)
    async with database.tenant(tenant) as session:
        assert (await wallet(session)).amount == 100
        await post_in(session, NOVEMBER, "after")
        await periods.reopen(session, before=OCTOBER, reason="A deposit was forgotten")
    async with database.tenant(tenant) as session:
        await WAYS[way](session, first)
        assert (await verify(session)).ok


async def test_the_last_moment_of_a_period_belongs_to_it(
    database: Database, tenant: TenantRef
) -> None:
    """The moment before which the book is closed is open."""
    await close(database, tenant)
    with pytest.raises(PeriodClosed):
        async with database.tenant(tenant) as session:
            await post_in(session, NOVEMBER - timedelta(microseconds=1))
    async with database.tenant(tenant) as session:
        await post_in(session, NOVEMBER)
        assert (await wallet(session)).amount == 10


async def test_a_repeat_of_what_was_posted_before_the_close_is_answered(
    database: Database, tenant: TenantRef
) -> None:
    """The entry is there: nothing is written into the period."""
    async with database.tenant(tenant) as session:
        first = await post_in(session, INSIDE)
    await close(database, tenant)

    async with database.tenant(tenant) as session:
        assert await post_in(session, INSIDE) == first
        one = Draft("k", "deposit", deposit_lines("10.00"), occurred_at=INSIDE)
        assert await entries.post_batch(session, drafts=[one]) == [first]


async def test_every_act_is_recorded_with_who_and_why(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """In a journal that nobody changes, and in the audit trail."""
    finance = Actor("staff", uuid7(), "Finance")
    async with database.tenant(tenant, actor=finance) as session:
        assert await queries.closed_before(session) is None
        assert await periods.close(session, before=OCTOBER, reason="September") == 1
        assert await periods.close(session, before=NOVEMBER) == 2
        assert await periods.reopen(session, before=OCTOBER, reason="Fee was missed") == 3
        assert await queries.closed_before(session) == OCTOBER
        assert await periods.reopen(session, before=None, reason="New auditor") == 4
        assert await queries.closed_before(session) is None
        acts = await queries.period_acts(session)

    assert [(act.number, act.act, act.reason, act.closed_before) for act in acts] == [
        (4, "reopen", "New auditor", None),
        (3, "reopen", "Fee was missed", OCTOBER),
        (2, "close", "", NOVEMBER),
        (1, "close", "September", OCTOBER),
    ]
    assert {act.actor for act in acts} == {f"staff:{finance.id}"}
    audited = await superuser.fetch(
        f"SELECT action, reason FROM {tenant.schema}.audit_entry"
        " WHERE action LIKE 'ledger.period%' ORDER BY id"
    )
    assert [tuple(row) for row in audited][2:] == [
        ("ledger.period_reopened", "Fee was missed"),
        ("ledger.period_reopened", "New auditor"),
    ]


@pytest.mark.parametrize("reason", ["", "   "])
async def test_reopening_needs_a_reason(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, reason: str
) -> None:
    """The database says so as well."""
    await close(database, tenant)
    with pytest.raises(InvalidInput):
        async with database.tenant(tenant) as session:
            await periods.reopen(session, before=None, reason=reason)
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute(
            f"INSERT INTO {tenant.schema}.period_lock VALUES (9, 'reopen', NULL, '', 'x', now())"
        )


async def test_acts_that_change_nothing_or_come_too_early_are_refused(
    database: Database, tenant: TenantRef
) -> None:
    """A period is closed a minute after its end at the earliest."""
    await close(database, tenant)
    attempts: list[Callable[[TenantSession], Awaitable[int]]] = [
        lambda s: periods.close(s, before=NOVEMBER),
        lambda s: periods.close(s, before=OCTOBER),
        lambda s: periods.close(s, before=now() - timedelta(seconds=30)),
        lambda s: periods.reopen(s, before=NOVEMBER, reason="x"),
    ]
    for attempt in attempts:
        with pytest.raises(PeriodUnchanged):
            async with database.tenant(tenant) as session:
                await attempt(session)


async def test_closing_waits_for_an_entry_that_is_being_posted(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """So the entry is in the period when it is closed, and none can slip in afterwards."""
    async with database.tenant(tenant) as session:
        await post_in(session, INSIDE, "early")
        closing = asyncio.create_task(close(database, tenant))
        while await superuser.fetchval(_WAITING) < 1:
            await asyncio.sleep(0.01)
        late = asyncio.create_task(_late(database, tenant))
        while await superuser.fetchval(_WAITING) < 2:
            await asyncio.sleep(0.01)
    await closing
    with pytest.raises(PeriodClosed):
        await late

    async with database.tenant_read(tenant) as session:
        assert (await queries.count_entries(session))[0] == 1
        assert (await verify(session)).ok


async def _late(database: Database, tenant: TenantRef) -> None:
    async with database.tenant(tenant) as session:
        await post_in(session, INSIDE, "late")


async def test_a_book_that_is_busy_for_long_is_not_closed(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Whoever posts is not held up for long by somebody who closes: five seconds at most."""
    function = f"ALTER FUNCTION {tenant.schema}.set_period_lock SET lock_timeout = "
    limits = "SELECT proconfig FROM pg_proc WHERE oid = $1::text::regproc"
    assert "lock_timeout=5s" in await superuser.fetchval(limits, f"{tenant.schema}.set_period_lock")
    try:
        await superuser.execute(f"{function} '100ms'")
        async with database.tenant(tenant) as session:
            await post_in(session, INSIDE)
            with pytest.raises(BookBusy):
                await close(database, tenant)
    finally:
        await superuser.execute(f"{function} '5s'")


async def test_postgresql_itself_refuses_what_the_owner_writes_into_a_closed_period(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The trigger at commit looks at the date of every new entry."""
    await close(database, tenant)
    insert = (
        "WITH e AS (INSERT INTO entry (key, kind, reference, occurred_at, actor)"
        " VALUES ($1, 'k', '', $2, 'x') RETURNING id)"
        " INSERT INTO posting SELECT e.id, l.line, uuidv7(), 1, l.amount, 0, 'EUR' FROM e,"
        " (VALUES (1, 5), (2, -5)) AS l(line, amount)"
    )

    async def as_owner(key: str, moment: datetime) -> None:
        async with superuser.transaction():
            await superuser.execute(
                f"SET LOCAL ROLE {tenant.schema}_owner; SET LOCAL search_path = {tenant.schema}"
            )
            await superuser.execute(insert, key, moment)

    await as_owner("open", NOVEMBER)
    with pytest.raises(asyncpg.PostgresError, match="closed before") as refused:
        await as_owner("closed", INSIDE)
    assert refused.value.sqlstate == "MQ007"


async def test_a_transaction_that_began_inside_a_period_can_not_post_into_it_later(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """An entry without a date counts from the transaction's start, however long ago that was."""
    await superuser.execute(
        f"INSERT INTO {tenant.schema}.period_lock"
        " VALUES (1, 'close', now() + interval '1 second', '', 'x', now())"
    )
    async with database.tenant(tenant) as session:
        await pay_in(session, "1.00", key="quick")
    # What a minute does to a long transaction: the check is no longer skipped.
    body: str = await superuser.fetchval(
        "SELECT pg_get_functiondef($1::text::regproc)", f"{tenant.schema}.check_entry_balances"
    )
    assert body.count("interval '1 minute'") == 1
    try:
        await superuser.execute(body.replace("interval '1 minute'", "interval '-1 minute'"))
        with pytest.raises(asyncpg.PostgresError, match="closed before"):
            async with database.tenant(tenant) as session:
                await pay_in(session, "1.00", key="slow")
    finally:
        await superuser.execute(body)
