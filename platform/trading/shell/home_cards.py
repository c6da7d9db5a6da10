"""What trading shows on home pages: how the connections to the servers do."""

from __future__ import annotations

import datetime as dt

from identity.shell.home_cards import Ask, Card, Item, Offer
from kernel.clock import now
from kernel.database import TenantSession
from trading import queries
from trading.queries import Health

_READ = "trading.server.read"
# A reading that is older than this, or further behind, is worth a look.
_SILENT = dt.timedelta(minutes=2)
_BEHIND_SECONDS = 30


async def servers(session: TenantSession, ask: Ask) -> Card:
    """Return each server with how far behind its mirror is, and what a person has to settle."""
    del ask
    found = await queries.health(session)
    return Card(
        "Trading servers",
        "queue",
        [_item(number, health) for number, health in enumerate(found, 1)],
        empty="No trading server is connected yet.",
        sub="How far the mirror is behind, and what is stuck",
        empty_icon="server",
    )


def _item(number: int, health: Health) -> Item:
    silent = health.checked_at is None or now() - health.checked_at > _SILENT
    behind = health.lag_seconds is not None and health.lag_seconds > _BEHIND_SECONDS
    stuck = health.operations_unknown + health.operations_frozen
    words = []
    if health.error:
        words.append("last reading failed")
    elif silent:
        words.append("not read lately")
    if stuck:
        words.append(f"{stuck} operations to settle")
    if health.deals_rejected:
        words.append(f"{health.deals_rejected} deals in quarantine")
    if health.operations_waiting:
        words.append(f"{health.operations_waiting} operations waiting")
    bad = bool(health.error) or silent or behind or stuck > 0
    return Item(
        f"Server {number}",
        ", ".join(words) or f"{health.deals_total:,} deals mirrored",
        value=f"{health.lag_seconds:.0f} s" if health.lag_seconds is not None else "–",
        at=health.last_deal_at,
        late=bad,
        icon="server",
        tone="w" if bad else "",
    )


OFFERS = [Offer("trading.servers", _READ, servers)]
