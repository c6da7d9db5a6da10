"""Callbacks: verified over the raw bytes first, read afterwards, answered in the provider's way.

Anything missing, doubled, stale or not signed is refused; what is signed but unknown is held. A
callback whose signature leaves the claim open is only a hint to go and ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from connectors.payments.engine.answers import Reading, parse_body, resolve
from connectors.payments.engine.definitions import Callback, KeyedList, Provider, State
from connectors.payments.engine.expressions import MISSING
from connectors.payments.engine.failures import (
    CallbackRefused,
    CertificateNeeded,
    ValueMissing,
    ValueUnusable,
)
from connectors.payments.engine.filters import text_of
from connectors.payments.engine.literals import Number, Value, parse_form, render_json
from connectors.payments.engine.port import Account, Answering, Call, Notice
from connectors.payments.engine.recipes import Recipe, is_sealed, is_signature, sign
from connectors.payments.engine.requests import account_scope, filled
from connectors.payments.engine.scopes import Scope, Thing

BODY_BYTES_MAX = 256 * 1024
_SIGNATURE_LENGTH_MAX = 4096
_ITEMS_MAX = 100
_EVENT_ID_LENGTH_MAX = 120


def receive(
    provider: Provider,
    account: Account,
    call: Call,
    *,
    now: datetime,
    certificates: Mapping[str, str] | None = None,
) -> list[Notice]:
    """Verify a call and read it: usually one notice, none for an event that means nothing here.

    `certificates` are PEM texts by address, for providers that sign with RSA. Raises
    CallbackRefused, whose `reason` is one stable word, and CertificateNeeded.
    """
    callback = provider.callback
    if callback is None:
        raise CallbackRefused("no_callback", "This provider sends no callbacks.")
    if call.method not in callback.methods:
        raise CallbackRefused("method", f"Callbacks of this provider do not come by {call.method}.")
    if len(call.body) > BODY_BYTES_MAX:
        raise CallbackRefused("too_large", "The callback is too large.")
    scope = call_scope(provider, account, call, now)
    notices = []
    for one in _items(callback, scope):
        signed = _verify(provider, account, one, certificates=certificates or {}, now=now)
        _check_merchant(callback, one)
        try:
            notice = _notice(provider, callback, one, is_signed=signed)
        except ValueUnusable as error:
            raise CallbackRefused("unreadable", f"The callback can't be read: {error}") from None
        if notice is not None:
            notices.append(notice)
    return notices


def call_scope(provider: Provider, account: Account, call: Call, now: datetime) -> Scope:
    """Return what expressions may see of a call; raise CallbackRefused for unreadable ones."""
    callback = provider.callback
    assert callback is not None
    raw = call.query.encode() if callback.encoding == "query" else call.body
    try:
        body = parse_body(raw, callback.encoding)
        query = parse_form(call.query.encode())
        if not isinstance(body, dict):
            raise ValueUnusable("it is no table of values.")
    except ValueUnusable as error:
        raise CallbackRefused("unreadable", f"The callback can't be read: {error}") from None
    roots: dict[str, Thing | Mapping[str, Thing]] = {
        "body": body,
        "raw": raw,
        "header": dict(call.headers),
        "query": query,
        "verb": call.method,
        "path": call.path,
    }
    known = account_scope(provider, account, now).roots
    scope = Scope({**known, **roots}, provider.callback_money)
    return scope if callback.keyed is None else scope.plus(list=_keyed(callback.keyed, scope))


def _keyed(keyed: KeyedList, scope: Scope) -> dict[str, Value]:
    """Read a list of {name, value} as a table; a name that comes twice is no name."""
    rows = keyed.path.find(scope)
    found: dict[str, Value] = {}
    for row in rows if isinstance(rows, list) else []:
        name = row.get(keyed.name) if isinstance(row, dict) else None
        if isinstance(row, dict) and isinstance(name, str):
            if name in found:
                raise CallbackRefused("unreadable", "The callback names one value twice.")
            found[name] = row.get(keyed.value)
    return found


def _items(callback: Callback, scope: Scope) -> Iterator[Scope]:
    if callback.items is None:
        yield scope
        return
    found = callback.items.find(scope)
    if not isinstance(found, list) or not 0 < len(found) <= _ITEMS_MAX:
        raise CallbackRefused("unreadable", "The callback holds no list of events.")
    for one in found:
        yield scope.plus(item=one)


def _verify(
    provider: Provider,
    account: Account,
    scope: Scope,
    *,
    certificates: Mapping[str, str],
    now: datetime,
) -> bool:
    """Return whether the message is signed; raise CallbackRefused when it is, but wrongly."""
    assert provider.callback is not None
    recipe = provider.callback.signature
    if recipe.alg == "none" or (recipe.when is not None and not recipe.when.holds(scope)):
        return False
    assert recipe.received is not None
    received = recipe.received.text_or_empty(scope)
    if not received:
        raise CallbackRefused("missing_signature", "The callback carries no signature.")
    if len(received) > _SIGNATURE_LENGTH_MAX:
        raise CallbackRefused("wrong_signature", "The callback's signature is too long.")
    candidates = [received]
    if recipe.parts:
        parts = _parts(received, recipe.parts)
        candidates = parts.pop(recipe.parts[-1], [])
        scope = scope.plus(part={name: values[0] for name, values in parts.items()})
    try:
        if recipe.is_asymmetric:
            good = _is_sealed(recipe, scope, candidates, certificates)
        else:
            good = _is_signed(recipe, provider, account, scope, candidates)
    except ValueMissing as error:
        reason = "no_secret" if error.path.startswith(("secret", "cred")) else "unreadable"
        raise CallbackRefused(reason, f"The signature can't be checked: {error}") from None
    except ValueUnusable as error:
        raise CallbackRefused("unreadable", f"The signature can't be checked: {error}") from None
    if not good:
        raise CallbackRefused("wrong_signature", "The callback's signature is wrong.")
    _check_age(recipe, scope, now)
    return True


def _parts(header: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Read `t=1,v1=a,v1=b` into its named values."""
    found: dict[str, list[str]] = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition("=")
        if name in names and value:
            found.setdefault(name, []).append(value)
    return found


