"""Corrections are entries of their own that link to what they undo, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.ids import uuid7
from ledger import entries, holds, queries
from ledger.errors import AlreadyReversed, EntryMissing, HoldClosed, InsufficientFunds, KeyReused
from ledger.verification import verify
from tests.ledger.book import TRADING, WALLET, line, pay_in, wallet

PARTNER = "liability.partner_wallet"


async def withdraw_with_hold(session: TenantSession) -> tuple[UUID, UUID]:
    """Pay 100.00 in, set 60.00 aside and use 45.00 of it; return the hold and the entry."""
    await pay_in(session, "100.00")
    hold_id = await holds.reserve(
        session,
        key="h",
        code=WALLET,
        currency="EUR",
        owner=("client", "c1"),
        amount=Decimal("60.00"),
        reference="W",
    )
    entry_id = await holds.post(
        session,
        hold_id=hold_id,
        key="t",
        kind="transfer",
        lines=[line(WALLET, "45.00", ("client", "c1")), line(TRADING, "-45.00", ("account", "a"))],
    )
    return hold_id, entry_id


async def test_reversing_what_used_a_hold_gives_the_money_back_and_no_hold(
    database: Database, tenant: TenantRef
) -> None:
    """The hold stays used by its entry; what comes back is available at once."""
    async with database.tenant(tenant) as session:
        hold_id, entry_id = await withdraw_with_hold(session)
        await entries.reverse(session, entry_id=entry_id, key="r", reason="Refused outside")

        found = await wallet(session)
        hold = await queries.hold(session, hold_id=hold_id)
        assert [found.amount, found.held, found.available] == [100, 0, 100]
        assert hold is not None
        assert (hold.state, hold.entry_id) == ("posted", entry_id)
        assert (await verify(session)).ok

    with pytest.raises(HoldClosed):
        async with database.tenant(tenant) as session:
            await holds.void(session, hold_id=hold_id, reason="again")


async def test_a_second_reversal_is_refused_also_at_once(
    database: Database, tenant: TenantRef
) -> None:
    """Of many under different keys one is posted."""
    async with database.tenant(tenant) as session:
        entry_id = await pay_in(session, "10.00")
        await pay_in(session, "500.00", key="more")

    async def once(number: int) -> bool:
        try:
            async with database.tenant(tenant) as session:
                await entries.reverse(session, entry_id=entry_id, key=f"r{number}", reason="x")
        except AlreadyReversed:
            return False
        return True

    won = await asyncio.gather(*(once(number) for number in range(8)))

    async with database.tenant(tenant) as session:
        assert sum(won) == 1
        assert (await wallet(session)).amount == 500
        assert (await verify(session)).ok


async def test_a_reversal_may_be_reversed_once_in_its_turn(
    database: Database, tenant: TenantRef
) -> None:
    """The payment of outside that the first entry names is then booked again by a link."""
    async with database.tenant(tenant) as session:
        first = await pay_in(session, "10.00")
        second = await entries.reverse(session, entry_id=first, key="r1", reason="mistaken")
        third = await entries.reverse(session, entry_id=second, key="r2", reason="mistaken again")
        found = await queries.entry(session, entry_id=third)

        assert found is not None
        assert found.reverses_id == second
        assert (await wallet(session)).amount == 10
        assert (await verify(session)).ok

    for entry_id in (first, second):
        with pytest.raises(AlreadyReversed):
            async with database.tenant(tenant) as session:
                await entries.reverse(session, entry_id=entry_id, key="r3", reason="x")


async def test_a_reversal_repeated_with_another_reason_is_another_request(
    database: Database, tenant: TenantRef
) -> None:
    """A key stands for one content."""
    async with database.tenant(tenant) as session:
        entry_id = await pay_in(session, "10.00")
        await entries.reverse(session, entry_id=entry_id, key="r", reason="one")

    with pytest.raises(KeyReused):
        async with database.tenant(tenant) as session:
            await entries.reverse(session, entry_id=entry_id, key="r", reason="two")


async def test_what_is_not_there_can_not_be_reversed(database: Database, tenant: TenantRef) -> None:
    """Nor can another brokerage's entry: both are answered alike."""
    with pytest.raises(EntryMissing) as refused:
        async with database.tenant(tenant) as session:
            await entries.reverse(session, entry_id=uuid7(), key="r", reason="x")

    assert refused.value.status == 404


