"""What providers call about payouts reaches them, and our own refunds are no disputes."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from connectors.payments.engine.port import Notice
from kernel.clock import now
from kernel.ids import token, uuid7
from kernel.money import Money
from tests.treasury.withdrawals.test_payouts import paying, said
from tests.treasury.withdrawals.till import Till
from treasury import queries, webhooks, words
from treasury.models import Deposit, WebhookEvent
from treasury.reconciliation import runs


async def handled(till: Till, connection_id: UUID, notice: Notice) -> str:
    """Store a verified notice and handle it as the worker does; return what became of it."""
    event_id = uuid7()
    async with till.database.tenant(till.tenant) as session:
        row = WebhookEvent(
            id=event_id, connection_id=connection_id, body=b"{}", **words.columns_of(notice)
        )
        session.add(row)
    async with till.database.tenant(till.tenant) as session:
        await webhooks.handle(session, webhook_event_ids=[event_id])
    async with till.database.tenant_read(till.tenant) as session:
        found = await queries.webhook_event(session, event_id)
    assert found is not None
    return str(found.outcome)


async def test_a_call_about_a_payout_is_heard_by_the_withdrawal(till: Till) -> None:
    """Its reference is the withdrawal's; a payout that nobody made is nobody's."""
    till.gateways.server.state = "pending"
    made = await till.pay(await paying(till))
    [part] = await till.parts(made)
    assert part.connection_id is not None
    notice = said(part, made, event_id=token(8))

    strange = said(part, made, event_id=token(8), reference="WDR-NOBODY-1")
    assert "no payout" in await handled(till, part.connection_id, strange)
    await handled(till, part.connection_id, notice)

    assert (await till.seen(made)).state == "paid"


@pytest.mark.parametrize(("amount", "is_ours"), [("300.00", True), ("300.01", False)])
async def test_our_own_refund_of_a_deposit_is_no_dispute(
    till: Till, *, amount: str, is_ours: bool
) -> None:
    """The provider calls it refunded up to what a withdrawal sent back; more is a dispute."""
    made = await till.pay(await paying(till))
    [part] = await till.parts(made)
    assert (part.way, part.amount) == ("refund", Decimal(300))
    assert part.connection_id is not None
    async with till.database.tenant_read(till.tenant) as session:
        deposit = await session.get(Deposit, part.deposit_id)
    assert deposit is not None
    notice = said(
        part,
        made,
        event_id=token(8),
        state="refunded",
        claims="refunded",
        reference=deposit.reference,
        provider_ref=deposit.provider_reference or "",
        amount=Money.of(amount, "USD"),
    )

    outcome = await handled(till, part.connection_id, notice)

    async with till.database.tenant_read(till.tenant) as session:
        after = await session.get(Deposit, part.deposit_id)
    assert after is not None
    assert (after.disputed_at is None) == is_ours, outcome
    if is_ours:
        async with till.database.tenant(till.tenant) as session:
            done = await runs.reconcile(session, day=now().date())
        assert [one for one in done.breaks if one.id == deposit.reference] == []
