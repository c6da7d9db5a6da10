"""`marque providers`: what the payment engine knows, and checks of it that anybody can make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connectors.payments.engine import provider_files, vectors
from connectors.payments.engine.callbacks import receive
from connectors.payments.engine.definitions import Provider
from connectors.payments.engine.expressions import MISSING, look_up
from connectors.payments.engine.failures import CallbackRefused, CertificateNeeded
from connectors.payments.engine.literals import Value, parse_json
from connectors.payments.engine.port import Account, Call
from connectors.payments.engine.recipes import Recipe, canonical, sign
from connectors.payments.engine.requests import account_scope
from connectors.payments.engine.scopes import Scope
from connectors.payments.port import PaymentError

_HEAD = ("ID", "KIND", "LEVEL", "STATE", "METHODS", "BRANDS", "VECTORS", "CALLBACK", "NAME")
# What providers call it.
_CALLBACK = frozenset({"callback", "callback.signature", "notification", "webhook", "ipn", "dmn"})
_ENVELOPE = frozenset({"body", "raw", "headers", "query", "method", "path", "part"})


class Unusable(click.ClickException):
    """What was given on the command line can't be used; the text says what to give instead."""


def table() -> str:
    """Return all provider files with their kind, level, reach and how they are verified."""
    known = provider_files.catalogue()
    brands = {one: sum(p.extends == one for p in known.values()) for one in known}
    rows = [_HEAD, *(_row(one, brands[one.id]) for one in known.values())]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*(line.rstrip() for line in lines), "", _totals(list(known.values()))])


def _row(one: Provider, brands: int) -> tuple[str, ...]:
    return (
        one.id,
        one.kind,
        one.level,
        "enabled" if one.enabled else "disabled",
        str(one.reaches),
        str(brands or "-"),
        str(len(one.vectors)),
        _trust(one),
        one.name,
    )


def _trust(provider: Provider) -> str:
    callback = provider.callback
    if callback is None:
        return "our endpoints" if provider.endpoints else "none"
    signed = "unsigned" if callback.signature.alg == "none" else callback.signature.alg
    then = {"query": ", then asked", "person": ", then a person"}
    return signed + then.get(callback.confirm, "")


def _totals(known: Sequence[Provider]) -> str:
    levels = {name: sum(p.level == name for p in known) for name in ("L0", "L1", "L2", "L3", "L4")}
    shown = ", ".join(f"{name} {count}" for name, count in levels.items())
    brands = sum(one.kind == "brand" for one in known)
    return (
        f"{len(known)} provider files, {brands} of them brands; "
        f"{sum(one.reaches for one in known)} reachable methods; {shown}; "
        f"{sum(not one.enabled for one in known)} disabled\n"
        "L0 documented, L1 a vector of the vendor's holds, L2 round trip with a stand-in, "
        "L3 sandbox, L4 live"
    )


def verify(provider_id: str) -> tuple[str, bool]:
    """Run the vectors of one provider, or of all; return the lines and whether all hold."""
    chosen = [provider_id] if provider_id else list(provider_files.names())
    lines, count, good = [], 0, True
    for one in chosen:
        try:
            provider = provider_files.load(one)
        except PaymentError as error:
            lines.append(f"FAIL  {error}")
            good = False
            continue
        wrong = vectors.failures(provider)
        count += len(provider.vectors)
        good = good and not wrong
        lines.append(f"{'FAIL' if wrong else 'ok  '}  {one}: {len(provider.vectors)} vectors")
        lines += [f"      {line}" for line in wrong]
    lines.append(f"{count} vectors of {len(chosen)} providers, {'all hold' if good else 'NOT all'}")
    return "\n".join(lines), good


