"""The client trades, and the trades are read, counted as revenue and shown to the cent."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal

from infra.walk import arithmetic
from infra.walk.markup import Missing
from infra.walk.mt5 import DealSeen
from infra.walk.surroundings import Walk

# What is traded over time: symbol, lots, seconds held.
_TRIPS = (("EURUSD", "1.00", 900), ("XAUUSD", "0.50", 600))
_NOW = ("EURUSD", "0.10")


def trade(walk: Walk) -> str:
    """The client trades 1.00 lot EURUSD and 0.50 lot XAUUSD, and a dealer trades at once."""
    server, now = walk.server, int(time.time())
    for symbol, lots, held in _TRIPS:
        server.round_trip(walk.login, symbol, lots, opened=now - held, closed=now - 1)
    symbol, lots = _NOW
    opened = server.deal_now(walk.login, symbol, lots, sell=False)
    server.deal_now(walk.login, symbol, lots, sell=True, position=int(opened["PositionID"]))
    walk.trades = [deal for deal in server.deals(walk.login) if deal.is_trade]
    expected = 2 * len(_TRIPS) + 2
    if len(walk.trades) != expected:
        raise Missing(f"expected {expected} deals of {walk.login}, saw {len(walk.trades)}")
    return ", ".join(f"{deal.ticket} {deal.symbol} {deal.lots:.2f}" for deal in walk.trades)


def see_deals(walk: Walk) -> str:
    """Every deal stands on the client's account page with its result."""

    def look() -> bool:
        page = walk.trader.browser.open(walk.account_page)
        for deal in walk.trades:
            row = page.row(str(deal.ticket))
            if deal.symbol not in row.words or f"{deal.lots:,.2f}" not in row.words:
                raise Missing(f"expected {deal.symbol} {deal.lots:.2f}, saw {row.words}")
        return True

    walk.until("the deals on the account's page", look)
    return f"{len(walk.trades)} deals"


@dataclass(frozen=True)
class Earned:
    """What one deal earned by the walk's own arithmetic, in account currency."""

    deal: DealSeen
    points: int
    markup: Decimal
    commission: Decimal
    swap: Decimal

    @property
    def whole(self) -> Decimal:
        """All of it."""
        return self.markup + self.commission + self.swap


def earnings(walk: Walk) -> list[Earned]:
    """Compute what each deal earned, with the extra spread that the server itself tells."""
    found = []
    for deal in walk.trades:
        points, point = walk.server.spread_points(walk.group, deal.symbol)
        found.append(
            Earned(
                deal,
                points,
                arithmetic.markup(deal, spread_points=points, point=point),
                arithmetic.commission(deal),
                -deal.swap,
            )
        )
    return found
