"""Deposits from the client's wish to the money's place, and what goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from clients import restrictions
from clients.restrictions import ClientRestricted
from connectors.payments.engine.definitions import State
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from ledger import queries as ledger_queries
from tests.factories.trading import open_account
from tests.treasury.desk import Desk
from trading import queries as trading_queries
from trading.events import CashDone, CashFailed
from trading.models import TradingAccount
from treasury import deposits, queries, settlements, subscribers
from treasury.deposits import DepositClosed, DepositNotHeld, ProviderUnavailable
from treasury.models import Deposit
from treasury.rules import Fact


async def account_of(desk: Desk, *, client_id: UUID | None = None, login: int = 900001) -> UUID:
    """Open a USD trading account for the desk's client, or for another one."""
    return await open_account(
        desk.database,
        desk.tenant,
        server_id=uuid7(),
        login=login,
        group_name="real\\alpha\\STD-USD",
        client_id=client_id or desk.client_id,
    )


async def done(desk: Desk, deposit: Deposit, ticket: int = 4711) -> CashDone:
    """Return what trading says once the server has booked the deposit's credit."""
    async with desk.database.tenant_read(desk.tenant) as session:
        [operation] = [
            found
            for found in await trading_queries.operations(session)
            if found.reference == deposit.reference
        ]
    assert operation.amount is not None
    return CashDone(
        operation_id=operation.id,
        account_id=operation.account_id,
        ticket=ticket,
        kind=operation.kind,
        amount=operation.amount,
        currency=operation.currency,
        hold_id=operation.hold_id,
        reference=operation.reference,
    )


@pytest.mark.parametrize(
    ("amount", "currency", "field"),
    [
        ("9.99", "USD", "amount"),
        ("50000.01", "USD", "amount"),
        ("10.001", "USD", "amount"),
        ("100.00", "GBP", "currency"),
    ],
)
async def test_a_wish_outside_the_limits_says_what_to_do(
    desk: Desk, amount: str, currency: str, field: str
) -> None:
    """Nothing is stored, and the field is named."""
    with pytest.raises(InvalidInput) as refused:
        await desk.start(amount, currency)
    assert field in refused.value.fields


async def test_a_restricted_client_can_not_pay_in(desk: Desk) -> None:
    """The reason comes from whoever restricted."""
    async with desk.database.tenant(desk.tenant) as session:
        await restrictions.impose(
            session, client_id=desk.client_id, kind="deposit", reason="Documents expired"
        )

    with pytest.raises(ClientRestricted, match="Documents expired"):
        await desk.start()


async def test_an_account_of_somebody_else_is_not_found(desk: Desk) -> None:
    """And one in another currency is refused in words."""
    foreign = await account_of(desk, client_id=uuid7())
    own = await account_of(desk, login=900002)

    with pytest.raises(NotFound):
        await desk.start(account_id=foreign)
    with pytest.raises(InvalidInput):
        await desk.start("100.00", "EUR", account_id=own)


async def test_a_deposit_for_an_account_is_held_until_the_server_has_booked_it(
    desk: Desk,
) -> None:
    """Hold and intent are written together; the server's word turns them into a posting, once."""
    deposit = await desk.start("250.00", account_id=await account_of(desk))
    await desk.say(deposit, "completed")
    settled = await desk.seen(deposit)
    wallet = await desk.wallet()

    event = await done(desk, deposit)
    for _ in range(2):
        async with desk.database.tenant(desk.tenant) as session:
            await subscribers.on_cash_done(session, [event])

    credited = await desk.seen(deposit)
    assert (settled.state, event.hold_id) == ("settled", settled.hold_id)
    assert [wallet.amount, wallet.held, wallet.available] == [250, 250, 0]
    assert (credited.state, event.amount) == ("credited", Decimal(250))
    assert (await desk.wallet()).amount == 0
    async with desk.database.tenant_read(desk.tenant) as session:
        account = await ledger_queries.balance(
            session,
            code="liability.trading_account",
            currency="USD",
            owner=("account", event.account_id),
        )
    assert account.amount == Decimal(250)
    assert await desk.entries() == 2


