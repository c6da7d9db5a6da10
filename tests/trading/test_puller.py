"""The puller reads what happens on the server, each tenant's own, one process a server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from connectors.trading.port import TradingConnection
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.money import Money
from tenants import servers
from tests.factories.trading import open_account
from tests.fixtures.mt5_simulator import Mt5Simulator
from tests.trading.conftest import GROUP, OTHER_GROUP, Connections, connect, new_login
from tests.trading.desk import eventually
from trading import deals, operations, puller, queries, states
from trading.deals import Share
from trading.models import Deal

MASKS = ("real\\alpha\\*", "real\\beta\\*")


class Fixed:
    """The same connection for every server; counts how often it was asked for."""

    def __init__(self, connection: TradingConnection) -> None:
        """Remember the connection."""
        self.connection = connection
        self.asked = 0

    async def get(self, server_id: UUID) -> TradingConnection:
        """Return the connection."""
        self.asked += 1
        return self.connection


@pytest.fixture
async def server_id(
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    vault: Vault,
    server: Mt5Simulator,
) -> UUID:
    """Register the simulator in control, with both tenants on it."""
    async with database.control() as session:
        row = await servers.register(
            session,
            name="Test server",
            kind="mt5_rest",
            address=f"{server.host}:{server.port}",
            manager_login=str(server.manager),
            password=server.password,
            fingerprint=server.fingerprint,
            vault=vault,
        )
        for each, mask in zip((tenant, other_tenant), MASKS, strict=True):
            await servers.assign(session, server_id=row.id, tenant_id=each.id, group_mask=mask)
        return row.id


def trade(server: Mt5Simulator, login: int, *, lots: str = "1.00") -> list[int]:
    """Have the simulator book one closed position of the last hour; return its deals' tickets."""
    now = int(time.time())
    tickets: list[int] = server.operator(
        "POST",
        "/_simulator/trade",
        {
            "login": login,
            "symbol": "EURUSD",
            "action": "buy",
            "lots": lots,
            "open_time": now - 600,
            "close_time": now - 300,
        },
    )["tickets"]
    return tickets


@contextlib.asynccontextmanager
async def running(database: Database, connections: Fixed) -> AsyncIterator[None]:
    """Run a puller beside the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(puller.run(database, connections, stop, poll_seconds=0.2))
    try:
        yield
    finally:
        stop.set()
        await task


async def tickets_of(database: Database, tenant: TenantRef) -> set[int]:
    """Return the tickets in a tenant's mirror."""
    async with database.tenant_read(tenant) as session:
        return set((await session.scalars(select(Deal.ticket))).all())


async def test_each_tenant_gets_its_own_deals_and_balances(
    *,
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    connections: Connections,
    server: Mt5Simulator,
    server_id: UUID,
) -> None:
    """Trades of both tenants arrive in seconds, in the right mirror, with the account's money.

    The deals are dated minutes back, as a dealer's late booking is.
    """
    mine = await new_login(connections.connection, GROUP)
    theirs = await new_login(connections.connection, OTHER_GROUP)
    account_id = await open_account(
        database, tenant, server_id=server_id, login=mine, group_name=GROUP
    )
    fixed = Fixed(connections.connection)

    async with running(database, fixed):
        deposit = await connections.connection.cash(mine, "deposit", Decimal(5000), "hello")
        my_deals = trade(server, mine)
        their_deals = trade(server, theirs)
        async for _ in eventually(20):
            if set(my_deals) <= await tickets_of(database, tenant) and set(
                their_deals
            ) <= await tickets_of(database, other_tenant):
                break
        (state,) = await connections.connection.account_states(logins=[mine])
        async for _ in eventually(20):
            async with database.tenant_read(tenant) as session:
                account = await queries.account(session, account_id)
            if account is not None and account.balance == state.balance:
                break

    assert deposit in await tickets_of(database, tenant)
    assert not set(their_deals) & await tickets_of(database, tenant)
    assert not set(my_deals) & await tickets_of(database, other_tenant)
    async with database.tenant_read(tenant) as session:
        found = await queries.deals_of(session, server_id=server_id, login=mine)
        (health,) = await queries.health(session)
    assert {deal.ticket for deal in found} == {deposit, *my_deals}
    assert {deal.lots for deal in found if deal.symbol == "EURUSD"} == {Decimal(1)}
    assert health.lag_seconds == 0
    assert health.error == ""


async def test_two_pullers_share_a_server_by_its_lease(
    database: Database, server: Mt5Simulator, connections: Connections, server_id: UUID
) -> None:
    """Only the holder of the lease polls; when it stops, the other takes over."""
    other = connect(server)
    first, second = Fixed(connections.connection), Fixed(other.connection)
    async with running(database, second):
        async with running(database, first):
            async for _ in eventually(10):
                if first.asked + second.asked > 3:
                    break
            assert 0 in {first.asked, second.asked}
            early = second.asked
        if early == 0:
            async for _ in eventually(10):
                if second.asked:
                    break
        assert second.asked > 0
    await other.connection.close()


