"""Many amounts are set aside and many holds are used by one call, which keeps every rule."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession, driver
from ledger import entries, holds, queries
from ledger.errors import HoldClosed, InsufficientFunds, KeyReused, UnpostableEntry
from ledger.holds import Reservation
from ledger.lines import Draft
from ledger.verification import verify
from tests.ledger.book import TRADING, WALLET, line, pay_in, wallet

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def wanted(key: str, amount: str, client: str = "c1", reference: str = "W") -> Reservation:
    """Return a reservation on a client's wallet in EUR."""
    return Reservation(key, WALLET, "EUR", ("client", client), Decimal(amount), reference)


async def reserve(session: TenantSession, *reservations: Reservation) -> list[UUID | None]:
    """Set the amounts aside in one call."""
    return await holds.reserve_batch(session, reservations=reservations)


async def reserve_all(session: TenantSession, *reservations: Reservation) -> list[UUID]:
    """Set the amounts aside, each of which must be there."""
    found = await reserve(session, *reservations)
    ids = [hold_id for hold_id in found if hold_id is not None]
    assert len(ids) == len(found)
    return ids


def top_up(key: str, amount: str, hold_id: UUID | None = None, client: str = "c1") -> Draft:
    """Return the entry that moves an amount from a wallet to a trading account."""
    lines = [
        line(WALLET, amount, ("client", client)),
        line(TRADING, f"-{amount}", ("account", f"a-{client}")),
    ]
    return Draft(key, "transfer", lines, "T", hold_id=hold_id)


async def pay_clients(database: Database, tenant: TenantRef, *clients: str) -> None:
    """Give each client 100.00 EUR."""
    async with database.tenant(tenant) as session:
        for client in clients:
            await pay_in(session, "100.00", client=client)


async def held(session: TenantSession, *clients: str) -> list[Decimal]:
    """Return what is held of each client's wallet."""
    return [(await wallet(session, client)).held for client in clients]


async def test_a_batch_sets_aside_like_single_reserves(
    database: Database, tenant: TenantRef
) -> None:
    """Ids come in the order of the reservations, and each hold is what was asked for."""
    await pay_clients(database, tenant, "c1", "c2", "c3")
    until = now()
    async with database.tenant(tenant) as session:
        second = replace(wanted("h2", "20.00", "c2", "second"), expires_at=until)
        ids = await reserve_all(
            session, wanted("h3", "30.00", "c3"), second, wanted("h1", "10.00", "c1")
        )

        assert await held(session, "c1", "c2", "c3") == [10, 20, 30]
        found = [await queries.hold(session, hold_id=hold_id) for hold_id in ids]
        assert [hold.key for hold in found if hold] == ["h3", "h2", "h1"]
        assert found[1] is not None
        assert [found[1].amount, found[1].currency] == [20, "EUR"]
        assert (found[1].reference, found[1].expires_at) == ("second", until)
        assert await holds.reserve_batch(session, reservations=[]) == []
        assert (await verify(session)).ok


async def test_what_is_not_there_leaves_the_rest_of_the_batch(
    database: Database, tenant: TenantRef
) -> None:
    """None stands in its place, and the transaction lives on."""
    await pay_clients(database, tenant, "c1", "c2")
    async with database.tenant(tenant) as session:
        ids = await reserve(
            session,
            wanted("h1", "100.00", "c1"),
            wanted("h2", "100.01", "c2"),
            wanted("h3", "0.01", "nobody"),
        )
        assert [hold_id is None for hold_id in ids] == [False, True, True]
        assert await held(session, "c1", "c2") == [100, 0]

    async with database.tenant(tenant) as session:
        assert await held(session, "c1", "c2") == [100, 0]
        assert (await reserve(session, wanted("h2", "100.00", "c2"))) != [None]


@pytest.mark.parametrize(
    ("amounts", "served"),
    [(["60", "40"], [True, True]), (["60", "50", "40", "0.01"], [True, False, True, False])],
)
async def test_one_account_is_served_in_order_and_no_further_than_it_reaches(
    database: Database, tenant: TenantRef, amounts: list[str], served: list[bool]
) -> None:
    """What all want together may be too much, and then the first ones get it."""
    await pay_clients(database, tenant, "c1", "c2")
    async with database.tenant(tenant) as session:
        several = [wanted(f"h{number}", amount) for number, amount in enumerate(amounts)]
        ids = await reserve(session, *several, wanted("other", "5.00", "c2"))

        assert [hold_id is not None for hold_id in ids] == [*served, True]
        assert await held(session, "c1", "c2") == [100, 5]
        assert (await verify(session)).ok