def _is_signed(
    recipe: Recipe, provider: Provider, account: Account, scope: Scope, candidates: Sequence[str]
) -> bool:
    """Compare with the signatures of all live secrets; each is computed, whichever fits."""
    verdicts = [
        is_signature(recipe, scope.plus(secret=secrets), one)
        for secrets in live_secrets(provider, account)
        for one in candidates
    ]
    return any(verdicts)


def live_secrets(provider: Provider, account: Account) -> Iterator[dict[str, Thing]]:
    """Return the sets of secrets that count now: the first lines, then the older ones."""
    lines = {
        name: [line.strip() for line in account.credentials.get(name, "").splitlines()]
        for name, credential in provider.credentials.items()
        if credential.kind == "secret"
    }
    longest = max((len(found) for found in lines.values()), default=0)
    for number in range(max(longest, 1)):
        yield {
            name: found[min(number, len(found) - 1)]
            for name, found in lines.items()
            if found and found[min(number, len(found) - 1)]
        }


def _is_sealed(
    recipe: Recipe, scope: Scope, candidates: Sequence[str], certificates: Mapping[str, str]
) -> bool:
    assert recipe.certificate is not None
    url = recipe.certificate.url.text(scope)
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc not in recipe.certificate.hosts:
        raise CallbackRefused("foreign_certificate", "The certificate is not at a pinned host.")
    if url not in certificates:
        raise CertificateNeeded(url)
    return any(is_sealed(recipe, scope, one, certificates[url]) for one in candidates)


def _check_merchant(callback: Callback, scope: Scope) -> None:
    """Refuse what is signed for another of the merchant's accounts at this provider."""
    for theirs, ours in callback.ours:
        expected = ours.text_or_empty(scope)
        if expected and theirs.text_or_empty(scope) != expected:
            raise CallbackRefused("not_ours", "The callback is for another merchant account.")


def _check_age(recipe: Recipe, scope: Scope, now: datetime) -> None:
    if recipe.timestamp is None:
        return
    try:
        sent = Number(recipe.timestamp.text(scope)).decimal
    except (ValueMissing, ValueUnusable):
        raise CallbackRefused("stale", "The callback does not say when it was sent.") from None
    if abs(int(now.timestamp()) - sent) > recipe.tolerance_seconds:
        raise CallbackRefused("stale", "The callback is too old, or from the future.")


def _notice(
    provider: Provider, callback: Callback, scope: Scope, *, is_signed: bool
) -> Notice | None:
    if callback.ignore is not None and callback.ignore.holds(scope):
        return None
    reading = Reading(callback.fields, scope, provider.callback_money)
    word = reading.text("status")
    claims, alarm = resolve(word, provider.statuses)
    if "status" not in callback.fields:
        claims, alarm = "pending", ""
    if claims == "ignored":
        return None
    if differs := reading.difference(claims):
        claims, alarm = "held", differs
    must_ask = callback.confirm == "query" or not is_signed
    state: State = "pending" if must_ask else claims
    if callback.confirm == "person":
        # Nobody can be asked: what is not signed at all is nothing, and success is a person's.
        must_ask = False
        state = "held" if is_signed and claims in ("succeeded", "held") else "pending"
        if state == "held":
            alarm = "The signature leaves open whose payment this is: compare it at the provider."
    follow_up = callback.follow_up
    return Notice(
        event_id=_event_id(callback, scope),
        state=state,
        claims=claims,
        status=word,
        reference=reading.text("reference"),
        session_ref=reading.text("session_ref"),
        provider_ref=reading.text("provider_ref"),
        amount=reading.money("amount", "currency"),
        settled=reading.money("settled_amount", "settled_currency"),
        fee=reading.money("fee", "fee_currency"),
        must_ask=must_ask,
        is_live=callback.live.holds(scope) if callback.live is not None else None,
        follow_up=follow_up.operation if follow_up and follow_up.when.holds(scope) else "",
        alarm=alarm,
        error=reading.error(claims),
    )


def _event_id(callback: Callback, scope: Scope) -> str:
    """Return what is the same whenever the same event comes again."""
    parts = []
    for expression in callback.event_key:
        found = expression.find(scope)
        if found is MISSING or found is None:
            raise ValueUnusable(f"{', '.join(map(str, expression.paths()))} is missing.")
        parts.append(text_of(found))  # type: ignore[arg-type]
    whole = ":".join(parts)
    if len(whole) <= _EVENT_ID_LENGTH_MAX and all(":" not in part for part in parts):
        return whole
    # Several parts that hold colons, or long ones, are told apart by their digest.
    return hashlib.sha256(render_json(list(parts)).encode()).hexdigest()


def answering(provider: Provider, account: Account, *, now: datetime) -> Answering:
    """Return what a provider wants to hear after the commit, signed where it asks for that."""
    callback = provider.callback
    assert callback is not None
    reply = callback.reply
    scope = account_scope(provider, account, now)
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    raw = reply.text.text(scope).encode() if reply.text is not None else b""
    if reply.json is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
        body = filled(reply.json, scope)
        raw = render_json(body).encode()
        recipe = provider.signing.get(reply.sign)
        if recipe is not None and recipe.place is not None:
            headers[recipe.place.name] = sign(recipe, scope.plus(body=body, raw=raw))
    return Answering(reply.code, headers, raw)
