"""Hundreds of random trades: the SQL and an independent arithmetic agree to the cent."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select

from introducers.models import CommissionLine
from introducers.provisioning import FAMILIES
from revenue.models import RevenueLine
from tests.factories.introducers import client_of, partner
from tests.factories.trades import SYMBOLS, deal
from tests.factories.trading import NOON
from tests.introducers.conftest import Office
from tests.oracles.commissions import Rates, Side, cents_half_up, paid_cents

TRADES = 150
SILVER = {"FX Majors": "5", "FX Minors": "4", "Metals": "4"}
MASTER = {"FX Majors": "7", "FX Minors": "6", "Metals": "6"}
POINTS = {"EURUSD": 10, "GBPUSD": 10, "USDJPY": 10, "EURGBP": 10, "XAUUSD": 13}
RATES = {"USD": ("1.00000000",), "JPY": ("0.00661214", "0.00648333"), "GBP": ("1.27311111",)}


def side(row: Any, points: int) -> Side:
    """Read a deal as sent on the wire."""
    return Side(
        lots=Fraction(int(row["VolumeExt"]), 100_000_000),
        contract=Fraction(row["ContractSize"]),
        points=Fraction(points),
        point=Fraction(1, 10 ** int(row["Digits"])),
        rate=Fraction(row["RateProfit"]),
        commission=-Fraction(row["Commission"]),
    )


def random_trade(
    chance: random.Random, login: int, number: int, *, raw: bool
) -> tuple[Any, Any, int]:
    """Return an opening, a full or partial close of it, and the seconds it was held."""
    symbol = chance.choice(list(SYMBOLS))
    lots = chance.randint(2, 500)
    part = lots if chance.random() < 0.6 else chance.randint(1, lots)
    held = chance.choice((30, 119, 120, 600, 86_400))
    start = NOON - timedelta(days=9, minutes=7 * number)
    rate = chance.choice(RATES[SYMBOLS[symbol][2]])
    ticket = 100_000 + number * 10
    common = {"Symbol": symbol, "RateProfit": rate, "PositionID": str(ticket)}

    def row(size: int, ticket: int, **fields: Any) -> Any:
        charged = f"-{(Decimal(size) * Decimal('0.035')).quantize(Decimal('0.01'))}"
        return deal(
            login,
            f"{size / 100:.2f}",
            ticket=ticket,
            Commission=charged if raw else "0.00",
            **common,
            **fields,
        )

    closing = row(part, ticket + 1, Entry="1", Action="1", at=start + timedelta(seconds=held))
    return row(lots, ticket, Entry="0", at=start), closing, held


async def test_the_sums_agree_to_the_cent(office: Office) -> None:
    """Every line of revenue and of commission is what exact fractions say."""
    chance = random.Random(20261110)
    await office.offer("STD2", points=POINTS)
    async with office.database.tenant(office.tenant) as session:
        master = await partner(session, "Atlas", plan="MASTER")
        sub = await partner(session, "Sari", parent=master, ratio="1.1")
        low = await partner(session, "Low", parent=sub)
        client = await client_of(session, low)
    chain = [low, sub, master]
    logins = {code: await office.account(code, client_id=client) for code in ("STD2", "RAW")}
    expected: dict[tuple[int, UUID], int] = {}
    revenue: dict[tuple[int, str], int] = {}
    rows: list[Any] = []
    for number in range(TRADES):
        raw = chance.random() < 0.4
        opened, closed, held = random_trade(
            chance, logins["RAW" if raw else "STD2"], number, raw=raw
        )
        symbol = opened["Symbol"]
        points = 0 if raw else POINTS[symbol]
        family = SYMBOLS[symbol][0]
        assert family in FAMILIES
        rates = [
            Rates(Fraction(SILVER[family]), Fraction(30)),
            Rates(Fraction(SILVER[family]), Fraction(30), Fraction(11, 10)),
            Rates(Fraction(MASTER[family]), Fraction(50)),
        ]
        sides = side(opened, points), side(closed, points)
        for who, cents in zip(
            chain, paid_cents(*sides, rates, by_percent=raw, held=held), strict=True
        ):
            expected[int(closed["Deal"]), who.id] = cents
        for row, one in zip((opened, closed), sides, strict=True):
            revenue[int(row["Deal"]), "markup"] = cents_half_up(one.markup)
            revenue[int(row["Deal"]), "commission"] = cents_half_up(one.commission)
        rows += [opened, closed]

    chance.shuffle(rows)
    for start in range(0, len(rows), 40):
        await office.play(*rows[start : start + 40])

    async with office.database.tenant_read(office.tenant) as session:
        paid = {
            (line.ticket, line.partner_id): int(line.amount * 100)
            for line in await session.scalars(select(CommissionLine).where(CommissionLine.latest))
        }
        earned = {
            (line.ticket, line.kind): int(line.amount * 100)
            for line in await session.scalars(select(RevenueLine).where(RevenueLine.latest))
        }
    assert paid == expected
    assert sum(paid.values()) > 0
    assert earned == {key: cents for key, cents in revenue.items() if cents or key[1] == "markup"}