async def test_a_repeated_key_gives_the_first_hold(database: Database, tenant: TenantRef) -> None:
    """Whether it was used before, or twice in the batch; nothing is set aside for it again."""
    await pay_clients(database, tenant, "c1", "c2")
    async with database.tenant(tenant) as session:
        single = await holds.reserve(
            session,
            key="h1",
            code=WALLET,
            currency="EUR",
            owner=("client", "c1"),
            amount=Decimal(70),
            reference="W",
        )
        batch = [
            wanted("h1", "70.00"),
            wanted("h2", "20.00"),
            wanted("h3", "90.00", "c2"),
            wanted("h2", "20.0"),
        ]
        ids = await reserve(session, *batch)
    async with database.tenant(tenant) as session:
        assert await reserve(session, *batch) == ids
        assert ids[0] == single
        assert ids[1] == ids[3]
        assert await held(session, "c1", "c2") == [90, 90]


@pytest.mark.parametrize(
    "other",
    [
        wanted("h1", "10.01"),
        wanted("h1", "10.00", "c2"),
        wanted("h1", "10.00", reference="X"),
        wanted("h1", "10.00", "nobody"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_a_key_that_reserved_something_else_refuses_the_batch(
    database: Database,
    tenant: TenantRef,
    other: Reservation,
    together: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Nothing of the batch stays, whether the other use is in the batch or before it."""
    await pay_clients(database, tenant, "c1", "c2")
    batch = [wanted("h1", "10.00"), wanted("h2", "5.00", "c2"), other]
    if not together:
        async with database.tenant(tenant) as session:
            await reserve_all(session, batch.pop(0))

    with pytest.raises(KeyReused):
        async with database.tenant(tenant) as session:
            await reserve(session, *batch)

    async with database.tenant(tenant) as session:
        assert await held(session, "c1", "c2") == [0 if together else 10, 0]


async def test_a_key_used_meanwhile_on_another_account_refuses_the_batch(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The other use is not yet committed when the batch looks, and is when it inserts."""
    await pay_clients(database, tenant, "c1", "c2")

    async def late() -> None:
        async with database.tenant(tenant) as session:
            await reserve(session, wanted("h1", "10.00", "c2"), wanted("h2", "1.00", "c2"))

    async with database.tenant(tenant) as session:
        await reserve_all(session, wanted("h1", "10.00", "c1"))
        waiting = asyncio.create_task(late())
        while await superuser.fetchval(_WAITING) < 1:
            await asyncio.sleep(0.01)
    with pytest.raises(KeyReused):
        await waiting

    async with database.tenant(tenant) as session:
        assert await held(session, "c1", "c2") == [10, 0]


@pytest.mark.parametrize("amount", ["100.00", "10.00"])
async def test_the_same_batch_at_once_reserves_once(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, amount: str
) -> None:
    """A concurrent repeat finds the first holds: not an empty wallet, and not a second share."""
    clients = [f"c{number}" for number in range(4)]
    await pay_clients(database, tenant, *clients)

    async def once() -> list[UUID]:
        async with database.tenant(tenant) as session:
            return await reserve_all(session, *(wanted(f"h{one}", amount, one) for one in clients))

    async with database.tenant(tenant) as session:
        # The wallets' rows are locked by these deposits until all batches wait for one.
        for client in clients:
            await pay_in(session, "5.00", client=client, key=f"last:{client}")
        waiting = [asyncio.create_task(once()) for _ in range(6)]
        while await superuser.fetchval(_WAITING) < len(waiting):
            await asyncio.sleep(0.01)
    found = await asyncio.gather(*waiting)

    async with database.tenant(tenant) as session:
        assert all(ids == found[0] for ids in found)
        assert await held(session, *clients) == [Decimal(amount)] * 4


async def test_batches_at_once_take_exactly_what_is_there(
    database: Database, tenant: TenantRef
) -> None:
    """20 batches in turned orders want 10.00 of each of 8 wallets of 100.00: 10 of each get it."""
    clients = [f"c{number}" for number in range(8)]
    await pay_clients(database, tenant, *clients)

    async def once(number: int) -> int:
        order = clients if number % 2 else clients[::-1]
        batch = [wanted(f"h{number}:{client}", "10.00", client) for client in order]
        async with database.tenant(tenant) as session:
            return sum(hold_id is not None for hold_id in await reserve(session, *batch))

    won = await asyncio.gather(*(once(number) for number in range(20)))

    async with database.tenant(tenant) as session:
        assert sum(won) == 80
        assert await held(session, *clients) == [100] * 8
        assert (await verify(session)).ok


@pytest.mark.parametrize("amount", ["0", "-1.00", "0.005", "NaN", "Infinity"])
async def test_a_reservation_is_a_positive_amount_in_minor_units(
    tenant_session: TenantSession, amount: str
) -> None:
    """The check comes before the database, so that the transaction lives on."""
    await pay_in(tenant_session, "100.00")
    with pytest.raises(UnpostableEntry):
        await reserve(tenant_session, wanted("h1", "1.00"), wanted("h2", amount))
    assert await held(tenant_session, "c1") == [0]


@pytest.mark.parametrize("amount", ["-5", "0", "0.000000001", "NaN", None])
async def test_postgresql_itself_reserves_only_positive_amounts(
    database: Database, tenant: TenantRef, amount: str | None
) -> None:
    """A negative hold would make money available that is not there."""
    await pay_clients(database, tenant, "c1")
    one = {"key": "h", "code": WALLET, "currency": "EUR", "owner_kind": "client"}
    batch = json.dumps([{**one, "owner_id": "c1", "amount": amount}])
    with pytest.raises(asyncpg.PostgresError, match="positive amount"):
        async with database.tenant(tenant) as session:
            await (await driver(session)).fetchval("SELECT reserve_batch($1)::text[]", batch)


async def test_a_batch_uses_holds_up(database: Database, tenant: TenantRef) -> None:
    """Also several of one account; what an entry does not take is available again."""
    await pay_clients(database, tenant, "c1", "c2")
    async with database.tenant(tenant) as session:
        first, second, third, kept = await reserve_all(
            session,
            wanted("h1", "60.00"),
            wanted("h2", "30.00"),
            wanted("h3", "100.00", "c2"),
            wanted("h4", "5.00"),
        )
        ids = await entries.post_batch(
            session,
            drafts=[
                top_up("t3", "100.00", third, "c2"),
                top_up("t1", "60.00", first),
                top_up("t2", "12.50", second),
            ],
        )

        for hold_id, entry_id in ((third, ids[0]), (first, ids[1]), (second, ids[2])):
            found = await queries.hold(session, hold_id=hold_id)
            assert found is not None
            assert (found.state, found.entry_id) == ("posted", entry_id)
            assert found.closed_at is not None
        pending = await queries.hold(session, hold_id=kept)
        assert pending is not None
        assert pending.state == "pending"
        left = await wallet(session)
        assert [left.amount, left.held] == [Decimal("27.50"), 5]
        assert (await wallet(session, "c2")).available == 0
        assert (await verify(session)).ok


async def test_entries_with_and_without_holds_share_a_batch(
    database: Database, tenant: TenantRef
) -> None:
    """An entry without a hold reaches only what nobody has set aside."""
    await pay_clients(database, tenant, "c1")
    async with database.tenant(tenant) as session:
        mine, _ = await reserve_all(session, wanted("h1", "60.00"), wanted("h2", "30.00"))

    with pytest.raises(InsufficientFunds):
        async with database.tenant(tenant) as session:
            await entries.post_batch(
                session, drafts=[top_up("t1", "60.00", mine), top_up("t2", "10.01")]
            )
    async with database.tenant(tenant) as session:
        await entries.post_batch(
            session, drafts=[top_up("t1", "60.00", mine), top_up("t2", "10.00")]
        )
        found = await wallet(session)
        assert [found.amount, found.held, found.available] == [30, 30, 0]
        assert (await verify(session)).ok


async def test_a_closed_hold_refuses_the_whole_batch(database: Database, tenant: TenantRef) -> None:
    """Voided before, or used by another entry of the same batch."""
    await pay_clients(database, tenant, "c1")
    async with database.tenant(tenant) as session:
        good, voided = await reserve_all(session, wanted("h1", "10.00"), wanted("h2", "10.00"))
        await holds.void(session, hold_id=voided, reason="cancelled")

    for bad in (voided, good, UUID(int=7)):
        with pytest.raises(HoldClosed):
            async with database.tenant(tenant) as session:
                await entries.post_batch(
                    session, drafts=[top_up("t1", "1.00", good), top_up("t2", "1.00", bad)]
                )

    async with database.tenant(tenant) as session:
        found = await wallet(session)
        assert [found.amount, found.held] == [100, 10]


async def test_a_batch_takes_no_more_than_each_hold(database: Database, tenant: TenantRef) -> None:
    """Not even when another hold of the account would cover it, nor from another account."""
    await pay_clients(database, tenant, "c1", "c2")
    async with database.tenant(tenant) as session:
        small, large = await reserve_all(session, wanted("h1", "10.00"), wanted("h2", "50.00"))
    gives = Draft(
        "t2",
        "transfer",
        [line(WALLET, "-1.00", ("client", "c1")), line(WALLET, "1.00", ("client", "c2"))],
        hold_id=small,
    )

    for bad in (top_up("t2", "10.01", small), top_up("t2", "1.00", small, "c2"), gives):
        with pytest.raises(UnpostableEntry):
            async with database.tenant(tenant) as session:
                await entries.post_batch(session, drafts=[top_up("t1", "20.00", large), bad])

    async with database.tenant(tenant) as session:
        assert await held(session, "c1") == [60]


async def test_repeating_a_batch_uses_its_holds_once(database: Database, tenant: TenantRef) -> None:
    """Also with an entry twice in it, and with a new one; another hold is other content."""
    await pay_clients(database, tenant, "c1")
    async with database.tenant(tenant) as session:
        first, second = await reserve_all(session, wanted("h1", "10.00"), wanted("h2", "10.00"))
        one, two = top_up("t1", "10.00", first), top_up("t2", "10.00", second)
        ids = await entries.post_batch(session, drafts=[one, one])
    async with database.tenant(tenant) as session:
        again = await entries.post_batch(session, drafts=[two, one])
        assert (await wallet(session)).amount == 80

    assert ids == [again[1], again[1]]
    for other in (replace(one, hold_id=second), replace(one, hold_id=None)):
        with pytest.raises(KeyReused):
            async with database.tenant(tenant) as session:
                await entries.post_batch(session, drafts=[other])


@pytest.mark.parametrize("single_first", [True, False])
async def test_a_batch_and_a_single_post_are_the_same_request(
    database: Database,
    tenant: TenantRef,
    single_first: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A key posted in one way and repeated in the other gives the first entry."""
    await pay_clients(database, tenant, "c1")
    async with database.tenant(tenant) as session:
        [hold_id] = await reserve_all(session, wanted("h1", "10.00"))
    draft = replace(
        top_up("t1", "10.00", hold_id), external_reference="ticket 7", occurred_at=now()
    )

    async def single() -> UUID:
        async with database.tenant(tenant) as session:
            return await entries.post(
                session,
                key=draft.key,
                kind=draft.kind,
                lines=draft.lines,
                reference=draft.reference,
                external_reference=draft.external_reference,
                occurred_at=draft.occurred_at,
                hold_id=hold_id,
            )

    async def batch() -> UUID:
        async with database.tenant(tenant) as session:
            return (await entries.post_batch(session, drafts=[draft]))[0]

    ways = [single, batch] if single_first else [batch, single]
    assert await ways[0]() == await ways[1]()

    async with database.tenant(tenant) as session:
        found = await wallet(session)
        assert [found.amount, found.held] == [90, 0]


async def test_batches_at_once_use_a_hold_once_and_never_wait_in_a_circle(
    database: Database, tenant: TenantRef
) -> None:
    """Of two entries for each hold one is posted; holds and balances are locked in one order."""
    clients = [f"c{number}" for number in range(6)]
    await pay_clients(database, tenant, *clients)
    async with database.tenant(tenant) as session:
        ids = await reserve_all(session, *(wanted(f"h{one}", "10.00", one) for one in clients))

    async def once(number: int) -> bool:
        pairs = list(zip(clients, ids, strict=True))
        drafts = [
            top_up(f"t{number}:{client}", "10.00", hold_id, client)
            for client, hold_id in (pairs if number % 2 else pairs[::-1])
        ]
        try:
            async with database.tenant(tenant) as session:
                await entries.post_batch(session, drafts=drafts)
        except HoldClosed:
            return False
        return True

    won = await asyncio.gather(*(once(number) for number in range(8)))

    async with database.tenant(tenant) as session:
        assert sum(won) == 1
        assert [(await wallet(session, one)).amount for one in clients] == [90] * 6
        assert (await verify(session)).ok
