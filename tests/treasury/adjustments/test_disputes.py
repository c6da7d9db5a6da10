"""A deposit that is charged back is claimed from the client, once, and given back when won."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger import bookings, chart, holds
from ledger import queries as ledger_queries
from ledger.lines import Owner
from ledger.verification import verify
from tests.treasury.desk import Desk
from treasury.adjustments import disputes, queries, subscribers
from treasury.adjustments.disputes import DisputeEnded
from treasury.adjustments.models import DisputeCase
from treasury.events import DepositDisputed
from treasury.models import Deposit


def word(deposit: Deposit, kind: str = "chargeback", amount: str = "250.00") -> DepositDisputed:
    """Return what is told when a provider contradicts a payment."""
    return DepositDisputed(
        deposit.id, deposit.client_id, kind, Decimal(amount), "USD", "The provider says so."
    )


async def disputed(desk: Desk, deposit: Deposit) -> DisputeCase:
    """Let the provider dispute a deposit twice, and tell it as the relay does; return the case."""
    for _ in range(2):
        await desk.say(deposit, "disputed")
        async with desk.database.tenant(desk.tenant) as session:
            await subscribers.on_deposit_disputed(session, word(deposit))
    async with desk.database.tenant(desk.tenant) as session:
        found = await queries.dispute_of_deposit(session, deposit.id)
    assert found is not None
    return found


async def owes(desk: Desk) -> Decimal:
    """Return what the client owes."""
    return await amount(desk, chart.CLIENT_RECEIVABLE, ("client", desk.client_id))


async def amount(desk: Desk, code: str, owner: Owner) -> Decimal:
    """Return an account's amount."""
    async with desk.database.tenant_read(desk.tenant) as session:
        found = await ledger_queries.balance(session, code=code, currency="USD", owner=owner)
        assert (await verify(session)).ok
    return found.amount


async def test_the_wallet_gives_what_it_has_and_the_rest_is_a_debt(desk: Desk) -> None:
    """250.00 are taken back when 100.00 are free: 150.00 are owed, the provider is even."""
    deposit = await desk.start("250.00")
    await desk.say(deposit, "completed")
    async with desk.database.tenant(desk.tenant) as session:
        await holds.reserve(
            session,
            key="elsewhere",
            code=chart.CLIENT_WALLET,
            currency="USD",
            owner=("client", desk.client_id),
            amount=Decimal(150),
            reference="TRF-1",
        )

    case = await disputed(desk, deposit)

    assert (case.state, case.amount) == ("opened", Decimal(250))
    assert (await desk.wallet()).available == Decimal(0)
    assert await owes(desk) == Decimal(150)
    assert await amount(desk, *bookings.clearing(desk.connection_id)) == Decimal(0)


@pytest.mark.parametrize(("won", "state", "wallet"), [(True, "won", 250), (False, "lost", 0)])
async def test_a_dispute_that_is_won_gives_the_money_back(
    desk: Desk,
    won: bool,  # noqa: FBT001 - a parameter of the test
    state: str,
    wallet: int,
) -> None:
    """One that is lost leaves it where it went; neither is closed twice."""
    deposit = await desk.start("250.00")
    await desk.say(deposit, "completed")
    case = await disputed(desk, deposit)

    async with desk.database.tenant(desk.tenant) as session:
        await disputes.close(session, dispute_id=case.id, won=won, reason="The bank decided.")
    async with desk.database.tenant(desk.tenant) as session:
        with pytest.raises(DisputeEnded):
            await disputes.close(session, dispute_id=case.id, won=True, reason="Again.")

    async with desk.database.tenant_read(desk.tenant) as session:
        [row] = await queries.disputes(session)
        steps = await queries.dispute_trail(session, dispute_id=case.id)
    assert (row.state, [step.to_state for step in steps]) == (state, ["opened", state])
    assert (await desk.wallet()).available == Decimal(wallet)
    assert await owes(desk) == Decimal(0)


async def test_a_deposit_that_was_never_paid_is_not_claimed(desk: Desk) -> None:
    """There is nothing to take back."""
    deposit = await desk.start("250.00")

    async with desk.database.tenant(desk.tenant) as session:
        await subscribers.on_deposit_disputed(session, word(deposit))
    async with desk.database.tenant_read(desk.tenant) as session:
        assert await queries.disputes(session) == []


@pytest.mark.parametrize(
    ("kind", "amount", "left", "cases"),
    [
        ("refunded", "50.00", 200, 1),
        ("failed", "250.00", 0, 1),
        ("chargeback", "9999.00", 0, 1),
        ("paid_again", "250.00", 250, 0),
    ],
)
async def test_as_much_is_claimed_as_was_taken_back_and_never_more_than_was_paid(
    desk: Desk, kind: str, amount: str, left: int, cases: int
) -> None:
    """A second payment of the same deposit takes nothing back: it is for a person."""
    deposit = await desk.start("250.00")
    await desk.say(deposit, "completed")

    async with desk.database.tenant(desk.tenant) as session:
        await subscribers.on_deposit_disputed(session, word(deposit, kind, amount))

    async with desk.database.tenant_read(desk.tenant) as session:
        assert len(await queries.disputes(session)) == cases
    assert (await desk.wallet()).available == Decimal(left)
