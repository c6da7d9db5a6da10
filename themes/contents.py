"""What a page is made from, as a key: two keys are equal only where the pages are, to the letter.

Equality in Python is too wide for that (`1 == True`, `Decimal("1.0") == Decimal("1.00")`, the same
moment in two zones), and so each value goes in with its type, and with what of it can be seen.
What is declared once and what a place wears (`kernel.declared`) is known by itself. Whatever is
not known here, such as a function or a record of the database, makes the whole page one that is
not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast
from uuid import UUID

from markupsafe import Markup

from kernel.declared import Declared

Make = Callable[[Any], Hashable]


class Unkept(Exception):
    """Something in a page says nothing about how it will look."""


class _Shape(NamedTuple):
    """How the rows of a list are built: where their moments are, or that they are not plain."""

    plain: bool
    moments: tuple[int, ...]
    mark: object


# Equal among themselves only when they are written alike.
_PLAIN = frozenset({str, int, bool, float, type(None), bytes, date})
_SHAPES: dict[tuple[type, tuple[type, ...]], _Shape] = {}


def content(value: object) -> Hashable:
    """Return the key of a value; raise Unkept where there is none."""
    kind = value.__class__
    make = _MAKERS.get(kind)
    if make is None:
        make = _MAKERS[kind] = _maker(kind)
    return make(value)


def _maker(kind: type) -> Make:
    if issubclass(kind, Declared):
        # Compared by what is in it, two of them could be equal and look different.
        assert kind.__eq__ is object.__eq__, f"{kind.__name__} is declared: dataclass(eq=False)"
        return _itself
    if issubclass(kind, UUID):  # the driver has one of its own
        return _itself
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _row
    if is_dataclass(kind) and cast("Any", kind).__dataclass_params__.frozen:
        names = [field.name for field in fields(kind)]
        return lambda value: (kind, tuple([content(getattr(value, name)) for name in names]))
    return _refuse


def _refuse(value: object) -> Hashable:
    raise Unkept(value.__class__.__name__)


def _row(value: tuple[Any, ...]) -> Hashable:
    """The rows of a list are many: their types are looked at together, their values not at all."""
    kind, types = value.__class__, tuple(map(type, value))
    shape = _SHAPES.get((kind, types))
    if shape is None:
        shape = _SHAPES[kind, types] = _shape(types)
    if shape.plain:
        for at in shape.moments:
            if value[at].tzinfo is not UTC:
                break
        else:
            return shape.mark, value
    return kind, tuple(map(content, value))


def _shape(types: tuple[type, ...]) -> _Shape:
    moments = tuple(at for at, one in enumerate(types) if one is datetime)
    plain = all(one in _PLAIN or one is datetime or issubclass(one, UUID) for one in types)
    return _Shape(plain, moments, object())


def _moment(value: datetime) -> Hashable:
    return value if value.tzinfo is UTC else (datetime, value.isoformat())


def _itself(value: Hashable) -> Hashable:
    return value


def _mapped(value: dict[Any, Any]) -> Hashable:
    return dict, tuple([(content(key), content(one)) for key, one in value.items()])


_MAKERS: dict[type, Make] = {
    str: _itself,
    type(None): _itself,
    UUID: _itself,
    bytes: _itself,
    datetime: _moment,
    date: lambda value: (date, value),
    bool: lambda value: (bool, value),
    int: lambda value: (int, value),
    float: lambda value: (float, value),
    Decimal: lambda value: (Decimal, str(value)),
    Markup: lambda value: (Markup, value),
    tuple: lambda value: (tuple, tuple(map(content, value))),
    list: lambda value: (list, tuple(map(content, value))),
    dict: _mapped,
}
