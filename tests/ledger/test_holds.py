"""Money that is set aside is used, released or expires, and never more than is there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.ids import uuid7
from ledger import holds, queries
from ledger.errors import HoldClosed, InsufficientFunds, KeyReused, UnpostableEntry
from ledger.lines import Line
from ledger.verification import verify
from tests.ledger.book import TRADING, WALLET, line, pay_in, wallet

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def reserve(
    session: TenantSession, amount: str, key: str = "h", reference: str = "W", **options: Any
) -> UUID:
    """Set an amount of the wallet aside."""
    return await holds.reserve(
        session,
        key=key,
        code=WALLET,
        currency="EUR",
        owner=("client", "c1"),
        amount=Decimal(amount),
        reference=reference,
        **options,
    )


def transfer(amount: str) -> list[Line]:
    """Return the lines that move an amount from the wallet to a trading account."""
    return [line(WALLET, amount, ("client", "c1")), line(TRADING, f"-{amount}", ("account", "a"))]


async def test_a_hold_lowers_what_is_available(tenant_session: TenantSession) -> None:
    """The balance stays, the available part falls."""
    await pay_in(tenant_session, "100.00")
    await reserve(tenant_session, "60.00")

    found = await wallet(tenant_session)
    assert [found.amount, found.held, found.available] == [100, 60, 40]


async def test_a_reserve_beyond_what_is_available_is_refused_and_the_transaction_lives(
    tenant_session: TenantSession,
) -> None:
    """The refusal is an answer, not an error of the database."""
    await pay_in(tenant_session, "100.00")
    await reserve(tenant_session, "60.00")

    with pytest.raises(InsufficientFunds):
        await reserve(tenant_session, "40.01", key="h2")
    await reserve(tenant_session, "40.00", key="h3")
    assert (await wallet(tenant_session)).available == 0


async def test_a_wallet_that_never_was_holds_nothing(tenant_session: TenantSession) -> None:
    """No account is opened by asking."""
    with pytest.raises(InsufficientFunds):
        await reserve(tenant_session, "0.01")
    with pytest.raises(UnpostableEntry):
        await reserve(tenant_session, "-1.00")
    assert await queries.count_entries(tenant_session) == (0, 0, 0)


async def test_the_same_key_reserves_once(database: Database, tenant: TenantRef) -> None:
    """Other content under the key is refused."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")
        first = await reserve(session, "60.00")
        assert await reserve(session, "60.0") == first

    with pytest.raises(KeyReused):
        async with database.tenant(tenant) as session:
            await reserve(session, "60.01")


@pytest.mark.parametrize("amount", ["100.00", "10.00"])
async def test_the_same_key_at_once_reserves_once(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, amount: str
) -> None:
    """A concurrent repeat finds the first hold: not an empty wallet, and not a second share."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")

    async def once() -> UUID:
        async with database.tenant(tenant) as session:
            return await reserve(session, amount)

    async with database.tenant(tenant) as session:
        # The wallet's row is locked by this deposit until all reserves wait for it.
        await pay_in(session, "5.00", key="last")
        waiting = [asyncio.create_task(once()) for _ in range(6)]
        while await superuser.fetchval(_WAITING) < len(waiting):
            await asyncio.sleep(0.01)
    ids = await asyncio.gather(*waiting)

    async with database.tenant(tenant) as session:
        assert len(set(ids)) == 1
        assert (await wallet(session)).held == Decimal(amount)


async def test_a_hundred_reserves_at_once_take_exactly_what_is_there(
    database: Database, tenant: TenantRef
) -> None:
    """40 of 100 requests of 2.50 fit into 100.00; the others are refused, none is lost."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")

    async def once(number: int) -> bool:
        try:
            async with database.tenant(tenant) as session:
                await reserve(session, "2.50", key=f"h{number}")
        except InsufficientFunds:
            return False
        return True

    won = await asyncio.gather(*(once(number) for number in range(100)))

    async with database.tenant(tenant) as session:
        found = await wallet(session)
        assert [sum(won), found.held, found.available] == [40, 100, 0]
        assert (await verify(session)).ok


async def test_a_posted_hold_moves_the_money_once(database: Database, tenant: TenantRef) -> None:
    """Repeating the post returns its entry; releasing it afterwards is refused."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")
        hold_id = await reserve(session, "60.00")
        lines = transfer("60.00")
        first = await holds.post(session, hold_id=hold_id, key="t", kind="transfer", lines=lines)
        again = await holds.post(session, hold_id=hold_id, key="t", kind="transfer", lines=lines)
        found = await wallet(session)
        assert first == again
        assert [found.amount, found.held] == [40, 0]

    with pytest.raises(HoldClosed):
        async with database.tenant(tenant) as session:
            await holds.void(session, hold_id=hold_id, reason="late")
    with pytest.raises(HoldClosed):
        async with database.tenant(tenant) as session:
            await holds.post(
                session, hold_id=hold_id, key="t2", kind="transfer", lines=transfer("1.00")
            )


async def test_a_partly_used_hold_releases_the_rest(tenant_session: TenantSession) -> None:
    """What the entry does not take is available again."""
    await pay_in(tenant_session, "100.00")
    hold_id = await reserve(tenant_session, "60.00")

    await holds.post(
        tenant_session, hold_id=hold_id, key="t", kind="transfer", lines=transfer("45.00")
    )

    found = await wallet(tenant_session)
    assert [found.amount, found.held, found.available] == [55, 0, 55]


async def test_an_entry_takes_no_more_than_its_hold(database: Database, tenant: TenantRef) -> None:
    """Even when the wallet would have it."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")
        hold_id = await reserve(session, "60.00")

    with pytest.raises(UnpostableEntry):
        async with database.tenant(tenant) as session:
            await holds.post(
                session, hold_id=hold_id, key="t", kind="transfer", lines=transfer("60.01")
            )


async def test_a_voided_hold_gives_the_money_back_once(tenant_session: TenantSession) -> None:
    """Voiding twice is harmless."""
    await pay_in(tenant_session, "100.00")
    hold_id = await reserve(tenant_session, "60.00")

    await holds.void(tenant_session, hold_id=hold_id, reason="cancelled")
    await holds.void(tenant_session, hold_id=hold_id, reason="cancelled")

    found = await queries.hold(tenant_session, hold_id=hold_id)
    assert found is not None
    assert (found.state, found.reason) == ("voided", "cancelled")
    assert (await wallet(tenant_session)).available == 100


async def test_a_hold_expires_by_postgresqls_clock(tenant_session: TenantSession) -> None:
    """Only holds whose time has passed are released."""
    await pay_in(tenant_session, "100.00")
    past = await reserve(tenant_session, "10.00", expires_at=now() - timedelta(seconds=60))
    await reserve(tenant_session, "20.00", key="h2", expires_at=now() + timedelta(hours=1))
    await reserve(tenant_session, "30.00", key="h3")

    assert await holds.expire(tenant_session) == 1

    found = await queries.hold(tenant_session, hold_id=past)
    assert found is not None
    assert found.state == "expired"
    assert (await wallet(tenant_session)).held == 50


async def test_an_unknown_hold_is_not_pending(database: Database, tenant: TenantRef) -> None:
    """There is nothing to release."""
    with pytest.raises(HoldClosed):
        async with database.tenant(tenant) as session:
            await holds.void(session, hold_id=uuid7(), reason="x")
