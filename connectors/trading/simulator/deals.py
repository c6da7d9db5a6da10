"""Deals: balance operations, the deals that open and close positions, and their wire form.

A trade deal's money is Profit + Storage + Commission, each rounded half away from zero to
the account's digits when booked; charges are negative. Lots and amounts are in 1e-8.
"""

import json
from dataclasses import dataclass

from . import groups
from .accounts import Account, find
from .protocol import MONEY_LIMIT, NO_MONEY, PARAMETERS, Refused
from .scales import AMOUNT_MAX, SCALE, divide, parse, points_text, rounded, text
from .simulation import FIRST_TICKET, Simulation
from .storage import Deal, Position
from .symbols import SWAP_INTEREST_OPEN, SWAP_POINTS, SYMBOLS, Symbol

BUY = 0
SELL = 1
ACTION_CREDIT = 3
BALANCE_ACTIONS = range(2, 7)
ENTRY_IN = 0
ENTRY_OUT = 1
REASON_CLIENT = 0
REASON_DEALER = 2
MODIFIED_BY_MANAGER = 2
COMMENT_MAX = 31
_DAY_MS = 86_400_000
_LOT_UNITS = 10_000
_INTEREST_YEAR_DAYS = 360


@dataclass(frozen=True, slots=True)
class Execution:
    """What to trade: direction, lots in 1e-8, UTC milliseconds, who asked and why."""

    symbol: Symbol
    action: int
    volume: int
    at_ms: int
    reason: int = REASON_CLIENT
    dealer: int = 0
    comment: str = ""


def _nothing(login: int, time_ms: int) -> Deal:
    numbers = (0,) * 5
    return Deal(0, login, time_ms, *numbers, "", *(0,) * 16, "", 0)


def balance_operation(
    simulation: Simulation,
    *,
    login: int,
    kind: int,
    amount: str,
    comment: str,
    check_margin: bool,
    margin_free: int | None,
) -> int:
    """Book a deposit, credit, charge, correction or bonus; return the deal's ticket.

    Raises Refused: 3 bad kind or amount, 4005 over a billion, 13 no such login, 10019 when
    the balance, the credit or (checked) the free margin does not cover a negative amount.
    """
    if kind not in BALANCE_ACTIONS:
        raise Refused(PARAMETERS)
    try:
        value = parse(amount)
    except ValueError as error:
        raise Refused(PARAMETERS) from error
    if abs(value) > AMOUNT_MAX * SCALE:
        raise Refused(MONEY_LIMIT)
    account = find(simulation, login)
    value = rounded(value, account.digits)
    if value == 0:
        raise Refused(PARAMETERS)
    if value < 0:
        funds = account.credit if kind == ACTION_CREDIT else account.balance
        short = check_margin and margin_free is not None and -value > margin_free
        if -value > funds or short:
            raise Refused(NO_MONEY)
    with simulation.store.transaction():
        ticket = simulation.store.take_tickets("deal", 1, FIRST_TICKET)
        deal = _nothing(login, simulation.clock.now_ms())._replace(
            ticket=ticket,
            action=kind,
            reason=REASON_DEALER,
            dealer=simulation.manager,
            currency_digits=account.digits,
            profit=value,
            comment=comment[:COMMENT_MAX],
        )
        simulation.store.add_deals([deal])
        if kind == ACTION_CREDIT:
            simulation.store.add_funds(login, credit=value)
        else:
            simulation.store.add_funds(login, balance=value)
    return ticket


def opening(simulation: Simulation, account: Account, trade: Execution) -> Deal:
    """Return the deal that opens a position at the group's price; tickets are still 0."""
    symbol = trade.symbol
    quote, raw = simulation.quote(account.group, symbol, trade.at_ms)
    rate = simulation.market.rate(symbol.profit, account.currency, trade.at_ms)
    margin_currency = symbol.base if symbol.is_forex else symbol.profit
    return Deal(
        0,
        account.login,
        simulation.clock.wall_ms(trade.at_ms),
        0,
        trade.action,
        ENTRY_IN,
        trade.reason,
        trade.dealer,
        symbol.name,
        symbol.digits,
        account.digits,
        symbol.contract,
        quote.ask if trade.action == BUY else quote.bid,
        trade.volume,
        0,
        0,
        0,
        groups.commission(
            simulation.groups[account.group],
            symbol,
            entry=ENTRY_IN,
            volume=trade.volume,
            digits=account.digits,
        ),
        0,
        rate,
        simulation.market.rate(margin_currency, account.currency, trade.at_ms),
        0,
        0,
        raw.bid,
        raw.ask,
        trade.comment,
        0,
    )


def profit_of(
    symbol: Symbol, *, action: int, volume: int, price_open: int, price_close: int
) -> int:
    """Return the profit of a position in the symbol's profit currency, unrounded in 1e-8."""
    moved = price_close - price_open if action == BUY else price_open - price_close
    return divide(moved * symbol.contract * volume, int(10**symbol.digits))


