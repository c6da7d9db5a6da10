"""What every list of the product shares: columns, and its state as the address carries it.

Pure: a query string is read into a `State` and written back. What cannot be used is left out of
the filters, kept as it was typed, and named in `errors` with what to do. A search is `q`, the
order `sort` (`-` for descending), the columns `cols`; a choice or text filter has its column's
name, and a range has two: `_min`/`_max` for numbers and money, `_from`/`_to` for days (UTC, both
included). `after` and `before` are the cursor: the key of a row, never an offset, so that rows
which arrive meanwhile neither repeat nor hide another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlencode

from kernel.declared import Declared
from kernel.language import gettext, marked

Kind = Literal["text", "number", "money", "date", "choice"]
PANELS = ("filter", "columns", "view", "export")
SEARCH_MAX = 100
# What a choice may be that names a person or another record.
UUIDS = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CURSOR_MAX = 600
_TEXT_MAX = 80
_ENDS = {"number": ("_min", "_max"), "money": ("_min", "_max"), "date": ("_from", "_to")}
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2100, 12, 31)
_INT_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Column(Declared):
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
    and `ranges` are the filters that hold, by column. `opens`: the bare address shows less than
    the whole list, so that the whole list has one of its own.
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
    opens: bool = False

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
        if not kept and self.opens:
            return self.everything
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    @property
    def everything(self) -> str:
        """The address of the whole list, also for somebody whose list opens with a view."""
        return f"{self.path}?view=all"

    def emptied(self) -> str:
        """Return in words what leaves nothing of the list."""
        names = [gettext(self.table.column(name).label) for name in self._narrowing]
        if self.search:
            names.insert(0, gettext("the search for “%s”") % self.search)
        if not names:
            return gettext("The list is empty.")
        return gettext("What leaves nothing: %s. Change it, or clear it.") % ", ".join(names)

    @property
    def _narrowing(self) -> list[str]:
        held = {*self.choices, *self.texts, *self.ranges}
        return [one.name for one in self.table.columns if one.name in held]

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
            head |= {"label": gettext(one.label), "class": _classes(one)}
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
                shown = (gettext("contains"), self.texts[one.name])
            elif one.name in self.ranges:
                shown = _words(self.ranges[one.name])
            else:
                continue
            gone = self.address(**dict.fromkeys(one.parameters))
            found.append(
                {
                    "label": gettext(one.label),
                    "operator": shown[0],
                    "value": shown[1],
                    "remove_href": gone,
                }
            )
        return found


@dataclass(frozen=True, eq=False)
class Table(Declared):
    """A list: its name in saved views, its address, its columns and its first order.

    `opening` is the query that the bare address stands for; without one that is everything.
    """

    name: str
    path: str
    columns: tuple[Column, ...]
    sort: str
    opening: str = ""

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

    @cached_property
    def opened(self) -> State:
        """The list as its bare address shows it."""
        return self.read_text(self.opening)

    def column(self, name: str) -> Column:
        """Return the column of a name; raise KeyError for an unknown one."""
        return {one.name: one for one in self.columns}[name]

    def without(self, *names: str) -> Table:
        """Return the list as somebody has it who may not see some of its columns."""
        kept = tuple(one for one in self.columns if one.name not in names)
        return Table(self.name, self.path, kept, self.sort, self.opening)

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
            opens=bool(self.opening),
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
            errors["sort"] = gettext("This list has no such order. It is in its usual one.")
        return self.sort

    def _read_columns(
        self, query: Mapping[str, str], kept: dict[str, str], errors: dict[str, str]
    ) -> tuple[str, ...]:
        if not query.get("cols"):
            return self._usual
        wanted = set(query["cols"].split(","))
        names = tuple(one.name for one in self.columns if one.pinned or one.name in wanted)
        if wanted - set(names):
            errors["cols"] = gettext(
                "Some of these columns do not exist here. The others are shown."
            )
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
            errors[column.name] = _told(column, marked("choose one of the list."))
        return
    ends: list[Any] = []
    for name in column.parameters:
        try:
            ends.append(_READ[column.kind](typed[name]) if typed.get(name) else None)
        except (ValueError, InvalidOperation):
            errors[name] = _told(column, _HOW[column.kind])
            ends.append(None)
    low, high = ends
    if low is not None and high is not None and low > high:
        words = marked("the first value is after the last one.")
        errors[column.parameters[0]] = _told(column, words)
    elif low is not None or high is not None:
        found.ranges[column.name] = Range(low, high)


def _told(column: Column, words: str) -> str:
    return f"{gettext(column.label)}: {gettext(words)}"


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
    "number": marked("write a whole number, such as 40."),
    "money": marked("write an amount with a point and no commas, such as 1250.50."),
    "date": marked("write a day as 2026-11-24."),
}


def _classes(column: Column) -> str:
    return " ".join(name for name, on in (("r", column.end), ("wide", column.wide)) if on)


def _words(ends: Range) -> tuple[str, str]:
    if ends.high is None:
        return gettext("from"), str(ends.low)
    if ends.low is None:
        return gettext("up to"), str(ends.high)
    return gettext("between"), f"{ends.low} – {ends.high}"
