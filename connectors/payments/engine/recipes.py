"""How a message is signed: the canonical string, its digest, and where the signature stands.

A recipe is data. `canonical` builds the exact bytes, `sign` their signature, and `check` compares
a received one with those of all live secrets, so that a secret can be replaced without a pause.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote_plus

from connectors.payments.engine.digests import (
    PLAIN,
    Algorithm,
    KeyForm,
    Printed,
    decode_key,
    digest,
    is_signed_by,
    printed,
    same,
)
from connectors.payments.engine.expressions import (
    MISSING,
    Condition,
    Expression,
    Found,
    Path,
    Template,
    look_up,
)
from connectors.payments.engine.failures import ValueMissing, ValueUnusable
from connectors.payments.engine.filters import bytes_of, text_of
from connectors.payments.engine.literals import Number, NumberStyle, Value, render_json, scalar_text
from connectors.payments.engine.scopes import Scope

MessageKind = Literal["raw", "concat", "template", "segments", "pairs", "values", "json", "hook"]
Nulls = Literal["refuse", "skip", "empty"]
Pipe = Literal["upper", "lower", "reverse", "md5"]
Hook = Callable[[Scope], str]
_BODY = Path("body", ())


@dataclass(frozen=True, slots=True)
class Place:
    """Where our signature goes: a header, a field of the body, or one of the query."""

    where: Literal["header", "body", "query"]
    name: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the signer's certificate is named, and the only hosts it may be fetched from."""

    url: Expression
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way of signing. Which fields mean something depends on `message` and `alg`."""

    alg: Algorithm
    message: MessageKind = "raw"
    fields: tuple[Expression, ...] = ()
    separator: str = ""
    nulls: Nulls = "refuse"
    template: Template | None = None
    segments: tuple[Template, ...] = ()
    of: Path = _BODY
    exclude: tuple[str, ...] = ()
    drop_empty: bool = False
    urlencode: bool = False
    suffix: Template | None = None
    numbers: NumberStyle = "literal"
    post: tuple[Pipe, ...] = ()
    key: Expression | None = None
    key_form: KeyForm = "utf8"
    key_pipes: tuple[Pipe, ...] = ()
    out: Printed = "hex"
    out_rehash: tuple[str, ...] = ()
    prefix: Template | None = None
    place: Place | None = None
    received: Expression | None = None
    parts: tuple[str, ...] = ()
    any_case: bool = False
    when: Condition | None = None
    timestamp: Expression | None = None
    tolerance_seconds: int = 0
    certificate: Certificate | None = None
    hook: Hook | None = None

    @property
    def is_asymmetric(self) -> bool:
        """Whether only the provider can sign, with a key we have never seen."""
        return self.alg.startswith("rsa-")


def canonical(recipe: Recipe, scope: Scope) -> bytes:
    """Build the bytes that are signed; raise ValueMissing for what they lack."""
    if recipe.message == "raw":
        message = bytes_of(scope.roots.get("raw", b""))  # type: ignore[arg-type]
        return message if not recipe.post else piped(message.decode(), recipe.post).encode()
    return piped(_text(recipe, scope), recipe.post).encode()


def sign(recipe: Recipe, scope: Scope) -> str:
    """Return our signature in the form that it is sent in."""
    if recipe.is_asymmetric:
        raise ValueUnusable("Only the provider can sign this.")
    if recipe.alg == "none":
        return ""
    if recipe.alg == "equals":
        assert recipe.key is not None
        value = recipe.key.text(scope)
    else:
        message = canonical(recipe, scope)
        value = printed(digest(recipe.alg, message, _key(recipe, scope)), recipe.out)
    for name in recipe.out_rehash:
        value = printed(hashlib.new(name, value.encode()).digest(), recipe.out)
    return (recipe.prefix.text(scope) if recipe.prefix else "") + value


def is_signature(recipe: Recipe, scope: Scope, received: str) -> bool:
    """Compare a received signature with ours in constant time."""
    if recipe.alg == "none":
        return False
    return same(sign(recipe, scope), received, any_case=recipe.any_case)


def is_sealed(recipe: Recipe, scope: Scope, received: str, certificate: str) -> bool:
    """Check a signature that only the provider can make."""
    try:
        signature = base64.b64decode(received, validate=True)
    except (ValueError, binascii.Error):
        return False
    return is_signed_by(recipe.alg, canonical(recipe, scope), signature, certificate)


def piped(text: str, pipes: tuple[Pipe, ...]) -> str:
    """Put a text through pipes, in their order."""
    for pipe in pipes:
        if pipe == "upper":
            text = text.upper()
        elif pipe == "lower":
            text = text.lower()
        elif pipe == "reverse":
            text = text[::-1]
        else:
            text = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return text


def covers(recipe: Recipe, path: Path) -> bool:
    """Say whether the signature depends on what stands at a path of the message."""
    if recipe.alg in ("none", "equals") or recipe.hook is not None:
        return False
    if recipe.message == "raw":
        return path.root in ("body", "item", "raw")
    if recipe.message in ("pairs", "values", "json"):
        under = (
            path.root == recipe.of.root and path.steps[: len(recipe.of.steps)] == recipe.of.steps
        )
        return under and path.steps[-1:] != () and path.steps[-1] not in recipe.exclude
    read = [*_read(recipe)]
    return path in read or any(p.root == "raw" for p in read)


def _read(recipe: Recipe) -> Iterator[Path]:
    for expression in recipe.fields:
        yield from expression.paths()
    for template in (recipe.template, *recipe.segments):
        if template is not None:
            yield from template.paths()


def _text(recipe: Recipe, scope: Scope) -> str:
    if recipe.hook is not None:
        text = recipe.hook(scope)
    elif recipe.message == "concat":
        text = recipe.separator.join(_values(recipe, scope))
    elif recipe.message == "template":
        assert recipe.template is not None
        text = recipe.template.text(scope)
    elif recipe.message == "segments":
        text = "".join(_segments(recipe, scope))
    else:
        text = _structure(recipe, scope)
    return text + (recipe.suffix.text(scope) if recipe.suffix else "")


def _values(recipe: Recipe, scope: Scope) -> Iterator[str]:
    for expression in recipe.fields:
        found = expression.find(scope)
        if found is MISSING or found is None:
            secret = any(path.root == "secret" for path in expression.paths())
            # Without its secret a signature could be made by anybody.
            if secret or recipe.nulls == "refuse":
                raise ValueMissing(", ".join(map(str, expression.paths())))
            if recipe.nulls == "empty":
                yield ""
        else:
            yield _written(found, recipe.numbers)


def _written(found: Found, numbers: NumberStyle) -> str:
    if isinstance(found, Number):
        return scalar_text(found, numbers)
    return text_of(found)  # type: ignore[arg-type]


def _segments(recipe: Recipe, scope: Scope) -> Iterator[str]:
    """Write each segment; one whose value is not there is left out as a whole."""
    for template in recipe.segments:
        try:
            yield template.text(scope)
        except ValueMissing:
            continue


def _structure(recipe: Recipe, scope: Scope) -> str:
    found = look_up(recipe.of, scope)
    if not isinstance(found, dict):
        raise ValueMissing(str(recipe.of))
    kept = {name: value for name, value in found.items() if name not in recipe.exclude}
    if recipe.message == "json":
        return render_json(kept, recipe.numbers, ordered=True)
    if recipe.message == "values":
        return recipe.separator.join(_leaves(kept, recipe))
    pairs = []
    for name in sorted(kept):
        text = "" if kept[name] is None else _leaf(kept[name], recipe.numbers)
        if text or not recipe.drop_empty:
            pairs.append(f"{name}={quote_plus(text) if recipe.urlencode else text}")
    return recipe.separator.join(pairs)


def _leaves(value: Value, recipe: Recipe) -> Iterator[str]:
    """Write the single values in the order of their names, at every depth."""
    if isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name], recipe)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, recipe)
    else:
        text = "" if value is None else _leaf(value, recipe.numbers)
        if text or not recipe.drop_empty:
            yield text


def _leaf(value: Value, numbers: NumberStyle) -> str:
    if isinstance(value, dict | list) or value is None:
        return render_json(value, numbers)
    return scalar_text(value, numbers)


def _key(recipe: Recipe, scope: Scope) -> bytes:
    if recipe.alg in PLAIN:
        return b""
    assert recipe.key is not None
    secret = piped(recipe.key.text(scope), recipe.key_pipes)
    if not secret:
        raise ValueMissing(", ".join(map(str, recipe.key.paths())))
    return decode_key(secret, recipe.key_form)
