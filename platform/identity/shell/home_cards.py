"""Cards of home pages: rooms offer them, a layout for each role says which and where.

An `Offer` answers with figures (cells of the strip above) or with one card. Each is asked once a
page, in a fixed number of statements whatever the data; what a viewer has no permission for is
not asked. A number is the count of the list that it opens.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

from kernel.clock import now
from kernel.database import TenantSession
from kernel.viewer import Viewer

PERIODS = (7, 14, 30, 90)
_USUAL = 14
FIGURES_MAX = 5


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, today among them, and as many before them to compare with."""

    days: int
    first: dt.date
    last: dt.date

    @classmethod
    def read(cls, text: str) -> Period:
        """Return the period of an address; what can't be read is two weeks."""
        days = int(text) if text.isdecimal() and len(text) < 4 else _USUAL
        days = days if days in PERIODS else _USUAL
        today = now().date()
        return cls(days, today - dt.timedelta(days=days - 1), today)

    @property
    def since(self) -> dt.datetime:
        """The moment it begins."""
        return _midnight(self.first)

    @property
    def until(self) -> dt.datetime:
        """The moment it ends."""
        return _midnight(self.last + dt.timedelta(days=1))

    @property
    def before(self) -> dt.datetime:
        """The moment at which the days to compare with begin."""
        return _midnight(self.earlier)

    @property
    def earlier(self) -> dt.date:
        """The first of the days to compare with."""
        return self.first - dt.timedelta(days=self.days)

    @property
    def basis(self) -> str:
        """What a change is measured against, in words."""
        return f"vs. {self.days} days before"

    def among(self, path: str, name: str, **more: str) -> str:
        """Return a list's address narrowed to these days by one of its columns."""
        days = {f"{name}_from": self.first.isoformat(), f"{name}_to": self.last.isoformat()}
        return f"{path}?{urlencode({**more, **days})}"


@dataclass(frozen=True, slots=True)
class Ask:
    """For whom, about which days and in which currency a card is made."""

    viewer: Viewer
    period: Period
    currency: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a card.

    `late` marks what should have been done; `share` is the length of its bar, of a hundred.
    """

    title: str
    line: str = ""
    href: str = ""
    value: Any = None
    at: dt.datetime | None = None
    late: bool = False
    share: Decimal = Decimal(0)
    icon: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One card: a queue of items, bars to compare, or a chart over days.

    `count` is how many there are in all, where the list behind `href` has as many. `empty` says
    what it means for this role that there is nothing.
    """

    title: str
    kind: Literal["queue", "bars", "chart"]
    items: Sequence[Item] = ()
    empty: str = ""
    href: str = ""
    href_label: str = "See all"
    sub: str = ""
    count: int | None = None
    hot: bool = False
    chart: Mapping[str, Any] = field(default_factory=dict)
    legend: Sequence[Mapping[str, str]] = ()
    empty_icon: str = "circle-check"
    template: str = ""


Figures = Mapping[str, Mapping[str, Any]]
Build = Callable[[TenantSession, Ask], Awaitable[Figures | Card]]


@dataclass(frozen=True)
class Offer:
    """What a room can show on a home page, to whoever has the permission."""

    name: str
    permission: str
    build: Build


@dataclass(frozen=True)
class Layout:
    """What a role sees at home: figures (`offer:figure`), cards beside a rail, by their names."""

    figures: Sequence[str]
    main: Sequence[str]
    rail: Sequence[str]


@dataclass(frozen=True, slots=True)
class Home:
    """A home page, ready to be shown."""

    figures: Sequence[Mapping[str, Any]]
    main: Sequence[Card]
    rail: Sequence[Card]


async def arrange(
    session: TenantSession, offers: Sequence[Offer], *, layout: Layout, ask: Ask
) -> Home:
    """Ask for what a layout names and the viewer may see, each offer once."""
    by_name = {offer.name: offer for offer in offers}
    answers: dict[str, Figures | Card] = {}
    names = [name.partition(":")[0] for name in layout.figures]
    for name in dict.fromkeys([*names, *layout.main, *layout.rail]):
        offer = by_name[name]
        if ask.viewer.may(offer.permission):
            answers[name] = await offer.build(session, ask)
    figures = []
    for wanted in layout.figures:
        name, _, key = wanted.partition(":")
        found = answers.get(name)
        if isinstance(found, Mapping) and key in found:
            figures.append(found[key])
    return Home(figures[:FIGURES_MAX], _cards(answers, layout.main), _cards(answers, layout.rail))


def _cards(answers: Mapping[str, Figures | Card], names: Sequence[str]) -> list[Card]:
    found = [answers.get(name) for name in names]
    return [card for card in found if isinstance(card, Card)]


def figure(
    label: str,
    value: int | Decimal,
    href: str = "",
    *,
    unit: str = "",
    before: int | Decimal | None = None,
    up_is_good: bool | None = True,
    basis: str = "",
) -> dict[str, Any]:
    """Return one cell of the strip; with `before` it says how the value has changed."""
    shown = f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"
    cell: dict[str, Any] = {"label": label, "value": shown, "unit": unit, "href": href}
    if before is None:
        return cell | {"basis": basis}
    if before <= 0:
        return cell | {"basis": "nothing before to compare" if value else basis}
    change = Decimal(value - before) * 100 / Decimal(before)
    cell |= {"delta": f"{abs(change):.1f} %", "direction": "up" if change >= 0 else "down"}
    cell["basis"] = basis
    if up_is_good is not None:
        cell["good"] = (change >= 0) == up_is_good
    return cell


def shares(values: Sequence[int | Decimal]) -> list[Decimal]:
    """Return how long each bar is, of a hundred, when the largest fills it."""
    largest = max((Decimal(value) for value in values), default=Decimal(0))
    if largest <= 0:
        return [Decimal(0) for _ in values]
    return [
        max(Decimal(0), (Decimal(value) * 100 / largest).quantize(Decimal("0.1")))
        for value in values
    ]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