async def test_a_credit_the_server_refuses_leaves_the_money_in_the_wallet(desk: Desk) -> None:
    """The hold is freed, so that the client can use the money otherwise."""
    deposit = await desk.start("250.00", account_id=await account_of(desk))
    await desk.say(deposit, "completed")
    event = await done(desk, deposit)

    async with desk.database.tenant(desk.tenant) as session:
        await subscribers.on_cash_failed(
            session,
            CashFailed(
                operation_id=event.operation_id,
                account_id=event.account_id,
                kind=event.kind,
                amount=event.amount,
                currency=event.currency,
                hold_id=event.hold_id,
                reference=event.reference,
                reason="The account is disabled.",
            ),
        )
        await subscribers.on_cash_done(session, [replace(event, kind="withdrawal")])

    found = await desk.seen(deposit)
    assert found.state == "credited"
    assert "wallet" in found.reason
    assert (await desk.wallet()).available == Decimal(250)
    assert await desk.entries() == 1


async def test_an_account_closed_meanwhile_leaves_the_money_in_the_wallet(desk: Desk) -> None:
    """The payment is never lost because the account is."""
    account_id = await account_of(desk)
    deposit = await desk.start("250.00", account_id=account_id)
    async with desk.database.tenant(desk.tenant) as session:
        await close(session, account_id)

    await desk.say(deposit, "completed")

    assert (await desk.seen(deposit)).state == "credited"
    assert (await desk.wallet()).available == Decimal(250)


async def close(session: TenantSession, account_id: UUID) -> None:
    """Mark a trading account as closed."""
    account = await session.get(TradingAccount, account_id)
    assert account is not None
    account.state = "closed"


@pytest.mark.parametrize(
    ("credit", "state", "paid"), [(True, "credited", 99), (False, "failed", 0)]
)
async def test_a_person_decides_about_a_held_deposit_once(
    desk: Desk,
    credit: bool,  # noqa: FBT001 - a parameter of the test
    state: str,
    paid: int,
) -> None:
    """What was paid is credited, not what was asked for; or it is closed."""
    deposit = await desk.start("100.00")
    await desk.say(deposit, "completed", cents=9900)

    async with desk.database.tenant(desk.tenant) as session:
        await deposits.decide(session, deposit_id=deposit.id, credit=credit, reason="Bank fee")

    assert (await desk.seen(deposit)).state == state
    assert (await desk.wallet()).available == paid
    with pytest.raises(DepositNotHeld):
        async with desk.database.tenant(desk.tenant) as session:
            await deposits.decide(session, deposit_id=deposit.id, credit=True, reason="again")


async def test_a_payment_in_another_currency_can_not_be_credited(desk: Desk) -> None:
    """And no decision goes without a reason."""
    deposit = await desk.start("100.00")
    await desk.say(deposit, "completed", currency="EUR")

    for reason in ("as is", "  "):
        with pytest.raises(InvalidInput):
            async with desk.database.tenant(desk.tenant) as session:
                await deposits.decide(session, deposit_id=deposit.id, credit=True, reason=reason)
    assert (await desk.seen(deposit)).state == "held"


async def test_a_provider_that_does_not_answer_leaves_the_deposit_to_be_tried_again(
    desk: Desk,
) -> None:
    """Nothing listens at the desk's provider; the message says what to do."""
    deposit = await desk.start()
    with pytest.raises(ProviderUnavailable, match="try again"):
        await desk.pay(deposit)
    assert (await desk.seen(deposit)).state == "created"

    await desk.say(deposit, "completed")
    with pytest.raises(DepositClosed):
        await desk.pay(deposit)


@pytest.mark.parametrize(("said", "state"), [("failed", "failed"), ("cancelled", "cancelled")])
async def test_what_a_fact_has_moved_is_there_when_the_row_is_read_again(
    desk: Desk, said: State, state: str
) -> None:
    """Asked providers answer within a transaction that reads the deposit once more."""
    deposit = await desk.start()

    async with desk.database.tenant(desk.tenant) as session:
        locked = await queries.locked_deposit(session, deposit.id)
        assert locked is not None
        await settlements.apply(session, [(locked, Fact(said, "", None, None))])
        await session.refresh(locked)

    assert (await desk.seen(deposit)).state == state
