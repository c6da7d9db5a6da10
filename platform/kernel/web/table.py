"""What every list of the product shares: columns, and its state as the address carries it.

Pure: a query string is read into a `State` and written back. What cannot be used is left out of
the filters, kept as it was typed, and named in `errors` with what to do. A search is `q`, the
order `sort` (`-` for descending), the columns `cols`; a choice or text filter has its column's
name, and a range has two: `_min`/`_max` for numbers and money, `_from`/`_to` for days (UTC, both
included). `after` and `before` are the cursor: the key of a row, never an offset, so that rows
which arrive meanwhile neither repeat nor hide another.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

Kind = Literal["text", "number", "money", "date", "choice"]
Key = str | int | Decimal | datetime
Row = TypeVar("Row")
PANELS = ("filter", "columns", "view", "export")
SEARCH_MAX = 100
_CURSOR_MAX = 600
_TEXT_MAX = 80
_ENDS = {"number": ("_min", "_max"), "money": ("_min", "_max"), "date": ("_from", "_to")}
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2100, 12, 31)
_INT_MAX = 2**31 - 1
_MONEY_MAX = Decimal(10) ** 18


@dataclass(frozen=True)
class Column:
    """One column; those that are not `shown` at first come after those that are.

    A choice allows its `choices` or, when they depend on the data, whatever `pattern` matches.
    `end` aligns numbers; `wide` leaves the column out on a phone; `pinned` is always shown.
    """

    name: str
    label: str
    kind: Kind = "text"
    sortable: bool = False
    filtered: bool = False
    shown: bool = True
    end: bool = False
    wide: bool = False
    pinned: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    pattern: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names its filter has in an address."""
        if not self.filtered:
            return ()
        return tuple(self.name + end for end in _ENDS.get(self.kind, ("",)))


class Range(NamedTuple):
    """Both ends of a filter, each included; None is open."""

    low: Decimal | date | None
    high: Decimal | date | None


@dataclass(frozen=True)
class State:
    """A list as somebody wants to see it.

    `query` is everything understood or typed, as text and without the cursor; `choices`, `texts`
    and `ranges` are the filters that hold, by column.
    """

    table: Table
    query: Mapping[str, str]
    search: str
    sort: str
    shown: tuple[str, ...]
    choices: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    after: str = ""
    before: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The list's address without a query."""
        return self.table.path

    @property
    def written(self) -> str:
        """The state as a query string, without the cursor: what a saved view keeps."""
        return urlencode(self.query)

    @property
    def sorted_by(self) -> str:
        """The name of the column the list is in the order of."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return self.sort.startswith("-")

    @property
    def filters(self) -> list[str]:
        """The names of what narrows the list, for the trail of an export: no typed values."""
        names = [*self.choices, *self.texts, *self.ranges]
        return sorted(["search", *names] if self.search else names)

    def address(self, **changes: str | None) -> str:
        """Return the list's address with some of its query changed; the cursor goes."""
        kept = {key: value for key, value in {**self.query, **changes}.items() if value}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def panel(self, name: str) -> str:
        """Return the address of the same page with one of the panels of `PANELS` open."""
        return self.address(panel=name, after=self.after, before=self.before)

    @cached_property
    def extras(self) -> list[Column]:
        """Return the shown columns that a list does not have at first."""
        if "cols" not in self.query:
            return []
        return [one for one in self.table.columns if not one.shown and one.name in self.shown]

    @property
    def classes(self) -> str:
        """Return the classes of the table that hide the columns nobody wants.

        The cells of a row are written once for all choices, so that the ordinary list pays
        nothing for them; the hidden ones are taken out by the style sheet.
        """
        if "cols" not in self.query:
            return ""
        usual = [one for one in self.table.columns if one.shown]
        hidden = [f"x{at}" for at, one in enumerate(usual, 1) if one.name not in self.shown]
        return " ".join(["chosen", *hidden])

    def heads(self) -> list[dict[str, Any]]:
        """Return the column heads: label, classes, link that sorts, and `aria-sort`."""
        found = []
        for one in [*(column for column in self.table.columns if column.shown), *self.extras]:
            ordered = one.sortable and self.sorted_by == one.name
            head: dict[str, Any] = dict.fromkeys(("href", "icon", "aria"), "")
            head |= {"label": one.label, "class": _classes(one)}
            if one.sortable:
                turned = one.name if ordered and self.descending else f"-{one.name}"
                head["href"] = self.address(sort=turned)
            if ordered:
                head["aria"] = "descending" if self.descending else "ascending"
                head["icon"] = "arrow-down" if self.descending else "arrow-up"
            found.append(head)
        return found

    def opened(self, panel: str = "") -> str:
        """Return the panel to show: the one asked for, else the filter's when it has an error."""
        if panel in PANELS:
            return panel
        if not self.errors:
            return ""
        typed = (name for one in self.table.columns for name in one.parameters)
        return "filter" if any(name in self.errors for name in typed) else ""

    def chips(self) -> list[dict[str, str]]:
        """Return what the typed filters narrow the list to, each with a link that removes it."""
        found = []
        for one in self.table.columns:
            if one.name in self.texts:
                shown = ("contains", self.texts[one.name])
            elif one.name in self.ranges:
                shown = _words(self.ranges[one.name])
            else:
                continue
            gone = self.address(**dict.fromkeys(one.parameters))
            found.append(
                {"label": one.label, "operator": shown[0], "value": shown[1], "remove_href": gone}
            )
        return found


