"""Open positions and the state of an account: profit, swap, margin, equity.

Amounts are in 1e-8 of the account's currency, prices in points, times UTC milliseconds.
"""

from dataclasses import dataclass
from typing import Any

from . import deals
from .accounts import Account, find
from .protocol import (
    INVALID_REQUEST,
    INVALID_VOLUME,
    NO_MONEY,
    POSITION_CLOSED,
    TRADE_DISABLED,
    Refused,
)
from .scales import SCALE, divide, points_text, rounded, text
from .simulation import FIRST_TICKET, Simulation
from .storage import Deal, Position
from .symbols import LOT_MAX, SYMBOLS

VOLUME_STEP = SCALE // 100
_LOT_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class State:
    """The money of an account at one moment, in 1e-8 of its currency."""

    balance: int
    credit: int
    margin: int
    profit: int
    storage: int

    @property
    def equity(self) -> int:
        """Balance plus credit plus what the open positions would bring."""
        return self.balance + self.credit + self.profit + self.storage

    @property
    def margin_free(self) -> int:
        """Equity that no position needs."""
        return self.equity - self.margin


def margin_of(account: Account, position: Position) -> int:
    """Return the margin a position needs: its value at open over the account's leverage."""
    symbol = SYMBOLS[position.symbol]
    value = symbol.contract * position.volume
    if not symbol.is_forex:
        value = divide(value * position.price_open, int(10**symbol.digits))
    return rounded(divide(value * position.rate_margin, SCALE * account.leverage), account.digits)


def _floating(
    simulation: Simulation, account: Account, position: Position, at_ms: int
) -> tuple[int, int, int, int]:
    """Return price now, profit, swap and the rate of the profit currency."""
    symbol = SYMBOLS[position.symbol]
    quote, _ = simulation.quote(account.group, symbol, at_ms)
    price = quote.bid if position.action == deals.BUY else quote.ask
    raw = deals.profit_of(
        symbol,
        action=position.action,
        volume=position.volume,
        price_open=position.price_open,
        price_close=price,
    )
    rate = simulation.market.rate(symbol.profit, account.currency, at_ms)
    profit = rounded(divide(raw * rate, SCALE), account.digits)
    swap = deals.swap_of(simulation, account, position, volume=position.volume, at_ms=at_ms)
    return price, profit, swap, rate


def state(simulation: Simulation, account: Account) -> State:
    """Return the account's money with its open positions valued now."""
    at_ms = simulation.clock.utc_ms()
    margin = profit = storage = 0
    for position in simulation.store.positions(login=account.login):
        _, gained, swap, _ = _floating(simulation, account, position, at_ms)
        margin += margin_of(account, position)
        profit += gained
        storage += swap
    return State(account.balance, account.credit, margin, profit, storage)


def _require_volume(volume: int) -> None:
    if not VOLUME_STEP <= volume <= LOT_MAX * SCALE or volume % VOLUME_STEP:
        raise Refused(INVALID_VOLUME)


def open_position(simulation: Simulation, login: int, trade: deals.Execution) -> Deal:
    """Open a position at the group's price of the moment and return the opening deal.

    Raises Refused: 13 no login, 10013, 10014 bad volume, 10017 may not trade, 10019 no margin.
    """
    account = find(simulation, login)
    _require_volume(trade.volume)
    if trade.action not in (deals.BUY, deals.SELL):
        raise Refused(INVALID_REQUEST)
    if not account.may_trade:
        raise Refused(TRADE_DISABLED)
    deal = deals.opening(simulation, account, trade)
    position = position_of(deal)
    if margin_of(account, position) > state(simulation, account).margin_free:
        raise Refused(NO_MONEY)
    with simulation.store.transaction():
        ticket = simulation.store.take_tickets("deal", 1, FIRST_TICKET)
        order = simulation.store.take_tickets("order", 1, FIRST_TICKET)
        deal = deal._replace(ticket=ticket, order_ticket=order, position=order)
        simulation.store.add_deals([deal])
        simulation.store.put_positions([position._replace(ticket=order)])
        simulation.store.add_funds(login, balance=deals.money_of(deal))
    return deal


def position_of(deal: Deal) -> Position:
    """Return the position that an opening deal makes."""
    return Position(
        deal.position,
        deal.login,
        deal.symbol,
        deal.action,
        deal.volume,
        deal.price,
        deal.time_ms,
        deal.time_ms,
        deal.rate_margin,
        deal.reason,
        deal.dealer,
        deal.comment,
    )


