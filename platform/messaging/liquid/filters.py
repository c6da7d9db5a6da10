"""The filters of tenant-written templates: few, exact, and bounded before they work.

The engine counts loops and output but no filters, and a chain of three can make a gigabyte, so
each filter here looks at the sizes first. Numbers are Decimal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import wraps
from urllib.parse import quote

from liquid.exceptions import LiquidError
from markupsafe import Markup, escape

from messaging.liquid.limits import Limits

Filter = Callable[..., object]

_NUMBER_MAX = Decimal(10) ** 18
_PLACES_MAX = 8
_DATE_FORMAT = re.compile(r"(?:%[dmyYHMjBbaAe%]|[^%])*")
_SEPARATORS = {"en": (",", "."), "ar": (",", "."), "de": (".", ","), "es": (".", ",")}


class FilterRefused(LiquidError):
    """A filter was given something too large, or something it can't work with."""

    def __init__(self, message: str) -> None:
        """Leave the place to the engine, which knows where it stands."""
        super().__init__(f"A filter can't work: {message}.", token=None)


class FilterTooLarge(FilterRefused):
    """A filter would take in or give out more than the limits allow."""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value  # Markup stays Markup: what is escaped already is not escaped again
    if isinstance(value, list | tuple):
        return "".join(str(_text(one)) for one in value)
    return str(value)


def _number(value: object) -> Decimal:
    text = str(_text(value)).strip() or "0"
    if len(text) > 40:
        raise FilterRefused("a number has at most 40 characters")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise FilterRefused(f"“{text}” is not a number") from error
    return _within(number)


def _within(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number) >= _NUMBER_MAX:
        raise FilterRefused("a number must stay below 10^18")
    return number


def _whole(value: object) -> int:
    return int(_number(value))


def _shown(number: Decimal) -> object:
    """Return an int when it is whole, so that 3 times 2 is 6 and not 6.0."""
    _within(number)
    return int(number) if number == number.to_integral_value() else number


def _list(value: object) -> list[object]:
    if isinstance(value, range):
        if len(value) > 10_000:
            raise FilterTooLarge("a range of more than 10000 numbers")
        return list(value)
    if isinstance(value, list | tuple):
        return list(value)
    text = _text(value)
    return [text] if text else []


def append(value: object, more: object) -> object:
    """Add text at the end."""
    return _text(value) + _text(more)


def prepend(value: object, more: object) -> object:
    """Add text in front."""
    return _text(more) + _text(value)


def replace(value: object, old: object, new: object = "") -> object:
    """Replace every occurrence of a text."""
    text, find, put = _text(value), str(_text(old)), _text(new)
    if not find:
        return text
    if text.count(find) * len(put) > 32 * 1024:
        raise FilterTooLarge("replace would make too long a text")
    return text.replace(find, put)


def truncate(value: object, length: object = 50, ending: object = "…") -> object:
    """Cut a text to a number of characters, its ending included."""
    text, end, size = str(_text(value)), str(_text(ending)), max(_whole(length), 0)
    return text if len(text) <= size else text[: max(size - len(end), 0)] + end


def slice_(value: object, start: object, length: object = 1) -> object:
    """Take a part of a text or list, counted from 0, or from the end when negative."""
    whole = _list(value) if isinstance(value, list | tuple) else str(_text(value))
    first, size = _whole(start), max(_whole(length), 0)
    first = max(first + len(whole), 0) if first < 0 else first
    return whole[first : first + size]


def split(value: object, separator: object = " ") -> list[object]:
    """Cut a text into a list."""
    text, by = str(_text(value)), str(_text(separator))
    return [*text.split(by)] if by else [*text]


def join(value: object, separator: object = " ") -> object:
    """Join a list into a text."""
    by, parts = str(_text(separator)), [str(_text(one)) for one in _list(value)]
    if sum(map(len, parts)) + len(by) * len(parts) > 32 * 1024:
        raise FilterTooLarge("join would make too long a text")
    return by.join(parts)


def first(value: object) -> object:
    """Return the first of a list."""
    found = _list(value)
    return found[0] if found else ""


def last(value: object) -> object:
    """Return the last of a list."""
    found = _list(value)
    return found[-1] if found else ""


def size(value: object) -> int:
    """Count the entries of a list or the characters of a text."""
    return len(value) if isinstance(value, list | tuple | dict | range) else len(_text(value))


def default(value: object, instead: object = "") -> object:
    """Return another value when there is none."""
    empty = value is None or value is False or not (isinstance(value, int) or _text(value))
    return instead if empty else value


def newline_to_br(value: object) -> object:
    """Turn line ends into HTML line breaks."""
    return Markup("<br>\n").join(escape(line) for line in str(_text(value)).splitlines())


def url_encode(value: object) -> str:
    """Encode a text for a part of an address."""
    return quote(str(_text(value)), safe="")


def plus(value: object, other: object) -> object:
    """Add."""
    return _shown(_number(value) + _number(other))


