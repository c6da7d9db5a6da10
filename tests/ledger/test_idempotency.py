"""A key stands for one request for ever: in one batch, at once, partly known, in either way."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from ledger import entries, queries
from ledger.errors import ExternalReferenceUsed, InsufficientFunds, KeyReused
from ledger.lines import Draft, Rate
from ledger.models import Entry
from ledger.verification import verify
from tests.ledger.book import CLEARING, WALLET, deposit_lines, line, pay_in, wallet

MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
RATE = Rate("EUR", "USD", Decimal("1.1"), Decimal("1.2"), "test", MOMENT)
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def draft(key: str = "k", amount: str = "10.00", **fields: Any) -> Draft:
    """Return a deposit into the first client's wallet."""
    return Draft(key, "deposit", deposit_lines(amount), **fields)


async def single(database: Database, tenant: TenantRef, one: Draft) -> UUID:
    """Post a draft by itself, in a transaction of its own."""
    async with database.tenant(tenant) as session:
        return await entries.post(
            session,
            key=one.key,
            kind=one.kind,
            lines=one.lines,
            reference=one.reference,
            external_reference=one.external_reference,
            occurred_at=one.occurred_at,
            forced=one.forced,
            rate=one.rate,
        )


async def batch(database: Database, tenant: TenantRef, *drafts: Draft) -> list[UUID]:
    """Post drafts in one call, in a transaction of their own."""
    async with database.tenant(tenant) as session:
        return await entries.post_batch(session, drafts=drafts)


OTHER_CONTENT = [
    draft(amount="10.01"),
    replace(draft(), kind="credit"),
    draft(reference="other"),
    draft(external_reference="pi_2"),
    draft(occurred_at=MOMENT),
    draft(forced=True),
    draft(rate=RATE),
    replace(draft(), lines=deposit_lines("10.00", "c2")),
    replace(draft(), lines=deposit_lines("10.00", currency="USD")),
    replace(draft(), lines=list(reversed(deposit_lines("10.00")))),
    replace(draft(), lines=deposit_lines("5.00") + deposit_lines("5.00", "c2")),
]


@pytest.mark.parametrize("other", OTHER_CONTENT)
async def test_a_key_with_other_content_is_refused_in_every_way(
    database: Database, tenant: TenantRef, other: Draft
) -> None:
    """Alone, in a batch of its own, and within one batch, whichever comes first."""
    await single(database, tenant, draft())
    for attempt in (
        lambda: single(database, tenant, other),
        lambda: batch(database, tenant, other),
        lambda: batch(database, tenant, draft("new"), other),
        lambda: batch(database, tenant, replace(draft(), key="two"), replace(other, key="two")),
        lambda: batch(database, tenant, replace(other, key="two"), replace(draft(), key="two")),
    ):
        with pytest.raises(KeyReused):
            await attempt()

    async with database.tenant_read(tenant) as session:
        assert (await wallet_sum(session)) == Decimal(10)


async def wallet_sum(session: Any) -> Decimal:
    """Return what all clients' wallets have in euros."""
    found = await queries.balances(session, code=WALLET)
    return sum((one.balance.amount for one in found if one.currency == "EUR"), Decimal(0))


