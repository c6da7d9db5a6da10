"""The walk's own arithmetic of a broker's income and its partners' shares, in decimals.

Mark-up: half of the group's extra spread counts at each side of a trade; points x point x
contract x lots x the rate from profit currency to account currency. Commission is what the
client was charged. A partner is paid for a closing deal held long enough, rounded down.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from infra.walk.mt5 import DealSeen

CENT = Decimal("0.01")
HELD_SECONDS_MIN = 120
# Rates in US dollars per lot of the standard offer: Silver, and Master above it.
SILVER = {"EURUSD": Decimal(5), "XAUUSD": Decimal(4)}
MASTER = {"EURUSD": Decimal(7), "XAUUSD": Decimal(6)}


def markup(deal: DealSeen, *, spread_points: int, point: Decimal) -> Decimal:
    """Return the mark-up that one side of a trade earned, in account currency, to the cent."""
    exact = Decimal(spread_points) / 2 * point * deal.contract * deal.lots * deal.rate_profit
    return exact.quantize(CENT, ROUND_HALF_UP)


def commission(deal: DealSeen) -> Decimal:
    """Return what the broker earned by commission: the client's charge with its sign turned."""
    return -deal.commission


@dataclass(frozen=True)
class Shares:
    """What a closing deal pays: to the sub-partner, and to the master above it."""

    sub: Decimal
    master: Decimal


def shares(symbol: str, lots: Decimal) -> Shares:
    """Return both shares of a closing deal on the standard offer: own rate, then the difference."""
    sub = (SILVER[symbol] * lots).quantize(CENT, ROUND_DOWN)
    master = ((MASTER[symbol] - SILVER[symbol]) * lots).quantize(CENT, ROUND_DOWN)
    return Shares(sub, master)