def signed(provider_id: str, operation: str, given: bytes, secrets: Mapping[str, str]) -> str:
    """Return the hash of the canonical string and the signature for an input; raise Unusable."""
    provider = loaded(provider_id)
    name, recipe = _recipe(provider, operation)
    account = _account(provider, secrets)
    lines = []
    for scope in _scopes(provider, recipe, account, given):
        try:
            message = canonical(recipe, scope)
            signature = sign(recipe, scope)
        except PaymentError as error:
            raise Unusable(f"{name}: {error} Its values: {', '.join(_reads(recipe))}.") from None
        left_out = [path for path in _reads(recipe) if _is_absent(path, recipe, scope)]
        if left_out:
            lines.append(f"left out           {', '.join(left_out)}")
        if _signs_bytes(recipe) and scope.roots["raw"] == given and given.endswith(b"\n"):
            lines.append("note               the file ends in a line break, which is signed too")
        lines.append(f"canonical sha256   {hashlib.sha256(message).hexdigest()}")
        lines.append(f"signature          {signature}")
        if recipe.place is not None:
            lines.append(f"goes to            {recipe.place.where} {recipe.place.name}")
    return "\n".join(lines)


def checked(
    provider_id: str,
    call: Call,
    secrets: Mapping[str, str],
    *,
    at: datetime,
    certificates: Mapping[str, str],
) -> tuple[str, bool]:
    """Say whether a callback is accepted, and what it says, or why it is not."""
    provider = loaded(provider_id)
    account = _account(provider, secrets)
    try:
        notices = receive(provider, account, call, now=at, certificates=certificates)
    except CallbackRefused as error:
        return f"refused: {error.reason}. {error}", False
    except CertificateNeeded as error:
        return f"refused: give --certificate FILE with what is at {error.url}", False
    lines = [f"accepted: {len(notices)} notice{'' if len(notices) == 1 else 's'}"]
    for one in notices:
        said = one.claims if one.claims == one.state else f"{one.state} (claims {one.claims})"
        lines.append(f"  event      {one.event_id}")
        lines.append(f"  state      {said}; the provider's word is {one.status or 'missing'}")
        lines.append(
            f"  reference  {one.reference or '-'}; the provider's {one.provider_ref or '-'}"
        )
        lines.append(f"  amount     {one.amount or 'none that can be read exactly'}")
        if one.settled is not None:
            lines.append(f"  settled    {one.settled}")
        if one.must_ask:
            lines.append("  asks       the signature leaves the claim open: query before it counts")
        if one.alarm:
            lines.append(f"  alarm      {one.alarm}")
    return "\n".join(lines), True


def loaded(provider_id: str) -> Provider:
    """Return a provider by id; raise Unusable with the ones that there are."""
    try:
        return provider_files.load(provider_id)
    except PaymentError as error:
        raise Unusable(f"{error} There are: {', '.join(provider_files.names())}.") from None


def read_headers(raw: bytes) -> dict[str, str]:
    """Read headers from a JSON object, or from lines of `Name: value`; raise Unusable."""
    text = raw.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        return {str(name): str(value) for name, value in _json(raw, "--headers").items()}
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            raise Unusable("--headers: write a JSON object, or one Name: value on each line.")
        found[name.strip()] = value.strip()
    return found


def read_secrets(raw: bytes) -> dict[str, str]:
    """Read credentials from a JSON object; several live secrets are a list; raise Unusable."""
    found = {}
    for name, value in _json(raw, "--secrets").items():
        lines = value if isinstance(value, list) else [value]
        found[str(name)] = "\n".join(str(line) for line in lines)
    return found


