"""Clients' money by finance examples E12 and E13, through real rows, day by day."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import update

from kernel.clock import now
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, chart, debts, entries
from ledger.lines import Line, credit, debit
from tests.factories.trading import open_account
from tests.treasury.banks.house import House
from tests.treasury.banks.statements import Wire, camt
from tests.treasury.desk import add_client
from trading.models import TradingAccount
from treasury.banks import accounts
from treasury.reconciliation import client_money, queries, runs
from treasury.reconciliation.client_money import NothingToMove
from treasury.reconciliation.models import ClientMoneyDay

PSP = uuid7()


async def _e13(house: House, bank: str) -> None:
    """Four clients: wallets, a debt, a pending withdrawal, and equity on a trading server."""

    def usd(text: str) -> Money:
        return Money.of(text, "USD")

    async with house.by() as session:
        a, b, c, d = [str(await add_client(session, name)) for name in ("Ann", "Bo", "Cy", "Di")]
        clearing = bookings.clearing(PSP)
        drafts: dict[str, list[Line]] = {
            "a": bookings.move(clearing, bookings.wallet(a), usd("1400.00")),
            "a-out": bookings.move(
                bookings.wallet(a), (chart.WITHDRAWALS_PENDING, ("client", a)), usd("200.00")
            ),
            "b": bookings.move(clearing, bookings.wallet(b), usd("64.90")),
            "c": bookings.move(clearing, bookings.wallet(c), usd("5.00")),
            "c-out": bookings.move(bookings.wallet(c), (chart.FEES, chart.HOUSE), usd("5.00")),
            "bank": [
                debit(chart.BANK, chart.MAIN_BANK, usd(bank)),
                credit(chart.OPENING, chart.HOUSE, usd(bank)),
            ],
        }
        for key, lines in drafts.items():
            await entries.post(session, key=key, kind="example", lines=lines)
        await debts.claim(
            session,
            key="b-back",
            kind="chargeback",
            client_id=b,
            amount=usd("100.00"),
            credit=clearing,
        )
    for login, (client_id, equity, credit_) in enumerate(
        ((a, "640.25", "100"), (b, "310.00", "0"), (d, "-12.40", "0")), 920_001
    ):
        account_id = await open_account(
            house.database,
            house.tenant,
            server_id=uuid7(),
            login=login,
            group_name="real\\alpha\\STD-USD",
            client_id=client_id,  # type: ignore[arg-type]
        )
        async with house.by() as session:
            # A's equity holds 100.00 of the brokerage's own credit, which is nobody's money.
            await session.execute(
                update(TradingAccount)
                .where(TradingAccount.id == account_id)
                .values(equity=Decimal(equity), credit=Decimal(credit_))
            )


async def _day(house: House, currency: str = "USD") -> ClientMoneyDay:
    """Reconcile today and return clients' money of it."""
    async with house.by() as session:
        await runs.reconcile(session, day=now().date())
    async with house.by() as session:
        [found] = await queries.money_days(session, currency=currency)
        return found


@pytest.mark.parametrize(
    ("bank", "shortfall", "excess"),
    [("2190.40", "24.75", "0"), ("2300.00", "0", "84.85"), ("2215.15", "0", "0")],
)
async def test_e13_is_stored_day_by_day(
    house: House, bank: str, shortfall: str, excess: str
) -> None:
    """Requirement 2,215.15; nobody who owes lowers what others have."""
    await _e13(house, bank)
    day = await _day(house)

    found = client_money.comparison(day)
    assert (found.requirement, found.resource) == (Decimal("2215.15"), Decimal(bank))
    assert (found.shortfall, found.excess) == (Decimal(shortfall), Decimal(excess))
    assert (day.wallets, day.owed, day.pending, day.equity) == (
        Decimal("1200.00"),
        Decimal("35.10"),
        Decimal("200.00"),
        Decimal("837.85"),
    )
    assert day.clients == 2


@pytest.mark.parametrize(("bank", "moved"), [("2190.40", "24.75"), ("2300.00", "-84.85")])
async def test_two_people_make_clients_money_whole(house: House, bank: str, moved: str) -> None:
    """E12 row 4: segregated bank against own; what is too much goes back the same way."""
    await _e13(house, bank)
    day = await _day(house)
    async with house.by() as session:
        asked = await client_money.ask_top_up(session, day_id=day.id)
    assert asked.summary.startswith("Pay in 24.75" if moved == "24.75" else "Take out 84.85")

    await house.agree(asked)
    await house.granted(asked)

    owner = chart.MAIN_BANK
    assert await house.balance(chart.BANK, owner, "USD") == Decimal("2215.15")
    assert await house.balance(chart.BANK_OWN, owner, "USD") == -Decimal(moved)
    again = await _day(house)
    assert again.requirement == again.resource
    async with house.by() as session:
        for one in (day.id, again.id):
            with pytest.raises(NothingToMove):
                await client_money.ask_top_up(session, day_id=one)


async def test_e12_deposit_fee_settlement_and_top_up(house: House) -> None:
    """1,000.00 by card, a fee of 24.25, 975.75 at the bank, 24.25 paid in: all of it is whole."""
    eur = Money.of("1000.00", "EUR")
    async with house.by() as session:
        await accounts.know_sender(session, connection_id=house.cards_id, words="ACME PAYMENTS")
        for key, lines in (
            ("1", bookings.deposit(house.cards_id, house.client_id, eur)),
            ("2", bookings.provider_fee(house.cards_id, Money.of("24.25", "EUR"))),
        ):
            await entries.post(session, key=key, kind="example", lines=lines)
    await house.take(camt(Wire("975.75", "Payout", "Acme Payments")))
    assert await house.balances() == {"bank": Decimal("975.75"), "wallet": Decimal(-1000)}

    day = await _day(house, "EUR")
    assert client_money.comparison(day).shortfall == Decimal("24.25")
    async with house.by() as session:
        asked = await client_money.ask_top_up(session, day_id=day.id)
    await house.agree(asked)

    assert await house.balances() == {
        "bank": Decimal(1000),
        "own": Decimal("-24.25"),
        "wallet": Decimal(-1000),
    }
    assert client_money.comparison(await _day(house, "EUR")).shortfall == 0


async def test_what_stands_in_suspense_may_be_a_clients_and_counts(house: House) -> None:
    """It is no excess that could be taken out."""
    await house.take(camt(Wire("50.00", "Rent")))
    day = await _day(house, "EUR")

    assert (day.unallocated, day.requirement, day.resource) == (Decimal(50),) * 3
