"""The order of a portal's pages and of the cards on its first page, as a brokerage chooses it.

What a choice does not name keeps its place behind what it names, so that a page that is new in
the product appears without anybody's doing. What the law or a client's money needs stays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")

PORTALS = ("trader", "partner")
MUST = {
    "trader": frozenset({"/", "/deposit", "/verification"}),
    "partner": frozenset({"/", "/balance"}),
}
"""Paths that no brokerage can hide: the way home, to one's money and to one's identity."""

CARDS = {
    "trader": {
        "wallet": "Wallet, available now",
        "setup": "Your set-up",
        "accounts": "Trading accounts",
        "activity": "Recent activity",
    },
    "partner": {
        "balance": "Balance",
        "links": "Your links",
        "figures": "Figures of 30 days",
        "network": "Your network",
        "commissions": "Latest commissions",
    },
}
"""Cards of each portal's first page in their own order, and what they are called."""


@dataclass(frozen=True)
class Menu:
    """A brokerage's choice for one portal: paths in order, and those that are not shown."""

    order: tuple[str, ...] = ()
    hidden: frozenset[str] = field(default_factory=frozenset)

    def shows(self, portal: str, path: str) -> bool:
        """Whether a page stands in the portal's navigation."""
        return path not in self.hidden or path in MUST.get(portal, frozenset())


def ordered(items: Iterable[Item], order: Sequence[str], key: Callable[[Item], str]) -> list[Item]:
    """Put items in a chosen order; those that it does not name follow as they stood."""
    places = {name: at for at, name in enumerate(order)}
    return sorted(items, key=lambda item: places.get(key(item), len(places)))


def menus(chosen: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Menu]:
    """Read the menus of a look as it is stored."""
    return {
        portal: Menu(tuple(one.get("order", ())), frozenset(one.get("hidden", ())))
        for portal, one in chosen.items()
        if portal in PORTALS
    }


def cards(chosen: Mapping[str, Sequence[str]], portal: str) -> tuple[str, ...]:
    """Return the cards of a portal's first page in the order in which they stand."""
    return tuple(ordered(CARDS[portal], chosen.get(portal, ()), str))
