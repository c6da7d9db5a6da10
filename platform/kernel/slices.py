"""A list's state put into SQL: filters, search, order, and the page beside a key.

The room that owns the data writes the select and names what a list's columns are in it; here
the select is narrowed, ordered and cut. Days are UTC and both included. A key is never an
offset: rows that arrive meanwhile neither repeat nor hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, Date, Select, func, or_, tuple_

from kernel.database import ControlSession, ReadSession, TenantSession
from kernel.web.cursors import Key, Window, read_cursor, window
from kernel.web.table import Range, State

Row = TypeVar("Row")
Session = TenantSession | ReadSession | ControlSession
PAGE = 50
COUNT_MAX = 10_000
_WORDS = 5


@dataclass(frozen=True)
class Source:
    """What a list's columns are in its select.

    `key` is a UUID that no two rows share; `search` gives the places where one lower-case word
    may stand; `orders` are expressions to sort by that differ from the column's own; `special`
    are filters that are no plain comparison. Every order is NOT NULL.
    """

    columns: Mapping[str, Any]
    key: Any
    search: Callable[[str], Sequence[ColumnElement[bool]]] | None = None
    orders: Mapping[str, Any] = field(default_factory=dict)
    special: Mapping[str, Callable[[str], ColumnElement[bool]]] = field(default_factory=dict)

    def order(self, name: str) -> ColumnElement[Any]:
        """Return what a column is sorted by."""
        found: ColumnElement[Any] = self.orders.get(name, self.columns.get(name))
        return found


def narrowed(
    statement: Select[*tuple[Any, ...]],
    state: State,
    source: Source,
    *,
    leave: Collection[str] = (),
) -> Select[*tuple[Any, ...]]:
    """Return a select with the state's search and filters, but for those to `leave` open."""
    return statement.where(*_conditions(state, source, leave))