@pytest.mark.parametrize(
    "one",
    [
        draft(),
        draft(external_reference="pi_1", reference="D"),
        draft(occurred_at=MOMENT),
        draft(forced=True),
        draft(rate=RATE),
        draft(forced=True, rate=RATE, occurred_at=MOMENT),
        replace(draft(), lines=deposit_lines("5.00") + deposit_lines("5.00", "c2")),
    ],
)
@pytest.mark.parametrize("single_first", [True, False])
async def test_both_ways_of_posting_are_the_same_request(
    database: Database,
    tenant: TenantRef,
    one: Draft,
    single_first: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Whatever an entry says besides its lines, a repeat in the other way finds it."""
    first = await single(database, tenant, one) if single_first else None
    [found] = await batch(database, tenant, one)
    again = await single(database, tenant, one)

    assert found == again
    assert first in (None, found)
    async with database.tenant_read(tenant) as session:
        assert (await queries.count_entries(session))[0] == 1
        assert await queries.rate_of(session, entry_id=found) == one.rate
        assert (await verify(session)).ok


async def test_a_batch_that_is_partly_known_posts_the_rest(
    database: Database, tenant: TenantRef
) -> None:
    """Known keys give their first entries, new ones are posted, doubles count once; in order."""
    known = await batch(database, tenant, draft("a"), draft("b", "20.00"))
    ids = await batch(
        database,
        tenant,
        draft("c", "1.00"),
        draft("b", "20.00"),
        draft("c", "1.00"),
        draft("a"),
        draft("d", "2.00"),
    )

    assert [ids[3], ids[1]] == known
    assert ids[0] == ids[2]
    assert len(set(ids)) == 4
    async with database.tenant_read(tenant) as session:
        assert (await wallet_sum(session)) == Decimal(33)
        assert (await verify(session)).ok


async def test_whatever_a_batchs_texts_hold_stays_in_its_own_entry(
    database: Database, tenant: TenantRef
) -> None:
    """The characters that divide what travels to PostgreSQL are characters like others."""
    drafts = [
        draft("a\x1fb", reference="\x1e", external_reference="\x1e"),
        draft("b", reference="\x1f\x1f", external_reference="one\x1ftwo"),
        draft("c", external_reference=""),
    ]

    ids = [await batch(database, tenant, *drafts[place:]) for place in (2, 1, 0)][-1]

    async with database.tenant_read(tenant) as session:
        for entry_id, one in zip(ids, drafts, strict=True):
            found = await session.get_one(Entry, entry_id)
            assert (found.key, found.reference) == (one.key, one.reference)
            assert found.external_reference == one.external_reference
        assert (await verify(session)).ok


async def test_a_payment_of_outside_under_two_keys_of_one_batch_is_refused(
    database: Database, tenant: TenantRef
) -> None:
    """Nothing of the batch stays."""
    with pytest.raises(ExternalReferenceUsed):
        await batch(
            database,
            tenant,
            draft("a", external_reference="pi_1"),
            draft("b", external_reference="pi_1"),
        )

    async with database.tenant_read(tenant) as session:
        assert (await queries.count_entries(session))[0] == 0


@pytest.mark.parametrize("external", [None, "pi_1"])
async def test_the_same_request_at_once_in_both_ways_posts_once(
    database: Database, tenant: TenantRef, external: str | None
) -> None:
    """Nobody is told that the payment is booked already: the repeat is the booking."""
    one = draft(external_reference=external)
    ids = await asyncio.gather(
        *(single(database, tenant, one) for _ in range(10)),
        *(batch(database, tenant, draft(f"n{number}"), one) for number in range(10)),
    )

    found = {one[-1] if isinstance(one, list) else one for one in ids}
    assert len(found) == 1
    async with database.tenant_read(tenant) as session:
        assert (await wallet_sum(session)) == Decimal(110)
        assert (await verify(session)).ok


async def test_overlapping_batches_in_any_order_post_every_key_once(
    database: Database, tenant: TenantRef
) -> None:
    """Keys are inserted in one order, so that batches never wait in a circle."""
    dice = random.Random(7)
    everything = [draft(f"k{number}", "1.00") for number in range(40)]

    async def some() -> None:
        chosen = dice.sample(everything, 25)
        await batch(database, tenant, *chosen)

    await asyncio.gather(*(some() for _ in range(12)))
    await batch(database, tenant, *everything)

    async with database.tenant_read(tenant) as session:
        assert (await queries.count_entries(session))[0] == 40
        assert (await wallet_sum(session)) == Decimal(40)


async def test_a_request_that_waits_for_one_that_fails_is_carried_out(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The first holder of the key rolls back; the second posts, and nobody is told a lie."""
    waiting: asyncio.Task[UUID] | None = None
    with pytest.raises(InsufficientFunds):
        async with database.tenant(tenant) as session:
            await entries.post(session, key="k", kind="deposit", lines=deposit_lines("10.00"))
            waiting = asyncio.create_task(single(database, tenant, draft()))
            while await superuser.fetchval(_WAITING) < 1:
                await asyncio.sleep(0.01)
            await overdraw(session)
    assert waiting is not None
    entry_id = await waiting

    async with database.tenant_read(tenant) as session:
        found = await queries.entry_of_key(session, key="k")
        assert found is not None
        assert found.id == entry_id
        assert (await wallet_sum(session)) == Decimal(10)


async def overdraw(session: TenantSession) -> None:
    """Try to take more than there is."""
    await entries.post(
        session,
        key="too much",
        kind="withdrawal",
        lines=[line(WALLET, "99", ("client", "c1")), line(CLEARING, "-99", ("psp", "p1"))],
    )


async def test_a_date_makes_another_request_even_by_a_microsecond(
    database: Database, tenant: TenantRef
) -> None:
    """And the same date is the same one, in whichever zone it is written."""
    first = await single(database, tenant, draft(occurred_at=MOMENT))
    same = MOMENT.astimezone(tz=None)
    assert await single(database, tenant, draft(occurred_at=same)) == first

    with pytest.raises(KeyReused):
        await single(database, tenant, draft(occurred_at=MOMENT + timedelta(microseconds=1)))


async def test_a_repeat_is_answered_also_when_the_money_has_gone(
    database: Database, tenant: TenantRef
) -> None:
    """The answer of a repeat does not depend on today's balance."""
    out = Draft(
        "out",
        "withdrawal",
        [line(WALLET, "10.00", ("client", "c1")), line(CLEARING, "-10.00", ("psp", "p1"))],
    )
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00")
    first = await single(database, tenant, out)

    assert await single(database, tenant, out) == first
    assert await batch(database, tenant, out) == [first]
    async with database.tenant_read(tenant) as session:
        assert (await queries.balances(session, code=WALLET))[0].balance.amount == 0
    async with database.tenant(tenant) as session:
        assert (await wallet(session)).amount == 0


async def test_pairs_alone_and_in_batches_at_once_count_each_key_once(
    database: Database, tenant: TenantRef
) -> None:
    """What was moved for a key that another client had first is put back, unseen."""
    clients = ("a", "b", "c", "d")
    async with database.tenant(tenant) as session:
        for client in clients:
            await pay_in(session, "100.00", client=client)
    drafts = [
        Draft(
            f"move:{number}",
            "transfer",
            [
                line(WALLET, "1.00", ("client", clients[number % 4])),
                line(WALLET, "-1.00", ("client", clients[(number + 1 + number % 3) % 4])),
            ],
        )
        for number in range(24)
    ]

    async def alone(shift: int) -> list[UUID]:
        order = drafts[shift:] + drafts[:shift]
        found = [await single(database, tenant, one) for one in order]
        return found[-shift:] + found[:-shift]

    async def together() -> list[UUID]:
        return [
            found
            for first in range(0, len(drafts), 6)
            for found in await batch(database, tenant, *drafts[first : first + 6])
        ]

    answers = await asyncio.gather(alone(6), together(), alone(12), together(), alone(18))

    assert len({tuple(ids) for ids in answers}) == 1
    async with database.tenant_read(tenant) as reading:
        assert (await queries.count_entries(reading))[0] == len(clients) + len(drafts)
        assert (await verify(reading)).ok