def close_position(simulation: Simulation, login: int, ticket: int, trade: deals.Execution) -> Deal:
    """Close lots of a position (all of it for volume 0) and return the closing deal.

    Raises Refused: 10036 no such position of this login, 10014 bad volume.
    """
    account = find(simulation, login)
    position = simulation.store.position(ticket)
    if position is None or position.login != login or position.symbol != trade.symbol.name:
        raise Refused(POSITION_CLOSED)
    volume = trade.volume or position.volume
    if trade.volume:
        _require_volume(volume)
    if volume > position.volume:
        raise Refused(INVALID_VOLUME)
    opposite = deals.SELL if position.action == deals.BUY else deals.BUY
    trade = deals.Execution(
        trade.symbol, opposite, volume, trade.at_ms, trade.reason, trade.dealer, trade.comment
    )
    deal = deals.closing(simulation, account, position, trade)
    with simulation.store.transaction():
        number = simulation.store.take_tickets("deal", 1, FIRST_TICKET)
        order = simulation.store.take_tickets("order", 1, FIRST_TICKET)
        deal = deal._replace(ticket=number, order_ticket=order)
        simulation.store.add_deals([deal])
        if volume == position.volume:
            simulation.store.remove_position(ticket)
        else:
            rest = position._replace(volume=position.volume - volume, updated_ms=deal.time_ms)
            simulation.store.put_positions([rest])
        simulation.store.add_funds(login, balance=deals.money_of(deal))
    return deal


def shown(simulation: Simulation, account: Account, position: Position) -> dict[str, Any]:
    """Return the position as the protocol shows it, valued now."""
    symbol = SYMBOLS[position.symbol]
    at_ms = simulation.clock.utc_ms()
    price, profit, swap, rate = _floating(simulation, account, position, at_ms)
    return {
        "Position": str(position.ticket),
        "ExternalID": "",
        "Login": str(position.login),
        "Dealer": str(position.dealer),
        "Symbol": position.symbol,
        "Action": str(position.action),
        "Digits": str(symbol.digits),
        "DigitsCurrency": str(account.digits),
        "Reason": str(position.reason),
        "ContractSize": f"{symbol.contract}.00",
        "TimeCreate": str(position.time_ms // 1000),
        "TimeUpdate": str(position.updated_ms // 1000),
        "TimeCreateMsc": str(position.time_ms),
        "TimeUpdateMsc": str(position.updated_ms),
        "ModifyFlags": "0",
        "ModificationFlags": "0",
        "PriceOpen": points_text(position.price_open, symbol.digits),
        "PriceCurrent": points_text(price, symbol.digits),
        "PriceSL": points_text(0, symbol.digits),
        "PriceTP": points_text(0, symbol.digits),
        "Volume": str(position.volume // _LOT_UNITS),
        "VolumeExt": str(position.volume),
        "Profit": text(profit, account.digits),
        "Storage": text(swap, account.digits),
        "RateProfit": text(rate, 8),
        "RateMargin": text(position.rate_margin, 8),
        "ExpertID": "0",
        "ExpertPositionID": "0",
        "Comment": position.comment,
        "ActivationMode": "0",
        "ActivationTime": "0",
        "ActivationPrice": points_text(0, symbol.digits),
        "ActivationFlags": "0",
        "ApiData": [],
    }


def state_shown(simulation: Simulation, account: Account) -> dict[str, str]:
    """Return the account's state as the protocol shows it."""
    found = state(simulation, account)
    level = divide(found.equity * 100 * SCALE, found.margin) if found.margin else 0

    def money(amount: int) -> str:
        return text(amount, account.digits)

    result = {
        "Login": str(account.login),
        "CurrencyDigits": str(account.digits),
        "Balance": money(found.balance),
        "Credit": money(found.credit),
        "Margin": money(found.margin),
        "MarginFree": money(found.margin_free),
        "MarginLevel": text(level, 2),
        "MarginLeverage": str(account.leverage),
        "MarginInitial": money(found.margin),
        "MarginMaintenance": money(found.margin),
        "Profit": money(found.profit),
        "Storage": money(found.storage),
        "Commission": money(0),
        "Floating": money(found.profit + found.storage),
        "Equity": money(found.equity),
    }
    result |= {"SOActivation": "0", "SOTime": "0", "SOLevel": "0.00"}
    zeroes = ("SOEquity", "SOMargin", "BlockedCommission", "BlockedProfit")
    return result | dict.fromkeys((*zeroes, "Assets", "Liabilities"), money(0))
