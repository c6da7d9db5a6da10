"""A trading server with offers, and the pipeline from stored deals to commissions."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from introducers import commissions
from introducers.models import CommissionLine, Partner
from kernel.actor import TenantRef
from kernel.database import Database
from revenue import lines
from tests.factories.trades import TradingDesk


class Office(TradingDesk):
    """A trading desk whose deals are booked and paid for, as the subscribers do it."""

    async def play(self, *rows: Any) -> int:
        """Store deals, book their revenue and accrue; return the commission lines changed."""
        await self.store(*rows)
        tickets = [int(row["Deal"]) for row in rows]
        async with self.database.tenant(self.tenant) as session:
            await lines.book(session, server_id=self.server_id, tickets=tickets)
        return await self.accrue(*tickets)

    async def accrue(self, *tickets: int) -> int:
        """Accrue what deals pay."""
        async with self.database.tenant(self.tenant) as session:
            return await commissions.accrue(session, server_id=self.server_id, tickets=tickets)

    async def lines_of(self, partner: Partner, *, latest: bool = True) -> list[CommissionLine]:
        """Return a partner's lines."""
        async with self.database.tenant_read(self.tenant) as session:
            rows = await session.scalars(
                select(CommissionLine)
                .where(CommissionLine.partner_id == partner.id, CommissionLine.latest.is_(latest))
                .order_by(CommissionLine.ticket, CommissionLine.revision)
            )
            return list(rows)

    async def paid(self, partner: Partner) -> list[str]:
        """Return the amounts of a partner's lines."""
        return [f"{line.amount:.2f}" for line in await self.lines_of(partner)]


@pytest.fixture
async def office(database: Database, tenant: TenantRef) -> Office:
    """A server with instruments and the usual offers."""
    made = Office(database, tenant)
    await made.symbols()
    await made.offer("STD", points={"EURUSD": 10, "EURGBP": 10, "USDJPY": 10})
    await made.offer("RAW")
    await made.offer("CENT", points={"EURUSD": 15}, currency="USC")
    return made