async def test_money_that_has_left_a_clients_wallet_is_not_reversed_by_any_force(
    database: Database, tenant: TenantRef
) -> None:
    """A client's wallet never goes below zero; a claim makes a debt instead."""
    async with database.tenant(tenant) as session:
        entry_id = await pay_in(session, "10.00")
        await entries.post(
            session,
            key="out",
            kind="transfer",
            lines=[
                line(WALLET, "4.00", ("client", "c1")),
                line(TRADING, "-4.00", ("account", "a")),
            ],
        )

    for forced in (False, True):
        with pytest.raises(InsufficientFunds):
            async with database.tenant(tenant) as session:
                await entries.reverse(
                    session, entry_id=entry_id, key=f"r{forced}", reason="x", forced=forced
                )


async def test_only_force_takes_a_partners_wallet_below_zero(
    database: Database, tenant: TenantRef
) -> None:
    """And below zero it takes credits, but gives nothing."""
    owner = ("partner", "p")
    commission = [
        line("expense.partner_commission", "400.00", ("house", "house")),
        line(PARTNER, "-400.00", owner),
    ]
    payout = [line(PARTNER, "400.00", owner), line("asset.bank_own", "-400.00", ("bank", "main"))]
    async with database.tenant(tenant) as session:
        entry_id = await entries.post(session, key="c", kind="commission", lines=commission)
        await entries.post(session, key="p", kind="payout", lines=payout)
    with pytest.raises(InsufficientFunds):
        async with database.tenant(tenant) as session:
            await entries.reverse(session, entry_id=entry_id, key="r", reason="chargeback")

    async with database.tenant(tenant) as session:
        await entries.reverse(session, entry_id=entry_id, key="r", reason="chargeback", forced=True)
        small = [
            line("expense.partner_commission", "30.00", ("house", "house")),
            line(PARTNER, "-30.00", owner),
        ]
        await entries.post(session, key="later", kind="commission", lines=small)
        found = await queries.balance(session, code=PARTNER, currency="EUR", owner=owner)
        assert [found.amount, found.available] == [-370, -370]
        assert (await verify(session)).ok

    out = [line(PARTNER, "1.00", owner), line("asset.bank_own", "-1.00", ("bank", "main"))]
    gain = [line("asset.bank_own", "2.00", ("bank", "main")), line(PARTNER, "-2.00", owner)]
    attempts: list[Callable[[TenantSession], Awaitable[UUID]]] = [
        lambda s: entries.post(s, key="out", kind="payout", lines=out),
        lambda s: entries.post(s, key="both", kind="payout", lines=out + gain),
        lambda s: holds.reserve(
            s, key="h", code=PARTNER, currency="EUR", owner=owner, amount=Decimal(1), reference=""
        ),
    ]
    for attempt in attempts:
        with pytest.raises(InsufficientFunds):
            async with database.tenant(tenant) as session:
                await attempt(session)


async def test_a_reversal_has_a_date_of_its_own(tenant_session: TenantSession) -> None:
    """Without one it counts from now, not from the day of the entry that it undoes."""
    moment = now() - timedelta(days=2)
    entry_id = await pay_in(tenant_session, "10.00")
    reversal = await entries.reverse(
        tenant_session, entry_id=entry_id, key="r", reason="x", occurred_at=moment
    )

    found = await queries.entry(tenant_session, entry_id=reversal)
    assert found is not None
    assert found.occurred_at == moment
    assert found.recorded_at > moment