@dataclass(frozen=True)
class Table:
    """A list: its name in saved views, its address, its columns and its first order."""

    name: str
    path: str
    columns: tuple[Column, ...]
    sort: str

    @cached_property
    def _sortable(self) -> frozenset[str]:
        names = {one.name for one in self.columns if one.sortable}
        return frozenset(names | {f"-{name}" for name in names})

    @cached_property
    def _usual(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.columns if one.shown)

    @cached_property
    def _filters(self) -> list[tuple[Column, tuple[str, ...]]]:
        return [(one, one.parameters) for one in self.columns if one.filtered]

    def column(self, name: str) -> Column:
        """Return the column of a name; raise KeyError for an unknown one."""
        return {one.name: one for one in self.columns}[name]

    def without(self, *names: str) -> Table:
        """Return the list as somebody has it who may not see some of its columns."""
        kept = tuple(one for one in self.columns if one.name not in names)
        return Table(self.name, self.path, kept, self.sort)

    def read_text(self, written: str) -> State:
        """Read a query string, as a form brings it back; see `read`."""
        return self.read(dict(parse_qsl(written[:4000])))

    def read(self, query: Mapping[str, str]) -> State:
        """Read an address's query; what cannot be used is kept as typed and named in `errors`."""
        errors: dict[str, str] = {}
        kept: dict[str, str] = {}
        search = query.get("q", "").replace("\x00", "").strip()[:SEARCH_MAX]
        if search:
            kept["q"] = search
        found = _Filters({}, {}, {})
        for column, names in self._filters:
            typed = {name: _typed(query, name) for name in names if query.get(name)}
            if typed:
                kept.update(typed)
                _read_filter(column, typed, found, errors)
        return State(
            table=self,
            query=kept,
            search=search,
            sort=self._read_sort(query, kept, errors),
            shown=self._read_columns(query, kept, errors),
            choices=found.choices,
            texts=found.texts,
            ranges=found.ranges,
            after=query.get("after", "")[:_CURSOR_MAX],
            before=query.get("before", "")[:_CURSOR_MAX],
            errors=errors,
        )

    def _read_sort(
        self, query: Mapping[str, str], kept: dict[str, str], errors: dict[str, str]
    ) -> str:
        wanted = query.get("sort", "")
        if wanted in self._sortable:
            if wanted != self.sort:
                kept["sort"] = wanted
            return wanted
        if wanted:
            errors["sort"] = "This list has no such order. It is in its usual one."
        return self.sort

    def _read_columns(
        self, query: Mapping[str, str], kept: dict[str, str], errors: dict[str, str]
    ) -> tuple[str, ...]:
        if not query.get("cols"):
            return self._usual
        wanted = set(query["cols"].split(","))
        names = tuple(one.name for one in self.columns if one.pinned or one.name in wanted)
        if wanted - set(names):
            errors["cols"] = "Some of these columns do not exist here. The others are shown."
        if names != self._usual:
            kept["cols"] = ",".join(names)
        return names


class _Filters(NamedTuple):
    choices: dict[str, str]
    texts: dict[str, str]
    ranges: dict[str, Range]


def _typed(query: Mapping[str, str], name: str) -> str:
    return query[name].replace("\x00", "").strip()[:_TEXT_MAX]