async def test_an_edited_deal_is_seen_by_the_rescan(
    database: Database,
    tenant: TenantRef,
    connections: Connections,
    server: Mt5Simulator,
    server_id: UUID,
) -> None:
    """A dealer's edit outside the overlap comes with the next look back, as a new version."""
    login = await new_login(connections.connection, GROUP)
    tickets = trade(server, login)
    share = Share(tenant, MASKS[0])
    await deals.pull(database, server_id, tenants=[share], connection=connections.connection)
    server.operator("POST", "/_simulator/deal", {"ticket": tickets[-1], "profit": "12.34"})

    changed = await deals.rescan(
        database,
        server_id,
        tenants=[share],
        connection=connections.connection,
        back=timedelta(hours=2),
    )
    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=server_id, ticket=tickets[-1])
        versions = await queries.deal_versions(session, server_id=server_id, ticket=tickets[-1])
    assert changed == 1
    assert deal is not None
    assert (deal.version, deal.profit) == (2, Decimal("12.34"))
    assert len(versions) == 1


async def test_a_server_in_another_zone_gives_utc(
    database: Database,
    tenant: TenantRef,
    connections: Connections,
    server: Mt5Simulator,
    server_id: UUID,
) -> None:
    """The server's wall clock is three hours ahead; the mirror's time is UTC, beside the raw."""
    server.operator("POST", "/_simulator/clock", {"timezone_minutes": 180})
    try:
        login = await new_login(connections.connection, GROUP)
        ticket = await connections.connection.cash(login, "deposit", Decimal(10), "zone")
        share = Share(tenant, MASKS[0])
        await deals.pull(database, server_id, tenants=[share], connection=connections.connection)
        await states.refresh(database, server_id, share=share, connection=connections.connection)
    finally:
        server.operator("POST", "/_simulator/clock", {"timezone_minutes": 120})
    async with database.tenant_read(tenant) as session:
        deal = await queries.deal(session, server_id=server_id, ticket=ticket)
        moment = await session.scalar(select(Deal.synced_at).where(Deal.ticket == ticket))
    assert deal is not None
    assert moment is not None
    assert deal.server_offset_seconds == 3 * 3600
    assert abs((moment - deal.time_utc).total_seconds()) < 30


async def test_a_server_that_is_down_shows_in_the_health(
    database: Database,
    tenant: TenantRef,
    connections: Connections,
    server_id: UUID,
) -> None:
    """The failure is written where the tenant's administrator looks, and polling goes on."""
    share = Share(tenant, MASKS[0])
    await deals.pull(database, server_id, tenants=[share], connection=connections.connection)
    nowhere = type(connections.connection)("127.0.0.1:1", login=1, password="x")

    async with running(database, Fixed(nowhere)):
        async for _ in eventually(10):
            async with database.tenant_read(tenant) as session:
                (health,) = await queries.health(session)
            if health.error:
                break
    assert "Unreachable" in health.error


async def test_money_on_the_server_is_matched_with_what_was_asked(
    *,
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    connections: Connections,
    server_id: UUID,
) -> None:
    """Every balance deal has its operation and the reverse; a dealer's own booking stands out."""
    login = await new_login(connections.connection, GROUP)
    account_id = await open_account(
        database, tenant, server_id=server_id, login=login, group_name=GROUP
    )
    async with database.tenant(tenant) as session:
        asked = await operations.request_cash(
            session,
            operations.CashRequest(
                account_id=account_id,
                kind="deposit",
                amount=Money.of("40", "USD"),
                reference="DEP-1",
            ),
        )
    await operations.execute(
        database,
        tenant,
        operation_ids=[asked.id],
        connections=Fixed(connections.connection),
        vault=vault,
        quiet_seconds=1.0,
    )
    dealers = await connections.connection.cash(login, "deposit", Decimal(7), "by hand")
    later = datetime.now(UTC) + timedelta(hours=1)

    async with database.tenant_read(tenant) as session:
        unseen = await queries.unmatched_operations(session, server_id=server_id, before=later)
    await deals.pull(
        database,
        server_id,
        tenants=[Share(tenant, MASKS[0])],
        connection=connections.connection,
    )
    async with database.tenant_read(tenant) as session:
        seen = await queries.unmatched_operations(session, server_id=server_id, before=later)
        loose = await queries.unmatched_deals(
            session, server_id=server_id, since=later - timedelta(hours=2)
        )
    assert [operation.id for operation in unseen] == [asked.id]
    assert list(seen) == []
    assert [deal.ticket for deal in loose if deal.login == login] == [dealers]


async def test_open_positions_are_mirrored_and_leave_when_closed(
    database: Database,
    tenant: TenantRef,
    connections: Connections,
    server_id: UUID,
) -> None:
    """A position stands in the mirror with its lots as long as it is open on the server."""
    login = await new_login(connections.connection, GROUP)
    await connections.connection.cash(login, "deposit", Decimal(5000), "margin")
    share = Share(tenant, MASKS[0])

    async def dealer(**order: object) -> None:
        session = connections.connection._session
        await session.write(
            "/api/dealer/send_request", {"login": login, "symbol": "BTCUSD", **order}
        )

    async def mirrored() -> list[tuple[str, str, Decimal]]:
        await states.refresh(database, server_id, share=share, connection=connections.connection)
        async with database.tenant_read(tenant) as session:
            found = await queries.positions_of(session, server_id=server_id, login=login)
        return [(one.symbol, one.side, one.lots) for one in found]

    await dealer(type=1, volume=200)
    assert await mirrored() == [("BTCUSD", "sell", Decimal("0.02"))]
    positions = await connections.connection.positions(MASKS[0])
    mine = next(one.ticket for one in positions if one.login == login)
    await dealer(type=0, volume=200, position=mine)
    assert await mirrored() == []
