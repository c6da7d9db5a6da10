"""Trading for demo data: backdated deals that keep accounts solvent, and live trading.

Everything is a function of the seed, the logins, the end of the period and the accounts, so
the same call on the same server state writes the same deals. Positions of one account follow
each other without overlap and stand only in sessions (Sunday 22:05 to Friday 21:55 UTC), so
that the running balance is exact and never falls below zero.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from . import deals, positions
from .accounts import Account, find, with_funds
from .protocol import Refused
from .scales import SCALE
from .simulation import FIRST_TICKET, Simulation
from .storage import Deal
from .symbols import SYMBOLS, Symbol

_WEEK_MS = 7 * 86_400_000
_OPEN_MS = 5 * 86_400_000 - 600_000
_FIRST_SUNDAY_MS = 3 * 86_400_000 + 79_500_000
_SLOT_MIN_MS = 4_000
_LOSS_MAX_SHARE = 5
_LOTS_MAX = 3 * SCALE
_SOLVENT_MIN = 10 * SCALE
_LIVE_ACCOUNTS = 3
_REASON_EXPERT = 1
_REASON_MOBILE = 16


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an account trades: its symbols, how long it holds, and how it sends orders."""

    symbols: tuple[str, ...]
    hold_min_ms: int
    hold_max_ms: int
    reasons: tuple[int, ...]


