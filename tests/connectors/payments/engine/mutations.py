"""Every field of every recipe of a provider file, changed by machine, one at a time.

A mutant is killed when the file no longer reads, or when one of its vectors no longer holds. A
mutant that survives is a field that nothing checks.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.digests import ALGORITHMS, PLAIN
from connectors.payments.engine.expressions import parse
from connectors.payments.engine.failures import DefinitionInvalid, ValueUnusable
from connectors.payments.port import PaymentError
from tests.oracles.payment_tables import ALIASES, EXPONENTS, METHODS, SHOWS, STATUSES

# What a file says of itself and to people, and what only the treasury's policies read.
_ABOUT = {
    *("schema", "id", "name", "kind", "extends", "docs", "doc_checked", "level", "proof", "owner"),
    *("enabled", "disabled_because", "credentials", "adapter", "codes", "sample", "vectors"),
}
_POLICY = {"withdraw", "refund", "partial_refund", "chargeback", "idempotency", "callback_order"}
_METHOD_WORDS = {
    *("name", "currencies", "countries", "limits", "fee", "kyc_level", "settlement", "arrival"),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "message": ("raw", "concat", "template", "segments", "pairs", "values", "json"),
    "nulls": ("refuse", "skip", "empty"),
    "numbers": ("literal", "js", "php"),
    "key_form": ("utf8", "hex", "base64"),
    "out": ("hex", "HEX", "base64"),
    "encoding": ("json", "form", "query", "none", "text"),
    "amount": ("minor", "major_string", "major_number", "whole"),
    "currency_case": ("upper", "lower"),
    "confirm": ("none", "query"),
    "sent_by": ("server", "browser"),
    "method": ("GET", "POST", "PUT"),
    "purpose": ("profile", "reserve", "settle", "release"),
}
_PATH = re.compile(r"(?<![\w.'~-])([a-z_]+(?:\.[A-Za-z0-9_-]+)+)")
_PIPE = re.compile(r"\|[a-z_0-9]+(?::(?:'[^']*'|[^|)+}\s]+))?")
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Mutant:
    """One change: where, and what the value became."""

    path: tuple[str | int, ...]
    change: str
    data: dict[str, Any]

    def __str__(self) -> str:
        where = ".".join(map(str, self.path))
        return f"{self.data['id']}: {where}: {self.change}"


def mutants(data: Mapping[str, Any], *, only: Mapping[str, Any] | None = None) -> Iterator[Mutant]:
    """Return every mutant of a file; with `only`, those of what stands in that part of it."""
    part = data if only is None else only
    for name, value in part.items():
        if name not in _ABOUT:
            for path, change, new in _changes((name,), value):
                changed = copy.deepcopy(dict(data))
                _put(changed, path, new)
                yield Mutant(path, change, changed)


_GONE = object()
_Change = tuple[tuple[str | int, ...], str, Any]


def _changes(path: tuple[str | int, ...], value: Any) -> Iterator[_Change]:
    last = path[-1]
    if (path[0] == "methods" and last in _METHOD_WORDS) or (
        path[0] == "capabilities" and last in _POLICY
    ):
        return
    if len(path) > 1:
        yield path, "left out", _GONE
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _changes((*path, name), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _changes((*path, number), inner)
            if number and value[number - 1] != inner:
                swapped = [*value]
                swapped[number - 1 : number + 1] = [inner, value[number - 1]]
                # Words of a status map, methods and sets have no order; letters that are turned
                # round and raised are the same as letters that are raised and turned round.
                if "status_map" not in path and last not in (
                    "methods",
                    "post",
                    "unsigned",
                    "hosts",
                ):
                    yield path, f"{number - 1} and {number} swapped", swapped
    elif isinstance(value, bool):
        yield path, f"{not value}", not value
    elif isinstance(value, int):
        yield path, f"{value + 1}", value + 1
    elif isinstance(value, str):
        for changed in dict.fromkeys(_texts(str(last), value)):
            if changed != value:
                yield path, f"{value!r} became {changed!r}", changed


def _texts(name: str, text: str) -> Iterator[str]:
    if text in _CHOICES.get(name, ()):
        yield from _CHOICES[name]
        return
    if name == "alg":
        plain = text in PLAIN
        yield from (one for one in ALGORITHMS if (one in PLAIN) == plain or one == "none")
        return
    for match in _PATH.finditer(text):
        yield f"{text[: match.end()]}_x{text[match.end() :]}"
    for match in _PIPE.finditer(text):
        yield text[: match.start()] + text[match.end() :]
    for match in _QUOTED.finditer(text):
        yield f"{text[: match.end() - 1]}~{text[match.end() - 1 :]}"
    if "{{" in text or not _is_expression(text):
        yield f"{text}~"


def _is_expression(text: str) -> bool:
    try:
        return bool(parse(text).paths())
    except ValueUnusable:
        return False


def _put(data: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    inner: Any = data
    for step in path[:-1]:
        inner = inner[step]
    if value is _GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value


def killer(mutant: Mutant) -> str:
    """Return what kills a mutant, empty for one that survives."""
    try:
        provider = provider_files.read(mutant.data["id"], mutant.data)
    except DefinitionInvalid:
        return "schema"
    if table_faults(mutant.data):
        return "tables"
    near = str(mutant.path[1] if len(mutant.path) > 1 else mutant.path[0])
    for vector in sorted(provider.vectors, key=lambda one: near not in one.of):
        try:
            vectors.check(provider, vector)
        except (PaymentError, ValueError, ArithmeticError) as error:
            return f"{vector.name}: {error}"
    return ""


def table_faults(data: Mapping[str, Any]) -> list[str]:
    """Compare a file's tables with the ones that were written from the prose."""
    found = []
    tables = {"": data.get("status_map", {})}
    for name, operation in data.get("operations", {}).items():
        own = operation.get("response", {}).get("status_map")
        if own is not None:
            tables[name] = own
    for name, table in tables.items():
        words = {w: state for state, some in table.items() if state != "unknown" for w in some}
        if words != STATUSES.get((data["id"], name), {}):
            found.append(f"status_map {name}")
    exponents = {
        **data.get("money", {}).get("exponent_override", {}),
        **data.get("callback_money", {}).get("exponent_override", {}),
    }
    if exponents != EXPONENTS.get(data["id"], {}):
        found.append("exponent_override")
    if data.get("money", {}).get("aliases", {}) != ALIASES.get(data["id"], {}):
        found.append("aliases")
    if {m["id"]: m.get("code", "") for m in data.get("methods", ())} != METHODS.get(data["id"]):
        found.append("methods")
    if data["capabilities"]["deposit"] != SHOWS.get(data["id"]):
        found.append("capabilities.deposit")
    return found
