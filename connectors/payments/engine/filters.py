"""The pipes of expressions: `{{tx.amount|money}}`, `secret.word|md5|upper`, `now|date:%Y%m%d`.

A pipe takes one value and gives one; what is missing passes through all of them but `default`
and `optional`.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

from connectors.payments.engine.failures import ValueUnusable
from connectors.payments.engine.literals import Number, scalar_text
from connectors.payments.engine.scopes import Scope, Thing
from kernel.money import Money

Filter = Callable[[Thing, str, Scope], Thing]


def text_of(value: Thing) -> str:
    """Write a single value as text; raise ValueUnusable for what has no one form."""
    if isinstance(value, bool | str | Number):
        return scalar_text(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise ValueUnusable("The bytes are no text.") from None
    what = "an amount" if isinstance(value, Money) else type(value).__name__
    raise ValueUnusable(f"Say how {what} is to be written.")


def bytes_of(value: Thing) -> bytes:
    """Return a value's bytes: raw ones as they came, everything else as UTF-8."""
    return value if isinstance(value, bytes) else text_of(value).encode()


def _moment(value: Thing) -> datetime:
    if not isinstance(value, datetime):
        raise ValueUnusable("This is no moment.")
    return value.astimezone(UTC)


def _money(value: Thing, argument: str, scope: Scope) -> Thing:
    if not isinstance(value, Money):
        raise ValueUnusable("This is no amount.")
    return scope.money.write(value)


def _currency(value: Thing, argument: str, scope: Scope) -> Thing:
    return scope.money.write_currency(text_of(value))


def _fixed(value: Thing, argument: str, scope: Scope) -> Thing:
    number = value.decimal if isinstance(value, Number) else Number(text_of(value)).decimal
    return f"{number:.{int(argument)}f}"


def _plain(value: Thing, argument: str, scope: Scope) -> Thing:
    """Write a number as the shortest decimal without an exponent."""
    number = value.decimal if isinstance(value, Number) else Number(text_of(value)).decimal
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _absolute(value: Thing, argument: str, scope: Scope) -> Thing:
    text = text_of(value)
    return text.removeprefix("-") if isinstance(value, str) else Number(text.removeprefix("-"))


def _later(value: Thing, argument: str, scope: Scope) -> Thing:
    return _moment(value) + timedelta(hours=int(argument))


def _split(value: Thing, argument: str, scope: Scope) -> Thing:
    return [part.strip() for part in text_of(value).split(argument or ",") if part.strip()]


def _hashed(name: str) -> Filter:
    return lambda value, _, __: hashlib.new(name, bytes_of(value)).hexdigest()


def _mapped(value: Thing, argument: str, scope: Scope) -> Thing:
    """Look a text up in `a=x,b=y`; one that is not there stays what it is."""
    table = dict(pair.split("=", 1) for pair in argument.split(","))
    text = text_of(value)
    return table.get(text, text)


def _unix(value: Thing, argument: str, scope: Scope) -> Thing:
    return Number(str(int(_moment(value).timestamp())))


def _unix_ms(value: Thing, argument: str, scope: Scope) -> Thing:
    return Number(str(int(Decimal(str(_moment(value).timestamp())) * 1000)))


FILTERS: dict[str, Filter] = {
    "money": _money,
    "currency": _currency,
    "fixed": _fixed,
    "plain": _plain,
    "abs": _absolute,
    "upper": lambda value, _, __: text_of(value).upper(),
    "lower": lambda value, _, __: text_of(value).lower(),
    "reverse": lambda value, _, __: text_of(value)[::-1],
    "limit": lambda value, argument, __: text_of(value)[: int(argument)],
    "text": lambda value, _, __: text_of(value),
    "digits": lambda value, _, __: "".join(filter(str.isdecimal, text_of(value))),
    "split": _split,
    "plus_hours": _later,
    "int": lambda value, _, __: Number(text_of(value)),
    "map": _mapped,
    "unix": _unix,
    "unix_ms": _unix_ms,
    "iso": lambda value, _, __: _moment(value).isoformat(timespec="seconds"),
    "date": lambda value, argument, __: _moment(value).strftime(argument),
    "b64": lambda value, _, __: base64.b64encode(bytes_of(value)).decode(),
    "md5": _hashed("md5"),
    "sha256": _hashed("sha256"),
    "crc32": lambda value, _, __: str(zlib.crc32(bytes_of(value))),
    "urlencode": lambda value, _, __: quote(text_of(value), safe=""),
}