SCALPER = Behaviour(
    ("EURUSD", "EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "XAUUSD", "NAS100", "GER40", "US30"),
    20_000,
    1_200_000,
    (deals.REASON_CLIENT, _REASON_EXPERT),
)
SWING = Behaviour(tuple(SYMBOLS), 7_200_000, 345_600_000, (deals.REASON_CLIENT, _REASON_MOBILE))


@dataclass(frozen=True, slots=True)
class Period:
    """The time to fill, as UTC milliseconds."""

    since_ms: int
    until_ms: int


def session_offset(utc_ms: int) -> int:
    """Return how much session time has passed up to a UTC moment, in milliseconds."""
    week, rest = divmod(utc_ms - _FIRST_SUNDAY_MS, _WEEK_MS)
    return week * _OPEN_MS + min(rest, _OPEN_MS)


def session_moment(offset: int) -> int:
    """Return the UTC moment, in milliseconds, at which that much session time has passed."""
    week, rest = divmod(offset, _OPEN_MS)
    return _FIRST_SUNDAY_MS + week * _WEEK_MS + rest


def is_open(utc_ms: int) -> bool:
    """Return whether the market trades at a UTC moment in milliseconds."""
    return (utc_ms - _FIRST_SUNDAY_MS) % _WEEK_MS < _OPEN_MS


def round_trip(
    simulation: Simulation, account: Account, trade: deals.Execution, close_ms: int
) -> tuple[Deal, Deal]:
    """Return the two deals of a position opened and closed whole; tickets are still 0."""
    opened = deals.opening(simulation, account, trade)
    position = positions.position_of(opened)
    opposite = deals.SELL if trade.action == deals.BUY else deals.BUY
    back = deals.Execution(trade.symbol, opposite, trade.volume, close_ms, trade.reason)
    return opened, deals.closing(simulation, account, position, back)


def _sized(balance: int, rate: int, random: Random) -> int:
    """Return lots for a balance: 0.1 to 0.6 lots for each 10,000 US dollars of it."""
    dollars = balance * rate // SCALE
    lots = dollars * random.randrange(10, 61) // (100 * 10_000)
    step = positions.VOLUME_STEP
    return max(step, min(_LOTS_MAX, lots // step * step))


def _affordable_trip(
    simulation: Simulation, account: Account, trade: deals.Execution, close_ms: int
) -> tuple[Deal, Deal] | None:
    """Return the trip with lots cut until a loss stays under a fifth of the balance."""
    limit = account.balance // _LOSS_MAX_SHARE
    step = positions.VOLUME_STEP
    opposite = deals.SELL if trade.action == deals.BUY else deals.BUY
    for action in (trade.action, opposite):
        volume = trade.volume
        while True:
            sized = deals.Execution(
                trade.symbol, action, volume, trade.at_ms, trade.reason, 0, trade.comment
            )
            trip = round_trip(simulation, account, sized, close_ms)
            lost = -(deals.money_of(trip[0]) + deals.money_of(trip[1]))
            if lost <= limit:
                return trip
            cut = volume * limit // lost // step * step
            if volume <= step:
                break
            volume = max(step, min(cut, volume - step))
    return None


def account_deals(
    simulation: Simulation, account: Account, *, count: int, period: Period, seed: int
) -> Iterator[tuple[Deal, Deal]]:
    """Yield up to that many round trips of one account, in order of time."""
    random = Random(f"{seed}:{account.login}")
    behaviour = SCALPER if random.randrange(100) < 40 else SWING
    skill_percent = random.randrange(38, 58)
    start, end = session_offset(period.since_ms), session_offset(period.until_ms)
    slot = (end - start) // max(1, count)
    if slot < _SLOT_MIN_MS:
        raise ValueError("too many deals for the period: ask for more days or fewer deals")
    for place in range(count):
        first = start + place * slot + random.randrange(slot // 4)
        last = start + (place + 1) * slot - 1_000 - random.randrange(slot // 8)
        hold = random.randrange(behaviour.hold_min_ms, behaviour.hold_max_ms)
        opens = session_moment(first)
        closes = session_moment(min(first + hold, last))
        symbol = SYMBOLS[random.choice(behaviour.symbols)]
        rate = simulation.market.rate(account.currency, "USD", opens)
        rises = simulation.market.bid(symbol, closes) >= simulation.market.bid(symbol, opens)
        wins = random.randrange(100) < skill_percent
        trade = deals.Execution(
            symbol,
            deals.BUY if rises == wins else deals.SELL,
            _sized(account.balance, rate, random),
            opens,
            random.choice(behaviour.reasons),
        )
        trip = _affordable_trip(simulation, account, trade, closes)
        if trip is not None:
            account = _after(account, trip)
            yield trip


def _after(account: Account, trip: tuple[Deal, Deal]) -> Account:
    return with_funds(account, balance=deals.money_of(trip[0]) + deals.money_of(trip[1]))


def store_trips(
    simulation: Simulation, account: Account, trips: Sequence[tuple[Deal, Deal]]
) -> list[int]:
    """Number and store round trips and book their result; return the deals' tickets."""
    rows: list[Deal] = []
    total = 0
    with simulation.store.transaction():
        ticket = simulation.store.take_tickets("deal", 2 * len(trips), FIRST_TICKET)
        order = simulation.store.take_tickets("order", 2 * len(trips), FIRST_TICKET)
        for opened, closed in trips:
            rows.append(opened._replace(ticket=ticket, order_ticket=order, position=order))
            rows.append(closed._replace(ticket=ticket + 1, order_ticket=order + 1, position=order))
            total += deals.money_of(opened) + deals.money_of(closed)
            ticket, order = ticket + 2, order + 2
        simulation.store.add_deals(rows)
        simulation.store.add_funds(account.login, balance=total)
    return [row.ticket for row in rows]


def shares(logins: Sequence[int], total: int, seed: int) -> list[int]:
    """Return how many of the total each login gets: uneven, adding up exactly."""
    random = Random(f"{seed}:shares")
    weights = [random.randrange(20, 200) for _ in logins]
    whole = sum(weights)
    counts = [total * weight // whole for weight in weights]
    for place in range(total - sum(counts)):
        counts[place % len(counts)] += 1
    return counts


def solvent(simulation: Simulation, logins: Sequence[int]) -> list[Account]:
    """Return the accounts among these logins that have money; raise Refused 13 for others."""
    found = [find(simulation, login) for login in logins]
    return [account for account in found if account.balance >= _SOLVENT_MIN]


def generate(
    simulation: Simulation, *, logins: Sequence[int], total: int, period: Period, seed: int
) -> Iterator[int]:
    """Write backdated deals account by account; yield how many each account got.

    Raises ValueError when the period is too short for them.
    """
    trading = solvent(simulation, logins)
    if not trading:
        return
    pairs = shares([account.login for account in trading], total // 2, seed)
    for account, count in zip(trading, pairs, strict=True):
        fresh = find(simulation, account.login)
        trips = list(account_deals(simulation, fresh, count=count, period=period, seed=seed))
        yield len(store_trips(simulation, fresh, trips))


def live_step(simulation: Simulation, logins: Sequence[int], random: Random) -> int:
    """Let a few accounts trade at the quotes of the moment; return how many deals were made."""
    at_ms = simulation.clock.utc_ms()
    made = 0
    for login in random.sample(list(logins), min(_LIVE_ACCOUNTS, len(logins))):
        account = find(simulation, login)
        opened = simulation.store.positions(login=login)
        tradable = [symbol for symbol in SYMBOLS.values() if is_open(at_ms) or _always_open(symbol)]
        if not tradable:
            return made
        try:
            if opened and random.randrange(100) < 60:
                position = random.choice(opened)
                symbol = SYMBOLS[position.symbol]
                trade = deals.Execution(symbol, deals.BUY, 0, at_ms)
                positions.close_position(simulation, login, position.ticket, trade)
            else:
                rate = simulation.market.rate(account.currency, "USD", at_ms)
                trade = deals.Execution(
                    random.choice(tradable),
                    random.choice((deals.BUY, deals.SELL)),
                    _sized(account.balance, rate, random),
                    at_ms,
                )
                positions.open_position(simulation, login, trade)
        except Refused:
            continue
        made += 1
    return made


def _always_open(symbol: Symbol) -> bool:
    return symbol.family == "Crypto"
