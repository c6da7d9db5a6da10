"""What revenue learns from the mirror of the trading servers."""

from __future__ import annotations

from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from revenue import lines
from tenants.ports import Ports
from trading.events import AccountOpened, DealsSynced


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind this room's subscribers."""
    made.on(DealsSynced, "revenue.book", on_deals_synced)
    made.on(AccountOpened, "revenue.book_login", on_account_opened)


async def on_deals_synced(session: TenantSession, event: DealsSynced) -> None:
    """Book what deals have earned that are new or changed."""
    await lines.book(session, server_id=event.server_id, tickets=event.tickets)


async def on_account_opened(session: TenantSession, event: AccountOpened) -> None:
    """Book deals that came before their account was known."""
    await lines.book_login(session, server_id=event.server_id, login=event.login)
