"""The tally of leads is what counting them gives, whatever is done to them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import delete, select, update

from crm import lead_list, lead_tally
from crm.lead_list import Wanted
from crm.models import Lead, LeadTally
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.ids import uuid7
from tests.factories import leads as build

Counted = Counter[tuple[str, str, UUID | None]]
_STAGES, _COUNTRIES = ("new", "contacted", "lost"), ("DE", "AE")


async def _tallied(session: TenantSession) -> Counted:
    found: Counted = Counter()
    for row in await session.execute(
        select(LeadTally.stage, LeadTally.country, LeadTally.owner_id, LeadTally.number)
    ):
        found[row[0], row[1], row[2]] += row[3]
    assert all(number >= 0 for number in found.values())
    return +found


async def _counted(session: TenantSession) -> Counted:
    return Counter(
        (row[0], row[1], row[2])
        for row in await session.execute(select(Lead.stage, Lead.country, Lead.owner_id))
    )


@pytest.mark.parametrize("seed", range(5))
async def test_it_counts_what_any_statements_leave(
    database: Database, tenant: TenantRef, seed: int
) -> None:
    """Leads come, move one by one and many at once, and go; sums are added up in between."""
    dice = random.Random(seed)
    owners = [None, uuid7(), uuid7()]
    for _ in range(25):
        async with database.tenant(tenant) as session:
            do = dice.randrange(6)
            if do <= 1:
                for _ in range(dice.randrange(1, 4)):
                    lead = await build.lead(session, country=dice.choice(_COUNTRIES))
                    lead.owner_id, lead.stage = dice.choice(owners), dice.choice(_STAGES)
            elif do == 2:
                few = update(Lead).where(Lead.stage == dice.choice(_STAGES))
                await session.execute(few.values(owner_id=dice.choice(owners)))
            elif do == 3:
                await session.execute(update(Lead).values(stage=dice.choice(_STAGES), score=7))
            elif do == 4:
                await session.execute(delete(Lead).where(Lead.country == dice.choice(_COUNTRIES)))
            else:
                await lead_tally.add_up(session)
        async with database.tenant(tenant) as session:
            assert await _tallied(session) == await _counted(session)


async def test_a_change_that_is_undone_leaves_no_trace(
    database: Database, tenant: TenantRef
) -> None:
    """The tally is part of the transaction that changes leads."""
    with pytest.raises(ZeroDivisionError):
        async with database.tenant(tenant) as session:
            await build.lead(session)
            await session.flush()
            raise ZeroDivisionError
    async with database.tenant(tenant) as session:
        assert not await _tallied(session)


async def test_writers_and_adders_at_once_lose_nothing(
    database: Database, tenant: TenantRef
) -> None:
    """Eight people work on leads while two add the tally up."""

    async def work(number: int) -> None:
        for step in range(6):
            async with database.tenant(tenant) as session:
                lead = await build.lead(session, country=_COUNTRIES[step % 2])
                lead.stage = _STAGES[number % 3]
            async with database.tenant(tenant) as session:
                if number < 2:
                    await lead_tally.add_up(session)
                else:
                    await session.execute(
                        update(Lead).where(Lead.id == lead.id).values(stage="qualified")
                    )

    await asyncio.gather(*map(work, range(10)))
    async with database.tenant(tenant) as session:
        assert (await _tallied(session)).total() == 60
        assert await _tallied(session) == await _counted(session)
        await lead_tally.add_up(session)
        assert await _tallied(session) == await _counted(session)


async def test_the_list_says_the_same_with_and_without_it(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Counts of the tabs come from the tally exactly for filters that it knows."""
    owner = uuid7()
    async with database.tenant(tenant) as session:
        for number in range(12):
            lead = await build.lead(session, country=_COUNTRIES[number % 2])
            lead.stage, lead.owner_id = _STAGES[number % 3], owner if number < 5 else None
    mine: dict[str, str] = {"owner": str(owner)}
    both = [{}, {"stage": "new"}, {"country": "DE", "stage": "lost"}, mine, {"owner": "none"}]
    async with database.tenant(tenant) as session:
        for query in both:
            state = lead_list.TABLE.read(query)
            told = await lead_list.find(session, Wanted(state, reader=owner))
            # A search for what everybody has counts the leads themselves.
            everybody = lead_list.TABLE.read({**query, "q": "L"})
            assert told.counts == (await lead_list.find(session, Wanted(everybody, owner))).counts
            assert told.total == await lead_list.count(session, Wanted(state, reader=owner))
            assert len(told.window.rows) == told.total
        assert len(await lead_list.rows(session, Wanted(state, owner), limit=99)) == told.total
    # The other way round: a tally that is wrong is seen in the tabs, and not where it is not read.
    await superuser.execute("INSERT INTO t_alpha.lead_tally VALUES ('new', 'DE', NULL, 100)")
    async with database.tenant(tenant) as session:
        plain = await lead_list.find(session, Wanted(lead_list.TABLE.read({}), owner))
        found = await lead_list.find(session, Wanted(lead_list.TABLE.read({"q": "L"}), owner))
    assert (plain.total, found.total) == (112, 12)
