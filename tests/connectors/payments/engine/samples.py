"""Callbacks to try things on: the accepted ones of a file's vectors, and newly signed ones."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.callbacks import call_scope, receive
from connectors.payments.engine.definitions import Callback, Provider, Vector
from connectors.payments.engine.expressions import Path
from connectors.payments.engine.literals import Number, Value, parse_form, parse_json, render_json
from connectors.payments.engine.port import Account, Call, Notice
from connectors.payments.engine.recipes import sign

RECEIVING = [one.id for one in provider_files.catalogue().values() if one.callback is not None]


@dataclass(frozen=True)
class Sample:
    """A call that is accepted, when it came, and whose it is."""

    provider: Provider
    account: Account
    call: Call
    now: datetime
    certificates: Mapping[str, str]

    @property
    def callback(self) -> Callback:
        """How the provider's callbacks are read."""
        assert self.provider.callback is not None
        return self.provider.callback

    def receive(self, call: Call | None = None, account: Account | None = None) -> list[Notice]:
        """Have the engine judge a call, this one without any."""
        return receive(
            self.provider,
            account or self.account,
            call or self.call,
            now=self.now,
            certificates=self.certificates,
        )

    @property
    def body(self) -> dict[str, Value]:
        """The body, parsed apart from the engine's scope."""
        raw = self.call.body
        parsed = parse_json(raw) if self.callback.encoding == "json" else parse_form(self.text)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def text(self) -> bytes:
        """The bytes that hold the values: the body's, or the query's."""
        is_query = self.callback.encoding == "query"
        return self.call.query.encode() if is_query else self.call.body

    def with_text(self, raw: bytes) -> Call:
        """Return the call with other bytes and the same signature."""
        if self.callback.encoding == "query":
            return replace(self.call, query=raw.decode("latin-1"))
        return replace(self.call, body=raw)

    def with_body(self, body: Mapping[str, Value]) -> Call:
        """Return the call with another body and the same signature."""
        return self.with_text(self.encoded(body))

    def encoded(self, body: Mapping[str, Value]) -> bytes:
        """Write a body as this provider does."""
        if self.callback.encoding == "json":
            return render_json(dict(body)).encode()
        plain = {k: v.text if isinstance(v, Number) else str(v) for k, v in body.items()}
        return urlencode(plain).encode()

    def signed(self, body: Mapping[str, Value]) -> Call:
        """Return the call with another body and the signature that belongs to it."""
        recipe = self.callback.signature
        call = self.with_body(body)
        if recipe.alg == "none":
            return call
        assert recipe.received is not None
        place = recipe.received.paths()[0]
        scope = call_scope(self.provider, self.account, call, self.now)
        if recipe.parts:
            times = {name: str(int(self.now.timestamp())) for name in recipe.parts[:-1]}
            signature = sign(recipe, scope.plus(part=times))
            pairs = [f"{name}={text}" for name, text in times.items()]
            signature = ",".join([*pairs, f"{recipe.parts[-1]}={signature}"])
        else:
            if place.root == "item":
                scope = scope.plus(item=first_item(self, body))
            signature = sign(recipe, scope)
        return self.carrying(signature, call, body)

    def carrying(self, signature: str | None, call: Call, body: Mapping[str, Value]) -> Call:
        """Return a call with a signature of one's choice in its place, or with none."""
        received = self.callback.signature.received
        assert received is not None
        (place,) = received.paths()
        if place.root == "header":
            name = ".".join(place.steps)
            others = {n: t for n, t in call.headers.items() if n.lower() != name.lower()}
            kept = others if signature is None else {**others, name: signature}
            return replace(call, headers=kept)
        changed = copy.deepcopy(dict(body))
        put(self, changed, place, signature)
        return self.with_body(changed)

    @property
    def signature(self) -> str:
        """The signature that the call carries."""
        scope = call_scope(self.provider, self.account, self.call, self.now)
        if self.callback.items is not None:
            scope = scope.plus(item=first_item(self, self.body))
        received = self.callback.signature.received
        assert received is not None
        return received.text(scope)


@functools.cache
def samples(provider_id: str) -> list[Sample]:
    """Return the calls of a file's vectors that lead to exactly one notice."""
    provider = provider_files.load(provider_id)
    return [sample_of(provider, one) for one in provider.vectors if _is_good(one)]


def _is_good(vector: Vector) -> bool:
    return vector.of == "callback" and isinstance(vector.data.get("expect"), dict)


def sample_of(provider: Provider, vector: Vector) -> Sample:
    """Return the call of a vector."""
    return Sample(
        provider,
        vectors.account_of(provider, vector.data),
        vectors.call_of(vector.data),
        datetime.fromtimestamp(vector.data.get("at", vectors.SAMPLE_TIME), UTC),
        vector.data.get("certificates", {}),
    )


@functools.cache
def whole(provider_id: str) -> Sample:
    """Return the sample that says most: with a status, an amount and a currency."""

    def says(sample: Sample) -> int:
        (notice,) = sample.receive()
        return sum(
            bool(getattr(notice, name)) for name in ("reference", "amount", "settled", "fee")
        )

    return max(samples(provider_id), key=says)


def first_item(sample: Sample, body: Mapping[str, Value]) -> Value:
    """Return the first item of a callback that holds a list of them."""
    assert sample.callback.items is not None
    inner: Any = body
    for step in sample.callback.items.paths()[0].steps:
        inner = inner[step]
    return inner[0]  # type: ignore[no-any-return]


def put(sample: Sample, body: dict[str, Value], path: Path, value: Value) -> None:
    """Put a value into a body at the path that a file names; None takes it out."""
    inner: Any = first_item(sample, body) if path.root == "item" else body
    for step in path.steps[:-1]:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    last = path.steps[-1]
    if isinstance(inner, list):
        inner[int(last)] = value
    elif value is None:
        inner.pop(last, None)
    else:
        inner[last] = value


def paths_of(sample: Sample, field: str) -> list[Path]:
    """Return where in a sample's body the parts of a field of its callback stand."""
    for source in sample.callback.fields.get(field, ()):
        paths = [path for path in source.paths() if path.root in ("body", "item")]
        if any(_stands(sample, path) for path in paths):
            return paths
    return []


def _stands(sample: Sample, path: Path) -> bool:
    inner: Any = first_item(sample, sample.body) if path.root == "item" else sample.body
    for step in path.steps:
        if isinstance(inner, list):
            inner = inner[int(step)] if step.isdigit() and int(step) < len(inner) else None
        else:
            inner = inner.get(step) if isinstance(inner, dict) else None
    return inner is not None
