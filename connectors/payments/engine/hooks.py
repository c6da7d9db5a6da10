"""The named hooks: the only way out of data into code, each reviewed and each with a vector."""

from __future__ import annotations

from collections.abc import Callable

from connectors.payments.engine.failures import ValueMissing
from connectors.payments.engine.literals import Number, Value, scalar_text
from connectors.payments.engine.scopes import Scope

Hook = Callable[[Scope], str]


def java_values(scope: Scope) -> str:
    """Write the body's values in the order of their names, tables as Java's Map prints them.

    Match2Pay signs so (its page "Signature"): `{firstName=Ada, address={city=Riga}}`, inside a
    table in the order of the request. Numbers are the shortest decimal without an exponent.
    """
    body = scope.roots.get("body")
    secret = scope.roots.get("secret")
    word = secret.get("api_secret") if isinstance(secret, dict) else None
    if not isinstance(body, dict) or not isinstance(word, str) or not word:
        raise ValueMissing("secret.api_secret")
    return "".join(_java(body[name]) for name in sorted(body) if name != "signature") + word


def _java(value: Value) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{name}={_java(one)}" for name, one in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_java(one) for one in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, Number):
        text = f"{value.decimal:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return scalar_text(value)


HOOKS: dict[str, Hook] = {"java_values": java_values}
