"""What transfers do when trading servers have answered."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from trading.events import CashDone, CashFailed
from treasury.transfers import movements

_BATCH = 100


def subscribe(made: Subscriptions) -> None:
    """Bind the subscribers of transfers."""
    made.on_batch(CashDone, "treasury.transfer_done", on_cash_done, size=_BATCH, lane="money")
    made.on(CashFailed, "treasury.transfer_failed", on_cash_failed, lane="money")


async def on_cash_done(session: TenantSession, events: Sequence[CashDone]) -> None:
    """Post what has moved, and ask the second server of a transfer between accounts."""
    await movements.done(session, events)


async def on_cash_failed(session: TenantSession, event: CashFailed) -> None:
    """Free what was set aside for a server that refused."""
    await movements.failed(session, event)
