"""What a client pays once, and what a chargeback takes back: example E8 with its numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from introducers import plans, postings, rules
from introducers.acquisitions import acquisitions, queries
from introducers.models import Acquisition, Partner
from introducers.rules import Cpa
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import reference, uuid7
from kernel.money import Money
from ledger import bookings, chart, entries, verification
from ledger import queries as ledger_queries
from tests.factories.introducers import LONG_AGO, client_of, partner
from tests.factories.trades import trade
from tests.introducers.conftest import Office
from treasury.adjustments.events import DepositChargedBack, DisputeClosed
from treasury.models import Deposit, PspConnection

CPA = Cpa(Decimal(400), Decimal(200), Decimal("2.00"), days=30, hold_days=14)


def november(day: int, hour: int = 12) -> datetime:
    """Return a moment of the example."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


async def hybrid(session: TenantSession) -> None:
    """Add E8's plan: 400 once, and 3 a lot afterwards."""
    await plans.add(
        session,
        code="HYBRID",
        name="Hybrid",
        version=1,
        structure="rank",
        joining="private",
        auto_approve=False,
        terms=rules.terms(rates={"FX Majors": ["3"]}, percents=["0"], percent_accounts=(), cpa=CPA),
        effective_from=LONG_AGO - timedelta(days=30),
    )


async def pay_in(
    session: TenantSession, client_id: UUID, *, amount: str = "250", at: datetime
) -> Deposit:
    """Pay a deposit of a client in, on a day of the example."""
    connection = PspConnection(
        provider="stripe",
        name=reference("C"),
        credentials_sealed=b"-",
        webhook_token=reference("T"),
    )
    session.add(connection)
    await session.flush()
    deposit = Deposit(
        id=uuid7(),
        reference=reference("DEP"),
        client_id=client_id,
        connection_id=connection.id,
        amount=Decimal(amount),
        currency="USD",
        state="credited",
        reason="",
        settled_amount=Decimal(amount),
        settled_currency="USD",
        settled_at=at,
        credited_at=at,
    )
    session.add(deposit)
    await session.flush()
    return deposit


async def introduced(
    office: Office, *, amount: str = "250", at: datetime | None = None
) -> tuple[Partner, UUID, Deposit, int]:
    """Return a partner on the plan, a client of theirs who has paid in, and the login."""
    async with office.database.tenant(office.tenant) as session:
        await hybrid(session)
        made = await partner(session, "Sari", plan="HYBRID", at=LONG_AGO - timedelta(days=20))
        client_id = await client_of(session, made)
        deposit = await pay_in(session, client_id, amount=amount, at=at or november(1))
    return made, client_id, deposit, await office.account("STD", client_id=client_id)


async def play(office: Office, login: int, lots: str, at: datetime) -> None:
    """Let the client trade, and accrue as the subscriber does."""
    rows = trade(login, lots, at=at, ticket=None)
    await office.play(*rows)
    tickets = [int(row["Deal"]) for row in rows]
    async with office.database.tenant(office.tenant) as session:
        await acquisitions.consider_deals(session, server_id=office.server_id, tickets=tickets)


async def earned(office: Office, client_id: UUID) -> Acquisition | None:
    """Return what was earned once for a client."""
    async with office.database.tenant_read(office.tenant) as session:
        return await queries.acquisition(session, client_id)


async def wallet(office: Office, who: Partner) -> ledger_queries.Balance:
    """Return a partner's wallet, after verifying the book."""
    async with office.database.tenant_read(office.tenant) as session:
        assert (await verification.verify(session)).ok
        return await ledger_queries.balance(
            session, code=chart.PARTNER_WALLET, currency="USD", owner=("partner", who.id)
        )


async def charge_back(office: Office, deposit: Deposit, at: datetime) -> list[Money]:
    """Let the deposit be charged back, told twice; return what the first telling took."""
    event = DepositChargedBack(uuid7(), deposit.id, deposit.client_id, Decimal(250), "USD", at)
    taken = []
    for _ in range(2):
        async with office.database.tenant(office.tenant) as session:
            taken.append(await acquisitions.charged_back(session, event))
    assert taken[1] == []
    return taken[0]


async def example(office: Office) -> tuple[Partner, UUID, Deposit]:
    """Play E8 until 20 November and close its days."""
    who, client_id, deposit, login = await introduced(office)
    for day, lots in ((3, "0.80"), (10, "0.90"), (12, "0.50"), (20, "1.50")):
        await play(office, login, lots, november(day, 10))
    await postings.close_days(office.database, office.tenant, before=november(21).date())
    return who, client_id, deposit


