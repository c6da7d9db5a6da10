"""Bonuses are a liability until used or taken back, and bear negative balances first."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from ledger import bookings, chart
from tests.treasury.adjustments.office import Office
from treasury.adjustments import bonuses, queries, write_offs
from treasury.adjustments.bonuses import BonusEnded
from treasury.adjustments.models import Adjustment, Bonus
from treasury.adjustments.write_offs import NothingToWriteOff


async def give(office: Office, account: UUID, amount: str) -> Adjustment:
    """Give a bonus, which the server books as credit."""
    made = await office.ask(office.wish("bonus", amount, account=account))
    await office.books(made.reference, "credit")
    return made


async def bonus_of(office: Office, one: Adjustment) -> Bonus:
    """Return a bonus as it is now."""
    async with office.database.tenant_read(office.tenant) as session:
        found = await queries.bonus(session, one.id)
    assert found is not None
    return found


async def owed(office: Office, account: UUID) -> Decimal:
    """Return what the book owes as bonuses of an account."""
    return (await office.room.has((chart.BONUS, ("account", account)), "USD"))[0]


async def test_a_bonus_is_owed_from_when_the_server_has_booked_it(office: Office) -> None:
    """The wallet and the account's own money stay as they are."""
    account = await office.room.account(900401)

    made = await office.ask(office.wish("bonus", "50.00", account=account))
    before = await owed(office, account)
    await office.books(made.reference, "credit")

    assert (before, await owed(office, account)) == (Decimal(0), Decimal(50))
    assert await office.room.lines(f"adjustment:{made.id}") == [
        ("expense.bonus", "USD", Decimal("50.00")),
        ("liability.bonus", "USD", Decimal("-50.00")),
    ]
    assert (await bonus_of(office, made)).state == "active"
    await office.room.adds_up()


async def test_a_negative_balance_uses_the_bonus_first_and_the_brokerage_bears_the_rest(
    office: Office,
) -> None:
    """E14: at -230.00 with a bonus of 50.00, 180.00 of 230.00 are the brokerage's expense."""
    account = await office.room.account(900402)
    bonus = await give(office, account, "50.00")
    await office.shows(account, "-230.00")

    async with office.by(office.staff[0]) as session:
        made = await write_offs.request(
            session, key="write-off", account_id=account, reason="Stop-out"
        )
    await office.decide(made)
    await office.books(made.reference, "credit_out", ticket=7101)
    await office.books(made.reference, "deposit", ticket=7102)

    assert await office.room.lines(f"adjustment:{made.id}") == [
        ("liability.bonus", "USD", Decimal("50.00")),
        ("expense.negative_balance", "USD", Decimal("180.00")),
        ("liability.trading_account", "USD", Decimal("-230.00")),
    ]
    assert (await office.room.has(bookings.trading_account(account), "USD"))[0] == Decimal(0)
    assert await owed(office, account) == Decimal(0)
    found = await bonus_of(office, bonus)
    assert (found.state, found.remaining) == ("used", Decimal(0))
    assert (await office.seen(made)).state == "done"
    await office.room.adds_up()


async def test_without_a_bonus_the_brokerage_bears_it_all(office: Office) -> None:
    """A small one needs nobody else; a second request finds nothing below zero."""
    account = await office.room.account(900403)
    await office.shows(account, "-30.00")

    async with office.by(office.staff[0]) as session:
        made = await write_offs.request(session, key="w", account_id=account, reason="Stop-out")
        again = await write_offs.request(session, key="w", account_id=account, reason="Stop-out")
    async with office.by(office.staff[0]) as session:
        with pytest.raises(NothingToWriteOff):
            await write_offs.request(session, key="x", account_id=account, reason="Stop-out")
    await office.books(made.reference, "deposit")
    await office.shows(account, "0")

    assert again.id == made.id
    assert (await office.room.lines(f"adjustment:{made.id}"))[0] == (
        "expense.negative_balance",
        "USD",
        Decimal("30.00"),
    )
    async with office.by(office.staff[0]) as session:
        with pytest.raises(NothingToWriteOff):
            await write_offs.request(session, key="y", account_id=account, reason="Stop-out")
    await office.room.adds_up()


async def test_a_balance_that_moved_while_others_agreed_is_not_written_off(
    office: Office,
) -> None:
    """They agreed to another amount."""
    account = await office.room.account(900404)
    await office.shows(account, "-230.00")
    async with office.by(office.staff[0]) as session:
        made = await write_offs.request(session, key="w", account_id=account, reason="Stop-out")
    await office.shows(account, "-200.00")

    await office.decide(made)

    found = await office.seen(made)
    assert (found.state, found.outcome) == ("failed", "The account's balance has changed since.")


async def test_when_the_second_step_is_refused_the_book_still_follows_the_server(
    office: Office,
) -> None:
    """The credit is gone there, so the bonus is gone here; the deficit is left for a person."""
    account = await office.room.account(900405)
    await give(office, account, "20.00")
    await office.shows(account, "-60.00")
    async with office.by(office.staff[0]) as session:
        made = await write_offs.request(session, key="w", account_id=account, reason="Stop-out")
    await office.books(made.reference, "credit_out")

    await office.refuses(made.reference, "deposit")

    assert (await office.seen(made)).state == "failed"
    assert await owed(office, account) == Decimal(0)
    assert (await office.room.has(bookings.trading_account(account), "USD"))[0] == Decimal(-60)
    await office.room.adds_up()


async def test_staff_takes_a_bonus_back_once(office: Office) -> None:
    """The cost comes back with it."""
    account = await office.room.account(900406)
    bonus = await give(office, account, "50.00")

    async with office.by(office.staff[0]) as session:
        made = await bonuses.cancel(session, key="c", bonus_id=bonus.id, reason="Terms broken")
    await office.books(made.reference, "credit_out", ticket=7201)

    assert (await bonus_of(office, bonus)).state == "cancelled"
    assert (await office.room.has((chart.BONUS_COST, chart.HOUSE), "USD"))[0] == Decimal(0)
    async with office.by(office.staff[0]) as session:
        with pytest.raises(BonusEnded):
            await bonuses.cancel(session, key="d", bonus_id=bonus.id, reason="Again")
    await office.room.adds_up()


async def test_a_withdrawal_burns_the_bonuses_that_say_so(office: Office) -> None:
    """By themselves and whatever the limit for one person is; others stay."""
    account = await office.room.account(900407)
    await office.room.fund(bookings.trading_account(account), "500.00", "USD")
    burning = await office.ask(office.wish("bonus", "150.00", account=account))
    await office.decide(burning)
    await office.books(burning.reference, "credit")
    staying = await office.ask(office.wish("bonus", "10.00", account=account, burns=False))
    await office.books(staying.reference, "credit", ticket=7301)

    moved = await office.room.start(office.room.wish("200.00", source=account))
    await office.books(moved.reference, "withdrawal", ticket=7302)
    async with office.database.tenant_read(office.tenant) as session:
        [taken, *_] = await queries.of_client(session, office.room.client_id, kind="bonus_off")
    await office.books(taken.reference, "credit_out", ticket=7303)

    assert (await bonus_of(office, burning)).state == "burned"
    assert (await bonus_of(office, staying)).state == "active"
    assert await owed(office, account) == Decimal(10)
    await office.room.adds_up()
