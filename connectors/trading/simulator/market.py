"""The market: seeded prices that are a pure function of (seed, symbol, time).

Each price is a usual level moved by a sum of value-noise layers whose size grows with the
square root of their period, which is how a random walk spreads. Nothing is stored: the same
seed gives the same price for the same moment, now or sixty days back. Times are UTC
milliseconds, prices integers of points, rates integers of 1e-8.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt
from zlib import crc32

from .scales import SCALE, divide
from .symbols import SYMBOLS, Symbol

_DAY_MS = 86_400_000
_PERIODS_MS = (64 * _DAY_MS, 16 * _DAY_MS, 4 * _DAY_MS, _DAY_MS, 21_600_000, 5_400_000)
_PERIODS_FAST_MS = (1_200_000, 300_000, 60_000, 15_000, 2_000)
_MASK = 2**64 - 1
_CROSSES = {
    "EURGBP": ("EURUSD", "GBPUSD", False),
    "EURJPY": ("EURUSD", "USDJPY", True),
    "GBPJPY": ("GBPUSD", "USDJPY", True),
    "AUDNZD": ("AUDUSD", "NZDUSD", False),
}
_RATE_SCALE = 10**14
_FIXED_USD = {"USD": _RATE_SCALE, "USC": _RATE_SCALE // 100, "AED": 27_229_407_760_000}
"""US dollars per unit: a cent is a hundredth, the dirham is pegged at 3.6725."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A bid and an ask in points."""

    bid: int
    ask: int


def _mix(number: int) -> int:
    """Return a well-mixed 64-bit number (the finaliser of SplitMix64, a public-domain method)."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def _lattice(seed: int, index: int) -> int:
    """Return the noise of one lattice point, from -1,000,000 to 1,000,000."""
    return _mix(seed ^ (index * 0x9E3779B1)) % 2_000_001 - 1_000_000


_lattice_kept = lru_cache(maxsize=20_000)(_lattice)


class Market:
    """Prices and currency rates of one seeded world."""

    def __init__(self, seed: int) -> None:
        """Remember the seed and precompute the size of each layer for each symbol."""
        self._layers: dict[str, list[tuple[int, int, int]]] = {}
        periods = _PERIODS_MS + _PERIODS_FAST_MS
        for symbol in SYMBOLS.values():
            layers = []
            for place, period in enumerate(periods):
                share_ppm = isqrt(period * 10**12 // _DAY_MS)
                size = symbol.daily_move_ppm * share_ppm // 10**6
                key = _mix((seed << 40) ^ (crc32(symbol.name.encode()) << 8) ^ place)
                layers.append((key, period, size))
            self._layers[symbol.name] = layers
        self._recent = lru_cache(maxsize=512)(self._bid)

    def bid(self, symbol: Symbol, at_ms: int) -> int:
        """Return the raw bid in points at a UTC moment in milliseconds."""
        return self._recent(symbol.name, at_ms)

    def _bid(self, name: str, at_ms: int) -> int:
        symbol = SYMBOLS[name]
        cross = _CROSSES.get(symbol.name)
        if cross is not None:
            first, second = SYMBOLS[cross[0]], SYMBOLS[cross[1]]
            left, right = self.bid(first, at_ms), self.bid(second, at_ms)
            scale = int(10**symbol.digits)
            if cross[2]:
                return divide(left * right * scale, 10 ** (first.digits + second.digits))
            return divide(left * scale, right)
        moved = 0
        kept = len(_PERIODS_MS)
        for place, (key, period, size) in enumerate(self._layers[symbol.name]):
            index, rest = divmod(at_ms, period)
            noise = _lattice_kept if place < kept else _lattice
            left, right = noise(key, index), noise(key, index + 1)
            moved += size * (left + (right - left) * rest // period)
        return max(1, symbol.level_points + divide(symbol.level_points * moved, 10**12))

    def raw(self, symbol: Symbol, at_ms: int) -> Quote:
        """Return the market's own bid and ask in points, before any group's mark-up."""
        bid = self.bid(symbol, at_ms)
        return Quote(bid, bid + symbol.spread_points)

    def _usd_per(self, currency: str, at_ms: int) -> int:
        if currency in _FIXED_USD:
            return _FIXED_USD[currency]
        direct = SYMBOLS.get(f"{currency}USD")
        if direct is not None:
            return self.bid(direct, at_ms) * _RATE_SCALE // int(10**direct.digits)
        inverse = SYMBOLS.get(f"USD{currency}")
        if inverse is None:
            raise ValueError(f"no rate for currency {currency}")
        return _RATE_SCALE * int(10**inverse.digits) // self.bid(inverse, at_ms)

    def rate(self, source: str, target: str, at_ms: int) -> int:
        """Return how much of the target currency one of the source buys, in 1e-8.

        Raises ValueError when the server quotes neither currency against the dollar.
        """
        if source == target:
            return SCALE
        return divide(self._usd_per(source, at_ms) * SCALE, self._usd_per(target, at_ms))
