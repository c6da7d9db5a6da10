"""What trades make or cost goes into the book once, and follows what the server changes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, chart, entries, periods
from ledger import queries as ledger_queries
from ledger.models import Entry
from ledger.verification import verify
from tests.factories import trading as factory
from tests.factories.trades import TradingDesk, deal
from trading import results
from trading.models import TradingAccount


@pytest.fixture
async def desk(database: Database, tenant: TenantRef) -> TradingDesk:
    """A server with one offer in dollars, and one of a demo folder."""
    made = TradingDesk(database, tenant)
    await made.symbols()
    await made.offer("STD")
    await made.offer("DEMO", folder="demo\\alpha")
    return made


async def _book(desk: TradingDesk, *tickets: int) -> int:
    async with desk.database.tenant(desk.tenant) as session:
        return await results.book(session, server_id=desk.server_id, tickets=tickets or None)


async def _balance(desk: TradingDesk, login: int) -> Decimal:
    async with desk.database.tenant_read(desk.tenant) as session:
        account = await session.scalar(select(TradingAccount).where(TradingAccount.login == login))
        assert account is not None
        found = await ledger_queries.balance(
            session, code=chart.TRADING_ACCOUNT, currency="USD", owner=("account", account.id)
        )
        return found.amount


async def _income(desk: TradingDesk, code: str) -> Decimal:
    async with desk.database.tenant_read(desk.tenant) as session:
        found = await ledger_queries.balance(session, code=code, currency="USD", owner=chart.HOUSE)
        return found.amount


async def _whole(desk: TradingDesk) -> bool:
    async with desk.database.tenant_read(desk.tenant) as session:
        return (await verify(session)).ok


def _closing(login: int, profit: str, **fields: Any) -> Any:
    return deal(login, "1.00", Entry="1", Action="1", Profit=profit, **fields)


async def test_a_trade_moves_the_account_by_profit_and_charges(desk: TradingDesk) -> None:
    """+250.40 less 7.00 commission and 1.25 swap: 242.15, and each part has its place."""
    login = await desk.account("STD")
    await desk.store(_closing(login, "250.40", Commission="-7.00", Storage="-1.25"))

    posted = await _book(desk)

    assert posted == 1
    assert await _balance(desk, login) == Decimal("242.15")
    assert await _income(desk, chart.B_BOOK) == Decimal("-250.40")
    assert await _income(desk, chart.COMMISSION) == Decimal("7.00")
    assert await _income(desk, chart.SWAP) == Decimal("1.25")
    assert await _whole(desk)


async def test_a_replay_posts_nothing(desk: TradingDesk) -> None:
    """The same deals again, by their tickets or as a whole, find everything booked."""
    login = await desk.account("STD")
    await desk.store(_closing(login, "10.00", ticket=77_001))
    first = await _book(desk, 77_001)

    again = await _book(desk, 77_001) + await _book(desk)

    assert (first, again) == (1, 0)
    assert await _balance(desk, login) == Decimal("10.00")


async def test_two_workers_at_once_book_a_deal_once(desk: TradingDesk) -> None:
    """The lock of the server lets the second see what the first has booked."""
    login = await desk.account("STD")
    await desk.store(*(_closing(login, "10.00", ticket=78_000 + n) for n in range(20)))
    tickets = [78_000 + n for n in range(20)]

    posted = await asyncio.gather(*(_book(desk, *tickets) for _ in range(4)))

    assert sorted(posted) == [0, 0, 0, 1]
    assert await _balance(desk, login) == Decimal("200.00")


async def test_a_changed_deal_posts_the_difference_and_a_cancelled_one_is_taken_back(
    desk: TradingDesk,
) -> None:
    """10.00 becomes 8.50, then the deal is cancelled: 10.00, -1.50, -8.50."""
    login = await desk.account("STD")
    await desk.store(_closing(login, "10.00", ticket=79_001))
    await _book(desk, 79_001)
    await desk.store(_closing(login, "8.50", ticket=79_001))
    await _book(desk, 79_001)
    changed = await _balance(desk, login)
    await desk.store(deal(login, "1.00", ticket=79_001, Entry="1", Action="14", Profit="8.50"))
    await _book(desk, 79_001)

    assert changed == Decimal("8.50")
    assert await _balance(desk, login) == 0
    assert await _whole(desk)


async def test_balance_deals_are_no_result(desk: TradingDesk) -> None:
    """Deposits and credits are booked by their intents; a charge of the server is a result."""
    login = await desk.account("STD")
    await desk.store(
        deal(login, "0", Action="2", Profit="500.00", Symbol="EURUSD"),
        deal(login, "0", Action="3", Profit="50.00", Symbol="EURUSD"),
        deal(login, "0", Action="4", Profit="-5.00", Symbol="EURUSD"),
    )

    await _book(desk)

    assert await _balance(desk, login) == Decimal("-5.00")
    assert await _income(desk, chart.FEES) == Decimal("5.00")


async def test_a_stop_out_takes_an_account_below_zero_by_force(desk: TradingDesk) -> None:
    """100.00 paid in and 330.00 lost stand at -230.00, and the book holds."""
    login = await desk.account("STD")
    async with desk.database.tenant(desk.tenant) as session:
        account = await session.scalar(select(TradingAccount).where(TradingAccount.login == login))
        assert account is not None
        client = str(uuid7())
        paid = Money.of("100.00", "USD")
        await entries.post(
            session, key="in", kind="deposit", lines=bookings.deposit("psp", client, paid)
        )
        moved = bookings.move(bookings.wallet(client), bookings.trading_account(account.id), paid)
        await entries.post(session, key="to", kind="transfer", lines=moved)
    await desk.store(_closing(login, "-330.00"))

    await _book(desk)

    assert await _balance(desk, login) == Decimal("-230.00")
    assert await _whole(desk)


async def test_deals_of_demo_groups_are_nobodys_money(desk: TradingDesk) -> None:
    """No entry, whatever they win."""
    login = await desk.account("DEMO")
    await desk.store(_closing(login, "9999.00"))

    assert await _book(desk) == 0


async def test_deals_that_came_first_are_booked_when_their_account_is_known(
    desk: TradingDesk, database: Database, tenant: TenantRef
) -> None:
    """A deal of an unknown login waits, and is posted when the login has its account."""
    login = 955_001
    await desk.store(_closing(login, "12.00"))
    waiting = await _book(desk)
    await factory.open_account(
        database, tenant, server_id=desk.server_id, login=login, group_name="real\\alpha\\STD-USD"
    )

    async with desk.database.tenant(desk.tenant) as session:
        posted = await results.book_login(session, server_id=desk.server_id, login=login)

    assert (waiting, posted) == (0, 1)
    assert await _balance(desk, login) == Decimal("12.00")


async def test_an_entry_counts_from_its_last_deal_unless_that_period_is_closed(
    desk: TradingDesk,
) -> None:
    """A trade of the tenth counts from there; after the month was closed, from now."""
    login = await desk.account("STD")
    at = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)
    await desk.store(_closing(login, "10.00", ticket=81_001, at=at))
    await _book(desk, 81_001)
    async with desk.database.tenant(desk.tenant) as session:
        await periods.close(session, before=at + timedelta(days=1))
    await desk.store(_closing(login, "5.00", ticket=81_002, at=at + timedelta(minutes=5)))
    started = now()
    await _book(desk, 81_002)

    async with desk.database.tenant_read(desk.tenant) as session:
        found = await session.scalars(
            select(Entry.occurred_at)
            .where(Entry.kind == "trading_result")
            .order_by(Entry.recorded_at)
        )
        first, second = found.all()
    assert first == at
    assert second >= started - timedelta(seconds=5)
