"""Revenue of a deal is booked once, restated with the deal, and can be redone by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.events import OutboxEvent
from revenue import lines
from revenue.events import RevenueBooked
from revenue.models import RevenueLine
from tests.factories.trades import TradingDesk, deal, trade
from tests.factories.trading import NOON


@pytest.fixture
async def desk(database: Database, tenant: TenantRef) -> TradingDesk:
    """A server with instruments and the two usual offers."""
    made = TradingDesk(database, tenant)
    await made.symbols()
    await made.offer("STD", points={"EURUSD": 10, "USDJPY": 16, "XAUUSD": 13})
    await made.offer("RAW")
    return made


async def book(desk: TradingDesk, *rows: Any, tenant: TenantRef | None = None) -> int:
    """Store deals and book them as the subscriber does."""
    await desk.store(*rows)
    async with desk.database.tenant(tenant or desk.tenant) as session:
        return await lines.book(
            session, server_id=desk.server_id, tickets=[int(row["Deal"]) for row in rows]
        )


async def found(desk: TradingDesk, ticket: Any, *, latest: bool = True) -> dict[str, RevenueLine]:
    """Return a deal's lines by kind."""
    async with desk.database.tenant_read(desk.tenant) as session:
        rows = await session.scalars(
            select(RevenueLine).where(
                RevenueLine.ticket == int(ticket), RevenueLine.latest.is_(latest)
            )
        )
        return {row.kind: row for row in rows}


async def test_half_of_the_groups_markup_is_earned_on_each_side(desk: TradingDesk) -> None:
    """Two lots with one pip of mark-up earn 10.00 on each side: 20.00 for the trade (R5)."""
    login = await desk.account("STD")
    opened, closed = trade(login, "2.00")

    await book(desk, opened, closed)

    sides = [(await found(desk, row["Deal"]))["markup"] for row in (opened, closed)]
    assert [side.amount for side in sides] == [Decimal(10), Decimal(10)]
    assert sides[0].arithmetic["points"] == "10"
    assert sides[0].arithmetic["exact"] == "10"


async def test_a_euro_account_earns_in_euros(desk: TradingDesk) -> None:
    """Example E1: 14.10 USD at 1.08450 are 13.00 EUR in account and base currency."""
    desk.tenant = replace(desk.tenant, base_currency="EUR")
    await desk.offer("EUR", points={"EURUSD": 12}, currency="EUR")
    login = await desk.account("EUR")
    row = deal(login, "2.35", RateProfit="0.92208391")

    await book(desk, row)

    line = (await found(desk, row["Deal"]))["markup"]
    assert (line.amount_deal, line.deal_currency) == (Decimal("14.10"), "USD")
    assert (line.amount, line.currency) == (Decimal("13.00"), "EUR")
    assert (line.amount_base, line.rate) == (Decimal("13.00"), Decimal(1))


async def test_the_base_amount_comes_from_the_unrounded_one(desk: TradingDesk) -> None:
    """Example E2: 1,360 JPY are 8.99 USD and 8.29 EUR, at a rate of the mirror's own market."""
    desk.tenant = replace(desk.tenant, base_currency="EUR")
    login = await desk.account("STD")
    quote = deal(
        login, "0.01", at=NOON - timedelta(hours=1), MarketBid="1.0845", MarketAsk="1.0845"
    )
    row = deal(login, "1.70", Symbol="USDJPY", RateProfit="0.00661214")

    await book(desk, quote, row)

    line = (await found(desk, row["Deal"]))["markup"]
    assert (line.amount_deal, line.deal_currency) == (Decimal(1360), "JPY")
    assert line.amount == Decimal("8.99")
    assert line.amount_base == Decimal("8.29")
    assert line.rate_source == f"EURUSD middle of deal {quote['Deal']}"
    exact = Decimal(line.arithmetic["exact"]) / Decimal("1.0845")
    assert abs(Decimal(line.arithmetic["exact_base"]) - exact) < Decimal("1e-12")


async def test_without_a_rate_the_base_amount_waits(desk: TradingDesk) -> None:
    """No rate is invented; when one becomes known the line gets it, once."""
    desk.tenant = replace(desk.tenant, base_currency="EUR")
    login = await desk.account("STD")
    gold = deal(login, "1.00", Symbol="XAUUSD")
    await book(desk, gold)
    assert (await found(desk, gold["Deal"]))["markup"].amount_base is None

    quote = deal(login, "0.01", at=NOON - timedelta(hours=1), MarketBid="1.25", MarketAsk="1.25")
    await book(desk, quote)
    async with desk.database.tenant(desk.tenant) as session:
        assert await lines.book_without_rate(session) == 1
    async with desk.database.tenant(desk.tenant) as session:
        assert await lines.book_without_rate(session) == 0

    line = (await found(desk, gold["Deal"]))["markup"]
    assert (line.amount, line.amount_base) == (Decimal("6.50"), Decimal("5.20"))


