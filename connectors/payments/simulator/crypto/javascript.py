"""JSON as the provider's JavaScript writes it, and the IPN signature over it.

Source: NOWPayments' API page on Instant Payment Notifications: HMAC-SHA512 with the IPN secret
over `JSON.stringify` of the object with keys sorted at every depth; ECMA-262 Number::toString for
numbers, so that 50 stays `50` and a small amount is `1.2e-7`.
"""

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any


def number(value: Decimal) -> str:
    """Return a finite number as JavaScript does."""
    if value == 0:
        return "0"
    sign, digits, exponent = value.normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    mark = "-" if sign else ""
    if 0 < point <= 21:
        whole, part = text[:point].ljust(point, "0"), text[point:]
        return mark + whole + (f".{part}" if part else "")
    if -6 < point <= 0:
        return f"{mark}0.{'0' * -point}{text}"
    power = point - 1
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{mark}{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"


def dumps(value: Any, *, sort: bool = False) -> str:
    """Return JSON without spaces; numbers are given as Decimal or int."""
    if isinstance(value, dict):
        names = sorted(value) if sort else list(value)
        inner = ",".join(f"{_text(name)}:{dumps(value[name], sort=sort)}" for name in names)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(dumps(one, sort=sort) for one in value) + "]"
    if isinstance(value, Decimal):
        return number(value)
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def signature(secret: str, content: dict[str, Any]) -> str:
    """Return the lower-hex signature of an IPN."""
    message = dumps(content, sort=True).encode()
    return hmac.new(secret.encode(), message, hashlib.sha512).hexdigest()