def _read_filter(
    column: Column, typed: dict[str, str], found: _Filters, errors: dict[str, str]
) -> None:
    if column.kind == "text":
        found.texts[column.name] = typed[column.name]
        return
    if column.kind == "choice":
        value = typed[column.name]
        known = [key for key, _ in column.choices]
        if value in known or (column.pattern and re.fullmatch(column.pattern, value)):
            found.choices[column.name] = value
        else:
            errors[column.name] = f"{column.label}: choose one of the list."
        return
    ends: list[Any] = []
    for name in column.parameters:
        try:
            ends.append(_READ[column.kind](typed[name]) if typed.get(name) else None)
        except (ValueError, InvalidOperation):
            errors[name] = f"{column.label}: {_HOW[column.kind]}"
            ends.append(None)
    low, high = ends
    if low is not None and high is not None and low > high:
        errors[column.parameters[0]] = f"{column.label}: the first value is after the last one."
    elif low is not None or high is not None:
        found.ranges[column.name] = Range(low, high)


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError(text)
    return day


def _whole(text: str) -> Decimal:
    if not re.fullmatch(r"[-+]?[0-9]{1,10}", text) or abs(int(text)) > _INT_MAX:
        raise ValueError(text)
    return Decimal(text)


def _amount(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,8})?", text):
        raise ValueError(text)
    return Decimal(text)


_READ: dict[str, Callable[[str], Decimal | date]] = {
    "number": _whole,
    "money": _amount,
    "date": _day,
}
_HOW = {
    "number": "write a whole number, such as 40.",
    "money": "write an amount with a point and no commas, such as 1250.50.",
    "date": "write a day as 2026-11-24.",
}


def _classes(column: Column) -> str:
    return " ".join(name for name, on in (("r", column.end), ("wide", column.wide)) if on)


def _words(ends: Range) -> tuple[str, str]:
    if ends.high is None:
        return "from", str(ends.low)
    if ends.low is None:
        return "up to", str(ends.high)
    return "between", f"{ends.low} and {ends.high}"


class Cursor(NamedTuple):
    """The row a page starts beside: its key in the list's order, its id, its place."""

    value: Key
    id: UUID
    position: int


def cursor(value: Key, row_id: UUID, position: int) -> str:
    """Write a cursor for an address."""
    shown = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([str(shown) if isinstance(shown, Decimal) else shown, str(row_id), position])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, kind: Literal["text", "number", "money", "date"]) -> Cursor | None:
    """Read a cursor whose key is of a kind; None for one that this list did not write."""
    try:
        padded = text + "=" * (-len(text) % 4)
        value, row_id, position = json.loads(base64.urlsafe_b64decode(padded.encode()))
        return Cursor(_KEYS[kind](str(value)), UUID(str(row_id)), max(0, int(position)))
    except (ValueError, TypeError, OverflowError, InvalidOperation, binascii.Error):
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _integer(text: str) -> int:
    return int(_whole(text))


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number) > _MONEY_MAX:
        raise ValueError("no amount is as large")
    return number


def _words_of(text: str) -> str:
    if "\x00" in text:
        raise ValueError("no text holds this")
    return text


_KEYS: dict[str, Callable[[str], Key]] = {
    "text": _words_of,
    "number": _integer,
    "money": _decimal,
    "date": _moment,
}


@dataclass(frozen=True)
class Window(Generic[Row]):
    """The rows of one page, the place of the first (from 1), and the cursors around them."""

    rows: list[Row]
    first: int
    next: str | None
    previous: str | None

    def paging(self, state: State, total: int) -> dict[str, Any]:
        """Return what the foot of the list says and links to."""
        return {
            "first": self.first,
            "last": self.first + len(self.rows) - 1 if self.rows else 0,
            "total": total,
            "previous": state.address(before=self.previous) if self.previous else None,
            "next": state.address(after=self.next) if self.next else None,
        }


def window(
    rows: Sequence[Row],
    *,
    size: int,
    key: Callable[[Row], tuple[Key, UUID]],
    backwards: bool,
    position: int,
) -> Window[Row]:
    """Cut what was read, one row more than a page where there is more, to one page.

    Rows that were read `backwards` are turned; `position` counts the rows before, or up to,
    the cursor.
    """
    more = len(rows) > size
    kept = list(rows[:size])
    if backwards:
        kept.reverse()
    start = max(0, position - len(kept)) if backwards else position
    has_next = more or backwards
    has_previous = more if backwards else start > 0
    return Window(
        rows=kept,
        first=start + 1 if kept else 0,
        next=cursor(*key(kept[-1]), start + len(kept)) if kept and has_next else None,
        previous=cursor(*key(kept[0]), start) if kept and has_previous else None,
    )