async def test_a_hybrid_plan_accrues_404_50_as_in_e8(office: Office) -> None:
    """400.00 on 12 November at 2.20 lots, payable on the 26th; 4.50 for the 1.50 lots after."""
    who, client_id, _ = await example(office)

    found = await earned(office, client_id)
    assert found is not None
    assert (found.amount, found.lots) == (Decimal(400), Decimal("2.20"))
    assert (found.qualified_at, found.payable_at) == (november(12, 11), november(26, 11))
    assert sorted(await office.paid(who)) == ["0.00", "0.00", "0.00", "4.50"]
    assert (await wallet(office, who)).amount == Decimal("404.50")


async def test_a_chargeback_takes_back_400_and_4_50_as_in_e8(office: Office) -> None:
    """Both dated 28 November; what was paid out on the 26th leaves the wallet at -400.00."""
    who, client_id, deposit = await example(office)
    async with office.database.tenant(office.tenant) as session:
        await entries.post(
            session,
            key="payout",
            kind="partner_payout",
            lines=bookings.move(
                (chart.PARTNER_WALLET, ("partner", who.id)),
                (chart.BANK, chart.MAIN_BANK),
                Money.of("400", "USD"),
            ),
            occurred_at=november(26),
        )

    taken = await charge_back(office, deposit, november(28))

    assert taken == [Money.of("400", "USD"), Money.of("4.50", "USD")]
    async with office.database.tenant_read(office.tenant) as session:
        lines = await ledger_queries.statement(
            session, code=chart.PARTNER_WALLET, currency="USD", owner=("partner", who.id)
        )
        found = await queries.reversals(session, deposit_id=deposit.id)
    assert [(line.amount, line.occurred_at) for line in lines[:2]] == [
        (Decimal("-4.50"), november(28)),
        (Decimal("-400.00"), november(28)),
    ]
    assert [(one.kind, one.amount) for one in found] == [
        ("cpa", Decimal(400)),
        ("rebate", Decimal("4.50")),
    ]
    assert (await wallet(office, who)).amount == Decimal("-400.00")
    made = await earned(office, client_id)
    assert made is not None
    assert made.state == "reversed"


async def test_what_was_not_paid_out_yet_is_cancelled_to_nothing(office: Office) -> None:
    """And a dispute that is won gives it all back."""
    who, client_id, deposit = await example(office)

    await charge_back(office, deposit, november(28))
    cancelled = (await wallet(office, who)).amount
    async with office.database.tenant(office.tenant) as session:
        await acquisitions.dispute_closed(
            session, DisputeClosed(uuid7(), deposit.id, client_id, "won")
        )

    assert cancelled == Decimal(0)
    assert (await wallet(office, who)).amount == Decimal("404.50")


async def test_what_is_earned_once_is_set_aside_until_it_is_payable(office: Office) -> None:
    """A chargeback in that time leaves neither money nor hold."""
    start = now() - timedelta(days=3)
    who, _, deposit, login = await introduced(office, at=start)
    await play(office, login, "2.50", start + timedelta(days=1))
    held = await wallet(office, who)

    await charge_back(office, deposit, now())

    left = await wallet(office, who)
    assert (held.amount, held.available) == (Decimal(400), Decimal(0))
    assert (left.amount, left.held) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(("amount", "lots", "day"), [("199.99", "2.00", 3), ("250", "1.99", 3)])
async def test_a_client_who_brings_in_too_little_earns_nothing_once(
    office: Office, amount: str, lots: str, day: int
) -> None:
    """Below the smallest first deposit, or below the lots."""
    who, client_id, _, login = await introduced(office, amount=amount)

    await play(office, login, lots, november(day, 10))

    assert await earned(office, client_id) is None
    assert (await wallet(office, who)).amount == Decimal(0)


async def test_lots_count_for_thirty_days_and_only_when_held_long_enough(
    office: Office,
) -> None:
    """A trade of a minute, and one on the 31st day, do not qualify."""
    start = november(1) - timedelta(days=40)
    who, client_id, _, login = await introduced(office, at=start)
    for at, held in ((start + timedelta(days=1), 60), (start + timedelta(days=31), 3600)):
        rows = trade(login, "5.00", at=at, held=held)
        await office.play(*rows)
        tickets = [int(row["Deal"]) for row in rows]
        async with office.database.tenant(office.tenant) as session:
            await acquisitions.consider_deals(session, server_id=office.server_id, tickets=tickets)

    assert await earned(office, client_id) is None
    assert set(await office.paid(who)) == {"0.00"}
