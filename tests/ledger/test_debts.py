"""What a wallet can't give back becomes a debt, which is repaid when there is money again."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.money import Money
from ledger import bookings, chart, debts, entries, holds, queries
from ledger.errors import KeyReused, UnpostableEntry
from ledger.lines import credit, debit
from ledger.verification import verify
from tests.ledger.book import CLEARING, WALLET, pay_in, wallet


async def chargeback(session: TenantSession, amount: str, key: str = "cb") -> UUID:
    """Take a payment back from the first client."""
    return await debts.claim(
        session,
        key=key,
        kind="chargeback",
        client_id="c1",
        amount=Money.of(amount, "EUR"),
        credit=bookings.clearing("p1"),
        reference="CB-1",
    )


async def owed(session: TenantSession) -> Decimal:
    """Return what the first client owes."""
    found = await queries.balance(
        session, code=chart.CLIENT_RECEIVABLE, currency="EUR", owner=("client", "c1")
    )
    return found.amount


@pytest.mark.parametrize(
    ("held", "wanted", "left", "debt"),
    [
        ("0", "60.00", "40.00", "0"),
        ("0", "100.00", "0", "0"),
        ("0", "135.10", "0", "35.10"),
        ("80.00", "60.00", "80.00", "40.00"),
        ("100.00", "60.00", "100.00", "60.00"),
    ],
)
async def test_a_claim_takes_what_is_available_and_the_rest_is_owed(
    tenant_session: TenantSession, held: str, wanted: str, left: str, debt: str
) -> None:
    """What is set aside for somebody else stays; the wallet never goes below zero."""
    session = tenant_session
    await pay_in(session, "100.00")
    if held != "0":
        await holds.reserve(
            session,
            key="h",
            code=WALLET,
            currency="EUR",
            owner=("client", "c1"),
            amount=Decimal(held),
            reference="",
        )
    await chargeback(session, wanted)

    assert (await wallet(session)).amount == Decimal(left)
    assert await owed(session) == Decimal(debt)
    clearing = await queries.balance(session, code=CLEARING, currency="EUR", owner=("psp", "p1"))
    assert clearing.amount == Decimal(100) - Decimal(wanted)
    assert (await verify(session)).ok


async def test_a_claim_on_a_client_without_a_wallet_is_a_debt(
    tenant_session: TenantSession,
) -> None:
    """The accounts are opened by it."""
    await chargeback(tenant_session, "10.00")

    assert await owed(tenant_session) == 10
    assert (await verify(tenant_session)).ok


async def test_a_repeated_claim_is_answered_as_it_was_divided_first(
    database: Database, tenant: TenantRef
) -> None:
    """However much is in the wallet by then; another amount is another request."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "10.00")
        first = await chargeback(session, "25.00")
        await pay_in(session, "500.00", key="later")
        assert await chargeback(session, "25.00") == first
        assert await owed(session) == 15

    with pytest.raises(KeyReused):
        async with database.tenant(tenant) as session:
            await chargeback(session, "25.01")


async def test_claims_at_once_take_the_wallet_once(database: Database, tenant: TenantRef) -> None:
    """Ten of 20.00 on 100.00: five are paid, five are owed, and repeats change nothing."""
    async with database.tenant(tenant) as session:
        await pay_in(session, "100.00")

    async def once(number: int) -> UUID:
        async with database.tenant(tenant) as session:
            return await chargeback(session, "20.00", key=f"cb{number % 10}")

    ids = await asyncio.gather(*(once(number) for number in range(20)))

    async with database.tenant(tenant) as session:
        assert len(set(ids)) == 10
        assert (await wallet(session)).amount == 0
        assert await owed(session) == 100
        assert (await verify(session)).ok


@pytest.mark.parametrize("amount", ["0", "-1.00", "0.005"])
async def test_a_claim_is_a_positive_amount(tenant_session: TenantSession, amount: str) -> None:
    """The check comes before the database, so that the transaction lives on."""
    with pytest.raises(UnpostableEntry):
        await chargeback(tenant_session, amount)
    assert await owed(tenant_session) == 0


async def test_a_debt_is_repaid_from_the_wallet_as_far_as_it_reaches(
    database: Database, tenant: TenantRef
) -> None:
    """Once for a key, and not at all when nothing is owed or nothing is there."""

    async def repay(session: TenantSession, key: str) -> UUID | None:
        return await debts.repay(session, key=key, client_id="c1", currency="EUR")

    async with database.tenant(tenant) as session:
        assert await repay(session, "r0") is None
        await chargeback(session, "35.00")
        assert await repay(session, "r0") is None
        await pay_in(session, "20.00")
        first = await repay(session, "r1")
        assert first is not None
        assert (await wallet(session)).amount == 0
        assert await owed(session) == 15
        await pay_in(session, "100.00", key="more")
        assert await repay(session, "r1") == first
        assert await owed(session) == 15
        assert await repay(session, "r2") is not None
        assert await repay(session, "r3") is None
        assert (await wallet(session)).amount == 85
        assert await owed(session) == 0
        assert (await verify(session)).ok


async def test_a_debt_that_nobody_pays_is_written_off(tenant_session: TenantSession) -> None:
    """The brokerage bears it as the cost of chargebacks."""
    await chargeback(tenant_session, "35.10")
    amount = Money.of("35.10", "EUR")
    await entries.post(
        tenant_session,
        key="off",
        kind="debt_written_off",
        lines=[
            debit(chart.CHARGEBACK, chart.HOUSE, amount),
            credit(chart.CLIENT_RECEIVABLE, ("client", "c1"), amount),
        ],
    )

    assert await owed(tenant_session) == 0
    assert (await verify(tenant_session)).ok
