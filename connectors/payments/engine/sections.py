"""Reads the tables of a provider file strictly: every field is known, typed and used.

What is wrong raises DefinitionInvalid with the file, the field and what to write instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from connectors.payments.engine.expressions import (
    Condition,
    Expression,
    Template,
    parse,
    parse_condition,
    parse_template,
)
from connectors.payments.engine.failures import DefinitionInvalid, ValueUnusable

T = TypeVar("T")
REQUIRED: Any = object()


class Section:
    """One table of a file. Reading a field marks it as known; `done` refuses the others."""

    def __init__(self, file: str, path: str, data: Mapping[str, Any]) -> None:
        """Take a table and where it stands."""
        self.file = file
        self.path = path
        self._data = data
        self._known: set[str] = set()

    def fail(self, name: str, advice: str) -> NoReturn:
        """Refuse the file because of one field of this table."""
        raise DefinitionInvalid(self.file, self.at(name), advice)

    def at(self, name: str) -> str:
        """Return the full name of a field of this table."""
        return ".".join(part for part in (self.path, name) if part)

    def __contains__(self, name: str) -> bool:
        """Say whether the file has this field."""
        return name in self._data

    def names(self) -> Iterator[str]:
        """Iterate over the names that stand in the table."""
        return iter(self._data)

    def raw(self, name: str, default: Any = REQUIRED) -> Any:
        """Return a field of any type."""
        self._known.add(name)
        if name not in self._data:
            if default is REQUIRED:
                self.fail(name, "is missing; write it.")
            return default
        return self._data[name]

    def typed(self, name: str, kind: type[T], default: Any, what: str) -> T:
        """Return a field of one type; `what` is the advice for any other."""
        value = self.raw(name, default)
        if value is default and name not in self._data:
            return value  # type: ignore[no-any-return]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(name, f"write {what}.")
        return value

    def text(self, name: str, default: Any = REQUIRED) -> str:
        """Return a text."""
        return self.typed(name, str, default, 'a text, as in "text"')

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self.typed(name, bool, default, "true or false")

    def whole(self, name: str, default: Any = REQUIRED) -> int:
        """Return a whole number that is not negative."""
        value = self.typed(name, int, default, "a whole number")
        if isinstance(value, int) and value < 0:
            self.fail(name, "write a number that is not negative.")
        return value

    def choice(self, name: str, among: Collection[str], default: Any = REQUIRED) -> Any:
        """Return one of a few words."""
        value = self.text(name, default)
        if name in self._data and value not in among:
            self.fail(
                name, f"{value!r} is not known{_near(value, among)}; use one of {_list(among)}."
            )
        return value

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.typed(name, list, default, 'a list of texts, as in ["a", "b"]')
        if any(not isinstance(one, str) for one in value):
            self.fail(name, 'write a list of texts, as in ["a", "b"].')
        return tuple(value)

    def choices(self, name: str, among: Collection[str]) -> Any:
        """Return a list of words out of a few."""
        for value in (found := self.texts(name)):
            if value not in among:
                self.fail(name, f"{value!r} is not known; use {_list(among)}.")
        return found

    def words(self, name: str) -> dict[str, str]:
        """Return a table of texts."""
        value = self.typed(name, dict, {}, "a table of texts")
        if any(not isinstance(one, str) for one in value.values()):
            self.fail(name, "write a table of texts.")
        return dict(value)

    def table(self, name: str, *, required: bool = False) -> Section:
        """Return a table below this one; an empty one when it may be left out."""
        value = self.typed(name, dict, REQUIRED if required else {}, "a table")
        return Section(self.file, self.at(name), value)

    def tables(self, name: str) -> Iterator[tuple[str, Section]]:
        """Iterate over named tables below this one, as `[operations.deposit]`."""
        outer = self.table(name)
        for inner in list(outer.names()):
            yield inner, outer.table(inner)

    def rows(self, name: str) -> Iterator[Section]:
        """Iterate over a list of tables, as `[[methods]]`."""
        value = self.typed(name, list, [], f"tables headed [[{name}]]")
        for number, row in enumerate(value):
            if not isinstance(row, dict):
                self.fail(name, f"write tables headed [[{name}]].")
            yield Section(self.file, f"{self.at(name)}[{number}]", row)

    def expression(self, name: str, default: Any = REQUIRED) -> Expression | None:
        """Return a parsed expression, None when it may be left out and is."""
        return self.parsed(name, parse, default)

    def template(self, name: str, default: Any = REQUIRED) -> Template | None:
        """Return a parsed template, None when it may be left out and is."""
        return self.parsed(name, parse_template, default)

    def condition(self, name: str) -> Condition | None:
        """Return a parsed condition, None when there is none."""
        return self.parsed(name, parse_condition, None)

    def parsed(self, name: str, read: Callable[[str], T], default: Any = REQUIRED) -> T | None:
        """Return a text as what it means; raise DefinitionInvalid for one that means nothing."""
        text = self.text(name, default)
        if name not in self._data:
            return None
        return self.read(name, read, text)

    def read(self, name: str, read: Callable[[str], T], text: str) -> T:
        """Parse a text that stands at a field."""
        try:
            return read(text)
        except ValueUnusable as error:
            self.fail(name, str(error))

    def done(self) -> None:
        """Refuse fields that nothing has asked for."""
        for name in self._data:
            if name not in self._known:
                near = _near(name, self._known)
                self.fail(name, f"is not known{near}; take it out, or use {_list(self._known)}.")


def _near(word: str, among: Collection[str]) -> str:
    found = difflib.get_close_matches(word, list(among), 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _list(words: Collection[str]) -> str:
    return ", ".join(sorted(words))
