"""Runs on the brokerage's own books: what is new opens once, what is gone closes with its cause."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, entries
from ledger.lines import Line
from tests.treasury.banks.house import House, viewer
from tests.treasury.banks.statements import Wire, camt
from treasury.banks.releases import Target
from treasury.models import Deposit, WebhookEvent
from treasury.reconciliation import breaks, queries, runs
from treasury.reconciliation.models import ReconciliationBreak
from treasury.reconciliation.queries import BreakFilter
from treasury.reconciliation.runs import Done


def today() -> date:
    """Return the day it is when a test runs, which may be another than when it was read."""
    return now().date()


async def run(house: House) -> Done:
    """Reconcile today."""
    async with house.by() as session:
        return await runs.reconcile(session, day=today())


async def rows(house: House, *states: str) -> list[ReconciliationBreak]:
    """Return the breaks that are kept, oldest first."""
    async with house.by() as session:
        return await queries.break_slice(
            session,
            narrowed=BreakFilter(states=states),
            order="since",
            descending=False,
            limit=100,
        )


async def paid(
    house: House, amount: str = "100.00", *, hours: int = 12, fee: str | None = None
) -> Deposit:
    """Book a card deposit of some hours ago, as if its provider had told so."""
    deposit = await house.deposit(amount)
    money = Money.of(amount, "EUR")
    async with house.by() as session:
        row = await session.get_one(Deposit, deposit.id)
        row.connection_id = house.cards_id
        moment = now() - timedelta(hours=hours)
        await _post(
            session, deposit, bookings.deposit(house.cards_id, house.client_id, money), moment
        )
        if fee:
            lines = bookings.provider_fee(house.cards_id, Money.of(fee, "EUR"))
            await _post(session, deposit, lines, moment, kind="psp_fee")
    return deposit


async def _post(
    session: TenantSession,
    deposit: Deposit,
    lines: list[Line],
    moment: datetime,
    kind: str = "deposit",
) -> None:
    await entries.post(
        session,
        key=f"{kind}:{deposit.id}:{uuid7()}",
        kind=kind,
        lines=lines,
        reference=deposit.reference,
        occurred_at=moment,
    )


async def told(
    house: House,
    reference: str,
    amount: str = "100.00",
    *,
    state: str = "succeeded",
    payment: str = "pay_1",
    fee: str | None = None,
) -> None:
    """Let the provider have told something, twelve hours ago."""
    async with house.by() as session:
        session.add(
            WebhookEvent(
                connection_id=house.cards_id,
                event_id=str(uuid7()),
                state=state,
                claims=state,
                status=state,
                provider_reference=payment,
                reference=reference,
                amount=Decimal(amount),
                currency="EUR",
                fee=None if fee is None else Decimal(fee),
                fee_currency="EUR",
                body=b"{}",
                received_at=now() - timedelta(hours=12),
                handled_at=now(),
                outcome="",
            )
        )


async def test_books_that_agree_have_no_breaks(house: House) -> None:
    """A card payment with its fee that was told twice, and a wire that a statement shows."""
    deposit = await paid(house, "1000.00", fee="24.25")
    await told(house, deposit.reference, "1000.00", fee="24.25")
    await told(house, deposit.reference, "1000.00")
    wire = await house.deposit("500.00")
    await house.take(camt(Wire("500.00", wire.reference, "Mara Lindqvist")))

    done = await run(house)

    assert (done.run.matched, done.breaks) == (2, ())


async def test_a_break_is_opened_once_and_closes_itself_with_its_cause(house: House) -> None:
    """Run again at will; when the word comes the break goes."""
    deposit = await paid(house)
    first, second = await run(house), await run(house)

    assert [(one.kind, one.side) for one in first.breaks] == [("missing-right", "psp")]
    assert (first.run.opened, second.run.opened, second.run.broken) == (1, 0, 1)
    [row] = await rows(house)
    assert (row.state, row.payment, row.difference) == ("open", deposit.reference, Decimal(100))
    assert row.last_run_id == second.run.id

    await told(house, deposit.reference)
    third = await run(house)

    assert (third.run.closed, third.run.broken) == (1, 0)
    [row] = await rows(house)
    assert (row.state, row.closed_reason) == ("closed", "The other side has it now.")
    async with house.by() as session:
        assert [one.fact for one in await queries.steps(session, row.id)] == ["opened", "closed"]


async def test_two_runs_at_once_open_a_break_once(house: House) -> None:
    """One waits for the other."""
    await paid(house)
    made = await asyncio.gather(*(run(house) for _ in range(3)))

    assert sorted(one.run.opened for one in made) == [0, 0, 1]
    assert len(await rows(house, "open")) == 1


async def test_transit_that_becomes_missing_stays_the_same_break(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a step that says so."""
    await paid(house, hours=3)
    await run(house)
    [row] = await rows(house)
    assert row.kind == "in-transit"

    later = now() + timedelta(hours=4)
    monkeypatch.setattr(runs, "cut_of", lambda _day: later)
    await run(house)

    [again] = await rows(house)
    assert (again.id, again.kind) == (row.id, "missing-right")
    async with house.by() as session:
        facts = [one.fact for one in await queries.steps(session, row.id)]
    assert facts == ["opened", "changed"]