async def test_commission_is_what_the_server_posted(desk: TradingDesk) -> None:
    """Example E4: 4.31, 1.75 and 2.56 posted by the server add up to 8.62, not to 8.61."""
    login = await desk.account("RAW")
    opened = deal(login, "1.23", Commission="-4.31", Entry="0")
    parts = [
        deal(login, "0.50", Commission="-1.75", Entry="1", PositionID=opened["PositionID"]),
        deal(login, "0.73", Commission="-2.56", Entry="1", PositionID=opened["PositionID"]),
    ]

    await book(desk, opened, *parts)

    posted = [(await found(desk, row["Deal"]))["commission"].amount for row in (opened, *parts)]
    assert posted == [Decimal("4.31"), Decimal("1.75"), Decimal("2.56")]
    assert sum(posted) == Decimal("8.62")


async def test_swap_and_fee_turn_the_sign(desk: TradingDesk) -> None:
    """Example E3, B-book: a swap of -65.25 charged is 65.25 earned; a fee likewise."""
    login = await desk.account("STD")
    row = deal(login, "3.00", Storage="-65.25", Fee="-1.50", Entry="1")

    await book(desk, row)

    kinds = await found(desk, row["Deal"])
    assert (kinds["swap"].amount, kinds["fee"].amount) == (Decimal("65.25"), Decimal("1.50"))
    assert "commission" not in kinds


async def test_booking_again_changes_nothing(desk: TradingDesk) -> None:
    """The second booking finds its lines, and nobody is told again."""
    login = await desk.account("STD")
    rows = trade(login, "1.00")

    assert await book(desk, *rows) == 2
    assert await book(desk, *rows) == 0

    async with desk.database.tenant_read(desk.tenant) as session:
        told = await session.scalar(
            select(func.count())
            .select_from(OutboxEvent)
            .where(OutboxEvent.topic == RevenueBooked.topic)
        )
    assert told == 1


async def test_bookings_at_once_leave_one_line(desk: TradingDesk) -> None:
    """Ten workers that book the same deals leave what one would."""
    login = await desk.account("STD")
    rows = trade(login, "1.00")
    await desk.store(*rows)

    async def again() -> int:
        async with desk.database.tenant(desk.tenant) as session:
            return await lines.book(session, server_id=desk.server_id)

    changed = await asyncio.gather(*(again() for _ in range(8)))

    assert sorted(changed) == [0] * 7 + [2]
    assert (await found(desk, rows[0]["Deal"]))["markup"].amount == Decimal(5)


async def test_a_changed_deal_restates_its_lines(desk: TradingDesk) -> None:
    """Only the new version counts, the old one can still be read, and the points stay."""
    login = await desk.account("STD")
    row = deal(login, "1.00")
    await book(desk, row)
    async with desk.database.tenant(desk.tenant) as session:
        from trading.models import PlatformGroup

        group = await session.get(PlatformGroup, (desk.server_id, "real\\alpha\\STD-USD"))
        assert group is not None
        group.spread_diffs = {"EURUSD": 99}

    changed = {**row, "Volume": "20000", "VolumeExt": "200000000", "Commission": "-1.00"}
    assert await book(desk, changed) == 1

    now = await found(desk, row["Deal"])
    assert (now["markup"].version, now["markup"].amount) == (2, Decimal(10))
    assert now["commission"].amount == Decimal(1)
    assert (await found(desk, row["Deal"], latest=False))["markup"].amount == Decimal(5)


async def test_a_cancelled_deal_earns_nothing(desk: TradingDesk) -> None:
    """A deal that becomes BUY_CANCELED loses its lines."""
    login = await desk.account("STD")
    row = deal(login, "1.00")
    await book(desk, row)

    assert await book(desk, {**row, "Action": "13"}) == 1

    assert await found(desk, row["Deal"]) == {}


async def test_closing_by_an_opposite_position_pays_no_spread(desk: TradingDesk) -> None:
    """The side that closes by another position meets no market price."""
    login = await desk.account("STD")
    row = deal(login, "1.00", Entry="3")

    await book(desk, row)

    assert (await found(desk, row["Deal"]))["markup"].amount == 0


async def test_demo_accounts_earn_nothing(desk: TradingDesk) -> None:
    """Deals of a demo group are no revenue."""
    await desk.offer("DEMO", points={"EURUSD": 10}, folder="demo\\alpha")
    login = await desk.account("DEMO")
    row = deal(login, "1.00")

    assert await book(desk, row) == 0


async def test_another_brokerage_sees_nothing(desk: TradingDesk, other_tenant: TenantRef) -> None:
    """Lines stay in the schema of the brokerage that earned them."""
    login = await desk.account("STD")
    await book(desk, deal(login, "1.00"))

    async with desk.database.tenant_read(other_tenant) as session:
        assert await session.scalar(select(func.count()).select_from(RevenueLine)) == 0
