"""The simulated server as one object: store, clock, market and the groups in memory."""

from dataclasses import dataclass, field
from typing import Any

from . import groups as rules
from .clock import ServerClock
from .groups import Terms
from .market import Market, Quote
from .storage import Store
from .symbols import SYMBOLS, Symbol

FIRST_TICKET = 100_001


@dataclass(frozen=True, slots=True)
class LoginRange:
    """The login numbers that new accounts of groups with a prefix get."""

    prefix: str
    first: int
    last: int


LOGIN_RANGES = (
    LoginRange("real\\", 500_001, 799_999),
    LoginRange("managed\\", 800_001, 899_999),
    LoginRange("demo\\", 5_000_001, 5_999_999),
    LoginRange("", 900_001, 999_999),
)


@dataclass(slots=True)
class Simulation:
    """One trading server; ``denied`` holds commands and ``group_masks`` groups it refuses."""

    store: Store
    clock: ServerClock
    market: Market
    manager: int
    login_ranges: tuple[LoginRange, ...] = LOGIN_RANGES
    group_masks: str = "*"
    denied: frozenset[str] = frozenset()
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    _terms: dict[tuple[str, str], Terms] = field(default_factory=dict)

    def load(self) -> None:
        """Read the groups from the store, writing the first ones on a fresh server."""
        with self.store.transaction():
            if not self.store.setting("groups_made", 0):
                for place, record in enumerate(rules.initial()):
                    self.store.put_group(record["Group"], place, record)
                self.store.set_setting("groups_made", 1)
        self.clock.timezone_minutes = self.store.setting(
            "timezone_minutes", self.clock.timezone_minutes
        )
        self.clock.skew_seconds = self.store.setting("skew_seconds", self.clock.skew_seconds)
        self.groups = {record["Group"]: record for record in self.store.groups()}
        self._terms.clear()

    def put_group(self, record: dict[str, Any]) -> None:
        """Store a new or changed group."""
        with self.store.transaction():
            self.store.put_group(record["Group"], len(self.groups), record)
        self.groups[record["Group"]] = record
        self._terms.clear()

    def remove_group(self, name: str) -> None:
        """Delete a group."""
        with self.store.transaction():
            self.store.remove_group(name)
        del self.groups[name]
        self._terms.clear()

    def groups_matching(self, masks: str) -> list[str]:
        """Return the names of the manager's groups that fit the masks, in the server's order."""
        return [
            name
            for name in self.groups
            if rules.matches(name, masks) and rules.matches(name, self.group_masks)
        ]

    def terms(self, group: str, symbol: str) -> Terms:
        """Return the trading terms of a group on a symbol."""
        key = (group, symbol)
        found = self._terms.get(key)
        if found is None:
            found = self._terms[key] = rules.terms(self.groups[group], SYMBOLS[symbol])
        return found

    def quote(self, group: str, symbol: Symbol, at_ms: int) -> tuple[Quote, Quote]:
        """Return the client's quote and the market's raw one at a UTC moment in milliseconds."""
        raw = self.market.raw(symbol, at_ms)
        extra = self.terms(group, symbol.name).spread_points
        half = extra // 2
        return Quote(raw.bid - half, raw.ask + extra - half), raw