def read_moment(text: str) -> datetime:
    """Read a moment as seconds since 1970 or as ISO 8601; now without any; raise Unusable."""
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdigit() else None
        moment = moment or datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Unusable("--at: write seconds since 1970, or 2026-11-23T16:35:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(raw: bytes, option: str) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        raise Unusable(f"{option}: the file is not JSON.") from None
    if not isinstance(found, dict):
        raise Unusable(f'{option}: write a JSON object, as {{"name": "value"}}.')
    return found


def _account(provider: Provider, secrets: Mapping[str, str]) -> Account:
    unknown = [name for name in secrets if name not in provider.credentials]
    if unknown:
        known = ", ".join(provider.credentials) or "none"
        raise Unusable(f"--secrets: {unknown[0]!r} is no credential of it; there are: {known}.")
    return Account("sandbox", secrets)


def _recipe(provider: Provider, operation: str) -> tuple[str, Recipe]:
    """Return what signs an operation: a recipe's own name counts as one."""
    callback = provider.callback
    if operation in _CALLBACK and callback is not None:
        return "callback.signature", callback.signature
    known = provider.operations.get(operation)
    name = known.sign if known is not None else operation.removeprefix("signing.")
    if name in provider.signing:
        return f"signing.{name}", provider.signing[name]
    signs = {one for one, op in provider.operations.items() if op.sign in provider.signing}
    signs |= {*provider.signing, *(["callback"] if callback else [])}
    raise Unusable(f"{operation!r} is not signed here; there are: {', '.join(sorted(signs))}.")


def _scopes(provider: Provider, recipe: Recipe, account: Account, given: bytes) -> Iterator[Scope]:
    """Return the scopes to sign for an input: one, or one for each item of a callback."""
    try:
        whole = parse_json(given)
    except PaymentError as error:
        if not _signs_bytes(recipe):
            raise Unusable(f"--input: {error}") from None
        # What signs bytes signs any: a form, or a body that is no JSON.
        whole = {}
    if not isinstance(whole, dict):
        raise Unusable("--input: write a JSON object.")
    envelope = whole if whole and set(whole) <= _ENVELOPE else {}
    raw = envelope.get("raw")
    body: Value = envelope.get("body", {}) if envelope else whole
    sent = raw.encode() if isinstance(raw, str) else given
    if isinstance(raw, str) and "body" not in envelope and raw.lstrip().startswith("{"):
        body = parse_json(sent)
    headers = envelope.get("headers", {})
    part = envelope.get("part", {})
    scope = account_scope(provider, account, datetime.now(UTC)).plus(
        body=body,
        raw=sent,
        header=headers,
        query=envelope.get("query", {}),
        part=part,
        verb=envelope.get("method", "POST"),
        path=envelope.get("path", ""),
        item={},
    )
    callback = provider.callback
    if callback is None or callback.items is None or recipe is not callback.signature:
        yield scope
        return
    items = look_up(callback.items.paths()[0], scope)
    for one in items if isinstance(items, list) else [_as_item(recipe, body)]:
        yield scope.plus(item=one)


def _signs_bytes(recipe: Recipe) -> bool:
    return recipe.message == "raw" or "raw" in _reads(recipe)


def _as_item(recipe: Recipe, body: Value) -> Value:
    """Take an input that is one item, with or without the name that it has in the list."""
    steps = {path.steps[0] for one in recipe.fields for path in one.paths() if path.steps}
    if len(steps) == 1 and isinstance(body, dict) and not steps & set(body):
        return {steps.pop(): body}
    return body


def _reads(recipe: Recipe) -> list[str]:
    paths = [path for one in recipe.fields for path in one.paths()]
    for template in (recipe.template, *recipe.segments):
        paths += template.paths() if template is not None else ()
    return [str(path) for path in paths]


def _is_absent(path: str, recipe: Recipe, scope: Scope) -> bool:
    found = [
        one.find(scope) for one in recipe.fields if path in {str(inner) for inner in one.paths()}
    ]
    return any(value is MISSING or value is None for value in found)


def certificates_of(
    provider_id: str, headers: Mapping[str, str], path: Path | None
) -> dict[str, str]:
    """Return the certificate of a file under the address that the callback names for it."""
    provider = loaded(provider_id)
    recipe = provider.callback.signature if provider.callback else None
    if path is None or recipe is None or recipe.certificate is None:
        return {}
    scope = Scope({"header": dict(headers)}, provider.money)
    return {recipe.certificate.url.text_or_empty(scope): path.read_text(encoding="utf-8")}
