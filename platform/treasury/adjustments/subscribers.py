"""What adjustments and disputes do when servers, other people and providers have spoken."""

from __future__ import annotations

from collections.abc import Sequence

from approvals.events import ApprovalGranted, ApprovalRejected
from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from trading.events import CashDone, CashFailed
from treasury.adjustments import adjustments, disputes, movements
from treasury.events import DepositDisputed

_BATCH = 100


def subscribe(made: Subscriptions) -> None:
    """Bind the subscribers of adjustments and disputes."""
    made.on_batch(CashDone, "treasury.adjustment_done", on_cash_done, size=_BATCH)
    made.on(CashFailed, "treasury.adjustment_failed", on_cash_failed, lane="money")
    made.on(ApprovalGranted, "treasury.adjustment_granted", adjustments.on_granted)
    made.on(ApprovalRejected, "treasury.adjustment_rejected", adjustments.on_rejected)
    made.on(DepositDisputed, "treasury.dispute", on_deposit_disputed, lane="money")


async def on_cash_done(session: TenantSession, events: Sequence[CashDone]) -> None:
    """Post what servers have booked, and burn bonuses where money was withdrawn."""
    await movements.done(session, events)


async def on_cash_failed(session: TenantSession, event: CashFailed) -> None:
    """End an adjustment that a server refused."""
    await movements.failed(session, event)


async def on_deposit_disputed(session: TenantSession, event: DepositDisputed) -> None:
    """Open a case and claim the amount from the client."""
    await disputes.open_case(session, event)