def swap_nights(symbol: Symbol, opened_ms: int, until_ms: int) -> int:
    """Return the nights charged between two server times: none at weekends, one day triple."""
    first, last = opened_ms // _DAY_MS, until_ms // _DAY_MS
    total = 0
    for day in range(first, last):
        weekday = (day + 4) % 7
        if 1 <= weekday <= 5:
            total += 3 if weekday == symbol.swap_triple_day else 1
    return total


def swap_of(
    simulation: Simulation, account: Account, position: Position, *, volume: int, at_ms: int
) -> int:
    """Return the swap of part of a position up to a UTC moment, in account currency (1e-8)."""
    symbol = SYMBOLS[position.symbol]
    terms = simulation.terms(account.group, symbol.name)
    until = simulation.clock.wall_ms(at_ms)
    nights = swap_nights(symbol, position.time_ms, until)
    if not nights or terms.swap_mode not in (SWAP_POINTS, SWAP_INTEREST_OPEN):
        return 0
    per_night = terms.swap_long if position.action == BUY else terms.swap_short
    scale = int(10**symbol.digits)
    amount = per_night * symbol.contract * volume * nights
    if terms.swap_mode == SWAP_INTEREST_OPEN:
        amount = amount * position.price_open // (100 * _INTEREST_YEAR_DAYS)
    rate = simulation.market.rate(symbol.profit, account.currency, at_ms)
    return rounded(divide(amount * rate, scale * SCALE * SCALE), account.digits)


def closing(simulation: Simulation, account: Account, position: Position, trade: Execution) -> Deal:
    """Return the deal that closes part or all of a position; tickets are still 0.

    ``trade.action`` is the direction of the closing deal, opposite to the position's.
    """
    symbol = trade.symbol
    opened = opening(simulation, account, trade)
    raw_profit = profit_of(
        symbol,
        action=position.action,
        volume=trade.volume,
        price_open=position.price_open,
        price_close=opened.price,
    )
    return opened._replace(
        entry=ENTRY_OUT,
        volume_closed=trade.volume,
        profit=rounded(divide(raw_profit * opened.rate_profit, SCALE), account.digits),
        storage=swap_of(simulation, account, position, volume=trade.volume, at_ms=trade.at_ms),
        commission=groups.commission(
            simulation.groups[account.group],
            symbol,
            entry=ENTRY_OUT,
            volume=trade.volume,
            digits=account.digits,
        ),
        profit_raw=raw_profit,
        position=position.ticket,
        price_position=position.price_open,
    )


def money_of(deal: Deal) -> int:
    """Return what a trade deal changes the balance by, in 1e-8."""
    return deal.profit + deal.storage + deal.commission


def shown(deal: Deal) -> str:
    """Return the deal as a JSON object in text: every scalar a string."""
    digits, money = deal.digits, deal.currency_digits
    comment = json.dumps(deal.comment, ensure_ascii=False) if deal.comment else '""'
    seconds, volume, closed = deal.time_ms // 1000, deal.volume, deal.volume_closed
    point = points_text(1, digits) if deal.symbol else "0"
    return (
        f'{{"Deal":"{deal.ticket}","ExternalID":"","Login":"{deal.login}",'
        f'"Dealer":"{deal.dealer}","Order":"{deal.order_ticket}","Action":"{deal.action}",'
        f'"Entry":"{deal.entry}","Reason":"{deal.reason}","Digits":"{digits}",'
        f'"DigitsCurrency":"{money}","ContractSize":"{deal.contract}.00",'
        f'"Time":"{seconds}","TimeMsc":"{deal.time_ms}","Symbol":"{deal.symbol}",'
        f'"Price":"{points_text(deal.price, digits)}","Volume":"{volume // _LOT_UNITS}",'
        f'"VolumeExt":"{volume}","Profit":"{text(deal.profit, money)}",'
        f'"Storage":"{text(deal.storage, money)}","Commission":"{text(deal.commission, money)}",'
        f'"Fee":"{text(0, money)}","RateProfit":"{text(deal.rate_profit, 8)}",'
        f'"RateMargin":"{text(deal.rate_margin, 8)}","ExpertID":"0",'
        f'"PositionID":"{deal.position}","Comment":{comment},'
        f'"ProfitRaw":"{text(deal.profit_raw, 2)}",'
        f'"PricePosition":"{points_text(deal.price_position, digits)}",'
        f'"PriceSL":"{points_text(0, digits)}","PriceTP":"{points_text(0, digits)}",'
        f'"VolumeClosed":"{closed // _LOT_UNITS}","VolumeClosedExt":"{closed}",'
        f'"TickValue":"0","TickSize":"{point}","Flags":"0","Gateway":"",'
        f'"PriceGateway":"{points_text(0, digits)}","ModifyFlags":"{deal.modified}",'
        f'"ModificationFlags":"{deal.modified}","Value":"0","ApiData":[],'
        f'"MarketBid":"{points_text(deal.market_bid, digits)}",'
        f'"MarketAsk":"{points_text(deal.market_ask, digits)}","MarketLast":"0"}}'
    )
