"""The client trades, and the trades are read, counted as revenue and shown to the cent."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from infra.walk import arithmetic
from infra.walk.browser import Browser
from infra.walk.markup import Missing
from infra.walk.mt5 import DealSeen
from infra.walk.surroundings import Walk, shown

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


def see_revenue(walk: Walk) -> str:
    """Each deal's mark-up, commission and swap in the Back Office equal the walk's own."""
    browser = walk.colleague("stefan")
    earned = earnings(walk)
    for one in earned:
        _check_deal(walk, browser, one)
    whole = sum((one.whole for one in earned), Decimal(0))
    points = ", ".join(sorted({f"{one.deal.symbol} {one.points} points" for one in earned}))
    return f"{len(earned)} deals earned {shown(whole)} USD; {points}"


def _check_deal(walk: Walk, browser: Browser, one: Earned) -> None:
    deal = one.deal
    day = server_day(deal)
    # Many people trade on a day: the deal is looked for, as finance does.
    found = f"deal={deal.ticket}&day_from={day}&day_to={day}&symbol={deal.symbol}"
    address = walk.at("team", f"/backoffice/revenue/deals?{found}")
    row = walk.until(
        f"deal {deal.ticket} in the revenue of {day}",
        lambda: browser.open(address).row(str(deal.ticket)),
    )
    expected = [shown(one.markup), shown(one.commission), shown(one.swap), shown(one.whole)]
    if row.cells[-4:] != expected:
        raise Missing(
            f"expected deal {deal.ticket} of {deal.lots} {deal.symbol}, whose group has"
            f" {one.points} points on the server, to show mark-up, commission, swap and gross of"
            f" {', '.join(expected)}; saw {', '.join(row.cells[-4:])}"
        )
    link = next(link for link in row.links if f"/{deal.ticket}" in link)
    browser.open(link).expect(f"Mark-up: {shown(one.markup)} USD", str(walk.login))


def see_day(walk: Walk) -> str:
    """The day's line is the sum of every deal that the server has of the tenant's groups."""
    browser = walk.colleague("stefan")
    day = server_day(walk.trades[-1])

    def look() -> str:
        row = browser.open(walk.at("team", "/backoffice/revenue?days=3")).row(day)
        expected = _whole_day(walk, day)
        seen = [row.cells[2], row.cells[3], row.cells[4]]
        if seen != [shown(part) for part in expected]:
            wanted = ", ".join(map(shown, expected))
            raise Missing(f"expected {wanted} on {day}, saw {', '.join(seen)}")
        return f"{day}: mark-up {seen[0]}, commission {seen[1]}, swap {seen[2]}"

    return walk.until(f"the revenue of {day} to be the sum of its deals", look)


def _whole_day(walk: Walk, day: str) -> list[Decimal]:
    """Add up mark-up, commission and swap of all deals of a server day, line by line."""
    start = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
    deals = walk.server.deals_of_groups(f"real\\{walk.slug}\\*", start, start + 86_399)
    groups = walk.server.groups_of(sorted({deal.login for deal in deals}))
    known: dict[tuple[str, str], tuple[int, Decimal]] = {}
    total = [Decimal(0), Decimal(0), Decimal(0)]
    for deal in deals:
        if not deal.is_trade:
            continue
        key = (groups[deal.login], deal.symbol)
        if key not in known:
            known[key] = walk.server.spread_points(*key)
        points, point = known[key]
        total[0] += arithmetic.markup(deal, spread_points=points, point=point)
        total[1] += arithmetic.commission(deal)
        total[2] -= deal.swap
    return total


def server_day(deal: DealSeen) -> str:
    """Return the day of the server's own clock on which a deal was made."""
    return datetime.fromtimestamp(deal.time, UTC).date().isoformat()