def _conditions(state: State, source: Source, leave: Collection[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name, value in state.choices.items():
        if name not in leave:
            special = source.special.get(name)
            found.append(special(value) if special else source.columns[name] == value)
    for name, text in state.texts.items():
        special = source.special.get(name)
        plain = func.lower(source.columns[name]).contains(text.lower(), autoescape=True)
        found.append(special(text) if special else plain)
    for name, ends in state.ranges.items():
        found.extend(_between(source.columns[name], ends))
    if source.search:
        words = state.search.lower().split()[:_WORDS]
        found.extend(or_(*source.search(word)) for word in words)
    return found


def _between(column: ColumnElement[Any], ends: Range) -> list[ColumnElement[bool]]:
    days = isinstance(column.type, Date)
    found: list[ColumnElement[bool]] = []
    low, high = ends
    if low is not None:
        start = _midnight(low) if isinstance(low, date) and not days else low
        found.append(column >= start)
    if isinstance(high, date) and not days:
        found.append(column < _midnight(high + timedelta(days=1)))
    elif high is not None:
        found.append(column <= high)
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def page(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    state: State,
    source: Source,
    *,
    make: Callable[..., Row],
    size: int = PAGE,
) -> Window[Row]:
    """Return one page; `make` gets the select's own columns of a row."""
    kind = _key_kind(state)
    at = read_cursor(state.after or state.before, kind)
    backwards = at is not None and not state.after
    descending = state.descending is not backwards
    order = source.order(state.sorted_by)
    query = narrowed(statement, state, source)
    if at is not None:
        # A day is compared as the day it is.
        day = isinstance(order.type, Date) and isinstance(at.value, datetime)
        value = at.value.date() if day else at.value  # type: ignore[union-attr]
        place, wanted = tuple_(order, source.key), tuple_(value, at.id)
        query = query.where(place < wanted if descending else place > wanted)
    query = _sorted(query, order, source, descending=descending)
    query = query.add_columns(order, source.key).limit(size + 1)
    rows: Sequence[Any] = (await session.execute(query)).all()
    cut = window(
        rows,
        size=size,
        key=lambda row: (_moment(row[-2]), row[-1]),
        backwards=backwards,
        position=at.position if at else 0,
    )
    made = [make(*row[:-2]) for row in cut.rows]
    return Window(made, cut.first, cut.next, cut.previous)


async def rows(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    state: State,
    source: Source,
    *,
    make: Callable[..., Row],
    limit: int,
) -> list[Row]:
    """Return the first rows of the whole list in its order, as an export writes them."""
    query = narrowed(statement, state, source)
    query = _sorted(query, source.order(state.sorted_by), source, descending=state.descending)
    return [make(*row) for row in await session.execute(query.limit(limit))]


def _sorted(
    query: Select[*tuple[Any, ...]],
    order: ColumnElement[Any],
    source: Source,
    *,
    descending: bool,
) -> Select[*tuple[Any, ...]]:
    keys = (order, source.key)
    return query.order_by(*(one.desc() if descending else one.asc() for one in keys))


def _key_kind(state: State) -> Literal["text", "number", "money", "date"]:
    kind = state.table.column(state.sorted_by).kind
    return "text" if kind == "choice" else kind


def _moment(value: Key | date) -> Key:
    day = isinstance(value, date) and not isinstance(value, datetime)
    return _midnight(value) if day else value  # type: ignore[arg-type,return-value]


@dataclass(frozen=True)
class Facets:
    """How many rows each combination of some choices has, counted without those filters."""

    names: tuple[str, ...]
    groups: Sequence[tuple[tuple[Any, ...], int]]

    def total(self, state: State) -> int:
        """Return how many rows the state leaves."""
        return sum(self.counts(state, "").values())

    def counts(self, state: State, name: str) -> dict[str, int]:
        """Return how many rows each value of a choice has under the state's other choices."""
        wanted = {one: state.choices[one] for one in self.names if one in state.choices}
        wanted.pop(name, None)
        found: dict[str, int] = {}
        for values, count in self.groups:
            held = dict(zip(self.names, values, strict=True))
            if all(str(held[one]) == value for one, value in wanted.items()):
                key = str(held.get(name, ""))
                found[key] = found.get(key, 0) + count
        return found

    def values(self, name: str) -> list[str]:
        """Return the values of a choice that rows have, in order."""
        at = self.names.index(name)
        return sorted({str(values[at]) for values, _ in self.groups if values[at] is not None})

    def tabs(
        self, state: State, name: str, labels: Mapping[str, str], *, hot: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """Return a tab for everything and one for each value, with counts under the filters."""
        counts, current = self.counts(state, name), state.choices.get(name, "")
        tabs: list[dict[str, Any]] = [
            {
                "label": "All",
                "href": state.address(**{name: None}),
                "active": not current,
                "count": sum(counts.values()),
            }
        ]
        for value, label in labels.items():
            count = counts.get(value, 0)
            if count or value == current:
                tabs.append(
                    {
                        "label": label,
                        "href": state.address(**{name: value}),
                        "active": value == current,
                        "count": count,
                        "hot": value in hot and count > 0,
                    }
                )
        return tabs


async def facets(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    state: State,
    source: Source,
    names: tuple[str, ...],
) -> Facets:
    """Count by some choices; `statement` selects the count alone, from the list's tables."""
    columns = [source.columns[name] for name in names]
    query = narrowed(statement, state, source, leave=names).add_columns(*columns)
    query = query.group_by(*columns) if columns else query
    return Facets(names, [(tuple(row[1:]), row[0]) for row in await session.execute(query)])


async def count(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    state: State,
    source: Source,
    *,
    most: int = COUNT_MAX,
) -> int:
    """Return how many rows the state leaves, but stop counting past `most`.

    For lists that grow without end: their last rows would be read for a number alone.
    """
    some = narrowed(statement, state, source).limit(most + 1).subquery()
    counting: Select[*tuple[Any, ...]] = Select(func.count()).select_from(some)
    return int(await session.scalar(counting) or 0)