def minus(value: object, other: object) -> object:
    """Subtract."""
    return _shown(_number(value) - _number(other))


def times(value: object, other: object) -> object:
    """Multiply."""
    return _shown(_number(value) * _number(other))


def divided_by(value: object, other: object) -> object:
    """Divide; by zero is refused."""
    if not _number(other):
        raise FilterRefused("nothing can be divided by 0")
    return _shown((_number(value) / _number(other)).quantize(Decimal(1).scaleb(-_PLACES_MAX)))


def modulo(value: object, other: object) -> object:
    """Return the rest of a division."""
    if not _number(other):
        raise FilterRefused("nothing can be divided by 0")
    return _shown(_number(value) % _number(other))


def round_(value: object, places: object = 0) -> object:
    """Round half to even, to at most 8 places."""
    digits = min(max(_whole(places), 0), _PLACES_MAX)
    return _shown(_number(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))


def at_least(value: object, other: object) -> object:
    """Return the larger."""
    return _shown(max(_number(value), _number(other)))


def at_most(value: object, other: object) -> object:
    """Return the smaller."""
    return _shown(min(_number(value), _number(other)))


def number(value: object) -> object:
    """Read a text as a number, so that it can be compared."""
    return _shown(_number(value))


def money(value: object, currency: object = "", language: object = "en", places: object = 2) -> str:
    """Write an amount with separators of a language and its currency behind it."""
    digits = min(max(_whole(places), 0), _PLACES_MAX)
    amount = _number(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    thousands, decimal = _SEPARATORS.get(str(_text(language))[:2], (",", "."))
    written = f"{amount:,.{digits}f}".translate({ord(","): thousands, ord("."): decimal})
    return f"{written} {_text(currency)}".strip()


def plural(value: object, language: object = "en", **forms: object) -> object:
    """Choose the word for a count: zero, one, two, few, many, other (CLDR cardinal rules)."""
    count = _number(value)
    whole = int(count) if count == count.to_integral_value() else None
    wanted = "one" if whole == 1 else "other"
    if str(_text(language))[:2] == "ar" and whole is not None and whole >= 0:
        rest = whole % 100
        wanted = {0: "zero", 1: "one", 2: "two"}.get(whole) or (
            "few" if 3 <= rest <= 10 else "many" if rest >= 11 else "other"
        )
    return _text(forms.get(wanted, forms.get("other", "")))


def date(value: object, form: object = "%d.%m.%Y") -> str:
    """Write an ISO 8601 date or moment in another form; %d %m %y %Y %H %M %j %b %B %a %A %e."""
    text, pattern = str(_text(value)), str(_text(form))
    if len(pattern) > 40 or not _DATE_FORMAT.fullmatch(pattern):
        raise FilterRefused("a date form knows %d %m %y %Y %H %M %j %b %B %a %A %e, 40 characters")
    if len(text) > 40:
        raise FilterRefused("this is not a date")
    try:
        return datetime.fromisoformat(text).strftime(pattern)
    except ValueError as error:
        raise FilterRefused(f"“{text}” is not a date") from error


FILTERS: dict[str, Filter] = {
    **{one.__name__.rstrip("_"): one for one in (append, prepend, replace, truncate, slice_)},
    **{one.__name__: one for one in (split, join, first, last, size, default, newline_to_br)},
    **{one.__name__.rstrip("_"): one for one in (url_encode, plus, minus, times, divided_by)},
    **{one.__name__.rstrip("_"): one for one in (modulo, round_, at_least, at_most, number)},
    **{one.__name__: one for one in (money, plural, date)},
    "abs": lambda value: _shown(abs(_number(value))),
    "capitalize": lambda value: _text(value).capitalize(),
    "downcase": lambda value: _text(value).lower(),
    "upcase": lambda value: _text(value).upper(),
    "strip": lambda value: _text(value).strip(),
    "escape": lambda value: escape(str(_text(value))),
    "remove": lambda value, old: replace(value, old, ""),
    "reverse": lambda value: _list(value)[::-1],
    "squish": lambda value: " ".join(_text(value).split()),
    "strip_newlines": lambda value: "".join(_text(value).splitlines()),
}


def _measure(value: object, limits: Limits) -> None:
    if isinstance(value, str) and len(value) > limits.string_characters:
        raise FilterTooLarge(f"a text of more than {limits.string_characters} characters")
    if isinstance(value, list | tuple) and len(value) > limits.list_items:
        raise FilterTooLarge(f"a list of more than {limits.list_items} entries")


def bounded(limits: Limits) -> dict[str, Filter]:
    """Return the filters, each refusing what is larger than the limits, going in or coming out."""

    def guard(work: Filter) -> Filter:
        @wraps(work)
        def guarded(value: object, *arguments: object, **named: object) -> object:
            for one in (value, *arguments, *named.values()):
                _measure(one, limits)
            result = work(value, *arguments, **named)
            _measure(result, limits)
            return result

        return guarded

    return {name: guard(work) for name, work in FILTERS.items()}
