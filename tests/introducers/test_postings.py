"""The daily close posts what partners earned, once, and late differences after it."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

from introducers import partners, postings, queries
from introducers.models import Partner
from kernel.money import Money
from ledger import chart, entries, verification
from ledger import queries as ledger_queries
from ledger.lines import credit, debit
from tests.factories.introducers import client_of, partner
from tests.factories.trades import trade
from tests.introducers.conftest import Office

TOMORROW = dt.date(2026, 11, 11)
TODAY = dt.date(2026, 11, 10)


async def earned(office: Office, lots: str = "2.00") -> tuple[Partner, tuple[object, object]]:
    """Return a partner whose client has closed a trade."""
    async with office.database.tenant(office.tenant) as session:
        made = await partner(session, "Sari")
        client = await client_of(session, made)
    login = await office.account("STD", client_id=client)
    rows = trade(login, lots)
    await office.play(*rows)
    return made, rows


async def wallet(office: Office, who: Partner) -> Decimal:
    """Return what the book owes a partner."""
    async with office.database.tenant_read(office.tenant) as session:
        found = await ledger_queries.balance(
            session, code=chart.PARTNER_WALLET, currency="USD", owner=("partner", who.id)
        )
        assert (await verification.verify(session)).ok
        return found.amount


async def open_amount(office: Office, who: Partner) -> Decimal:
    """Return what a partner's lines have earned that the book does not have."""
    async with office.database.tenant_read(office.tenant) as session:
        return await queries.not_yet_posted(session, partner_id=who.id)


async def test_a_closed_day_is_posted_once(office: Office) -> None:
    """The day itself is not closed; afterwards one entry is posted, whatever the repetitions."""
    who, _ = await earned(office)

    assert await postings.close_days(office.database, office.tenant, before=TODAY) == 0
    assert await open_amount(office, who) == Decimal(10)
    assert await postings.close_days(office.database, office.tenant, before=TOMORROW) == 1
    assert await postings.close_days(office.database, office.tenant, before=TOMORROW) == 0

    assert await wallet(office, who) == Decimal(10)
    assert await open_amount(office, who) == 0


async def test_two_closes_at_once_post_once(office: Office) -> None:
    """Schedulers that meet leave one entry."""
    who, _ = await earned(office)

    done = await asyncio.gather(
        *(postings.close_days(office.database, office.tenant, before=TOMORROW) for _ in range(6))
    )

    assert sum(done) == 1
    assert await wallet(office, who) == Decimal(10)


async def test_a_late_difference_is_one_more_entry(office: Office) -> None:
    """A restated deal of a closed day posts only what changed, up or down."""
    who, (_, closed) = await earned(office)
    await postings.close_days(office.database, office.tenant, before=TOMORROW)

    for lots, amount in (("10000", "5.00"), ("20000", "10.00")):
        await office.play({**closed, "Volume": lots, "VolumeExt": f"{lots}0000"})  # type: ignore[dict-item]
        assert await postings.close_days(office.database, office.tenant, before=TOMORROW) == 1
        assert await wallet(office, who) == Decimal(amount)


async def test_a_difference_the_wallet_lacks_waits(office: Office) -> None:
    """What was paid out already is not taken below zero; the rest is posted when money is there."""
    who, (_, closed) = await earned(office)
    await postings.close_days(office.database, office.tenant, before=TOMORROW)
    async with office.database.tenant(office.tenant) as session:
        out = Money(Decimal(8), "USD")
        await entries.post(
            session,
            key="payout",
            kind="test_payout",
            lines=[
                debit(chart.PARTNER_WALLET, ("partner", who.id), out),
                credit(chart.BANK, chart.MAIN_BANK, out),
            ],
        )
    await office.play({**closed, "Volume": "10000", "VolumeExt": "100000000"})  # type: ignore[dict-item]

    assert await postings.close_days(office.database, office.tenant, before=TOMORROW) == 0
    assert (await wallet(office, who), await open_amount(office, who)) == (Decimal(2), Decimal(-5))


async def test_a_suspended_partner_accrues_and_waits(office: Office) -> None:
    """Nothing is posted while somebody is suspended, and everything when they are back."""
    who, _ = await earned(office)
    async with office.database.tenant(office.tenant) as session:
        await partners.suspend(session, partner_id=who.id, reason="A dispute is open")
    assert await postings.close_days(office.database, office.tenant, before=TOMORROW) == 0
    async with office.database.tenant(office.tenant) as session:
        await partners.resume(session, partner_id=who.id)
    assert await postings.close_days(office.database, office.tenant, before=TOMORROW) == 1
    assert await wallet(office, who) == Decimal(10)
