"""JSON and forms read without loss: a number stays the text that was received.

A signature is taken over what the provider's own language printed. `1.000000`, `1.0` and `1` are
one number and three texts, so numbers are kept as `Number` and rendered by the recipe's rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

from connectors.payments.engine.failures import ValueUnusable

DEPTH_MAX = 32
FIELDS_MAX = 500
_NUMBER_LENGTH_MAX = 64
_EXPONENT_MAX = 40

NumberStyle = Literal["literal", "js", "php"]
_LITERAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written. Equality is that of the text, not of the value."""

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no JSON number, and those too large to be money."""
        if len(self.text) > _NUMBER_LENGTH_MAX or not _LITERAL.fullmatch(self.text):
            raise ValueUnusable("A number is too long, or is none.")
        if abs(self.decimal.adjusted()) > _EXPONENT_MAX:
            raise ValueUnusable("A number is too large or too small.")

    @property
    def decimal(self) -> Decimal:
        """The exact value."""
        return Decimal(self.text)


Scalar: TypeAlias = bool | str | Number
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value] | None"


def parse_json(raw: bytes) -> Value:
    """Read JSON; raise ValueUnusable for anything doubtful: twice the same key, NaN, too deep."""
    try:
        value: Value = json.loads(
            raw.decode("utf-8"),
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except ValueUnusable:
        raise
    except (ValueError, RecursionError):
        raise ValueUnusable("The body is not JSON in UTF-8.") from None
    _check(value, DEPTH_MAX)
    return value


def parse_form(raw: bytes) -> dict[str, Value]:
    """Read a form or a query; raise ValueUnusable when a name comes twice."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise ValueUnusable("The body is not a form in UTF-8.") from None
    return _object([(name, text) for name, text in pairs])


def wrap(value: object) -> Value:
    """Take over plain values, such as TOML's, whose numbers are whole."""
    if isinstance(value, Mapping):
        return {str(name): wrap(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [wrap(inner) for inner in value]
    if value is None or isinstance(value, bool | str | Number):
        return value
    if isinstance(value, int):
        return Number(str(value))
    raise ValueUnusable("Write a number with decimals as a string.")


def render_json(value: Value, numbers: NumberStyle = "literal", *, ordered: bool = False) -> str:
    """Write JSON without spaces, as JavaScript does; `ordered` sorts keys at every depth."""
    if isinstance(value, dict):
        names = sorted(value, key=_utf16) if ordered else list(value)
        inner = ",".join(
            f"{_quote(name)}:{render_json(value[name], numbers, ordered=ordered)}" for name in names
        )
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(render_json(v, numbers, ordered=ordered) for v in value) + "]"
    if value is None:
        return "null"
    return _quote(value) if isinstance(value, str) else scalar_text(value, numbers)


def scalar_text(value: Scalar, numbers: NumberStyle = "literal") -> str:
    """Write a single value as text; strings stay as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if numbers == "js":
        return _js(value.decimal)
    if numbers == "php":
        return _php(value.decimal)
    return value.text


def _js(value: Decimal) -> str:
    """Write a number as ECMAScript's Number::toString does: the shortest text of the double."""
    double = float(value)
    if double == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(double)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if len(text) <= point <= 21:
        shown = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        shown = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        shown = "0." + "0" * -point + text
    else:
        power = point - 1
        mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
        shown = f"{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"
    return "-" + shown if sign else shown


def _php(value: Decimal) -> str:
    """Write a number as PHP's string conversion does: whole as it is, else 14 digits."""
    if value == value.to_integral_value() and abs(value) < Decimal(10) ** 15:
        return str(int(value))
    shown = f"{float(value):.14G}"
    mantissa, _, power = shown.partition("E")
    if not power:
        return mantissa
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}E{'+' if int(power) > 0 else '-'}{abs(int(power))}"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _utf16(text: str) -> bytes:
    # JavaScript compares texts by their UTF-16 units.
    return text.encode("utf-16-be", "surrogatepass")


def _no_constant(name: str) -> Value:
    raise ValueUnusable(f"{name} is no number.")


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueUnusable("A name comes twice, so that two readers may see two values.")
    return found


def _check(value: Value, left: int) -> None:
    if left < 0:
        raise ValueUnusable("The body is nested too deeply.")
    if isinstance(value, str) and not value.isascii() and not _is_text(value):
        raise ValueUnusable("The body holds half a character.")
    if isinstance(value, dict):
        for name in value:
            _check(name, left)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        _check(one, left - 1)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