@pytest.mark.parametrize(
    ("say", "kind", "books"),
    [
        ({"amount": "90.00"}, "amount", Decimal(90)),
        ({"fee": "2.00"}, "amount", Decimal("98.00")),
        (None, "missing-right", Decimal(0)),
        ({"state": "chargeback"}, "chargeback", Decimal(0)),
    ],
)
async def test_a_difference_is_written_off_by_two_people_and_stays_away(
    house: House, say: dict[str, str] | None, kind: str, books: Decimal
) -> None:
    """The clearing account stands where the provider says, and the next run finds nothing."""
    deposit = await paid(house, fee="1.00" if say and "fee" in say else None)
    if say is not None:
        if "state" in say:
            await told(house, deposit.reference)
        await told(house, deposit.reference, **say)
    await run(house)
    [row] = await rows(house, "open")
    assert row.kind == kind
    async with house.by() as session:
        await breaks.take_over(session, break_id=row.id, viewer=viewer(house.maker))
        asked = await breaks.ask_write_off(session, break_id=row.id, reason="Agreed by telephone")

    await house.agree(asked)
    await house.granted(asked)

    [row] = await rows(house)
    assert (row.state, row.closed_reason) == ("written_off", "Agreed by telephone")
    assert row.owner_label == house.maker.name
    clearing = await house.balance("asset.psp_clearing", ("psp", house.cards_id))
    assert clearing == books
    assert (await run(house)).breaks == ()
    with pytest.raises(breaks.BreakClosed):
        async with house.by() as session:
            await breaks.remark(session, break_id=row.id, text="More")


async def test_a_break_that_changed_is_not_written_off_as_it_was(house: House) -> None:
    """What was agreed to is not what is there."""
    deposit = await paid(house)
    await run(house)
    [row] = await rows(house, "open")
    async with house.by() as session:
        asked = await breaks.ask_write_off(session, break_id=row.id, reason="Agreed by telephone")
    await told(house, deposit.reference, "90.00")
    await told(house, deposit.reference, "90.00", payment="pay_2")
    await run(house)
    open_now = await rows(house, "open")
    assert {one.kind for one in open_now} == {"amount", "duplicate"}

    await house.agree(asked)

    assert {one.state for one in await rows(house)} == {"open", "closed"}


async def test_what_is_closed_can_not_be_changed(
    house: House, superuser: asyncpg.Connection
) -> None:
    """And nobody writes off alone, past the product."""
    await paid(house)
    await run(house)
    for change, code in (
        ("state = 'written_off', closed_at = now()", "MQ052"),
        ("payment = 'DEP-00000000'", "MQ050"),
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await superuser.execute(
                f"SET search_path = t_alpha; UPDATE reconciliation_break SET {change}"
            )
        assert refused.value.sqlstate == code
    await superuser.execute("SET search_path = t_alpha")
    await superuser.execute("UPDATE reconciliation_break SET state = 'closed', closed_at = now()")
    with pytest.raises(asyncpg.PostgresError) as again:
        await superuser.execute("UPDATE t_alpha.reconciliation_break SET detail = 'x'")
    assert again.value.sqlstate == "MQ051"
    for table in ("run", "step", "break"):
        with pytest.raises(asyncpg.PostgresError):
            await superuser.execute(f"DELETE FROM t_alpha.reconciliation_{table}")
    await superuser.execute("RESET search_path")


async def test_money_in_suspense_is_unallocated_until_it_is_released(house: House) -> None:
    """The break follows the line."""
    await house.take(camt(Wire("50.00", "Rent")))
    done = await run(house)
    assert [(one.kind, one.difference) for one in done.breaks] == [
        ("unallocated", Money.of("50.00", "EUR"))
    ]

    target = Target("account", account="income.fees")
    await house.agree(await house.ask(await house.line(), target))
    await run(house)
    [row] = await rows(house)
    assert (row.state, row.closed_reason) == ("closed", "It was allocated.")


async def test_a_look_back_opens_and_closes_nothing(house: House) -> None:
    """What was on its way then may have arrived since."""
    await paid(house, hours=60)
    async with house.by() as session:
        back = await runs.reconcile(session, day=today() - timedelta(days=1))
    assert back.run.opened == 1
    await run(house)
    async with house.by() as session:
        again = await runs.reconcile(session, day=today() - timedelta(days=9))

    assert (again.run.opened, again.run.closed, again.breaks) == (0, 0, ())
    assert [row.state for row in await rows(house)] == ["open"]


async def test_a_day_that_has_not_begun_is_refused(house: House) -> None:
    """Beside the field."""
    async with house.by() as session:
        with pytest.raises(InvalidInput) as refused:
            await runs.reconcile(session, day=today() + timedelta(days=1))
    assert "day" in refused.value.fields
