"""Builds requests: the body from its templates, our signature, the address, and its host."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

from connectors.payments.engine.definitions import Operation, Provider, Shape
from connectors.payments.engine.expressions import MISSING, Expression, Template
from connectors.payments.engine.failures import (
    EgressForbidden,
    OrderRefused,
    ValueMissing,
    ValueUnusable,
)
from connectors.payments.engine.filters import text_of
from connectors.payments.engine.literals import Value, render_json, wrap
from connectors.payments.engine.port import Account, Order, Request
from connectors.payments.engine.recipes import sign
from connectors.payments.engine.scopes import Scope, Thing

_CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
}


def account_scope(provider: Provider, account: Account, now: datetime) -> Scope:
    """Return what every expression about an account may see; empty credentials do not exist.

    Of a secret that is being replaced the first line counts here.
    """
    secrets: dict[str, Thing] = {}
    plain: dict[str, Thing] = {}
    for name, credential in provider.credentials.items():
        given = account.credentials.get(name, "")
        if credential.kind == "secret":
            given = (given.splitlines() or [""])[0].strip()
            if given:
                secrets[name] = given
        elif given:
            plain[name] = given
    urls: dict[str, Thing] = dict(provider.environments.get(account.environment, {}))
    roots: dict[str, Thing | Mapping[str, Thing]] = {
        "secret": secrets,
        "cred": plain,
        "env": urls,
        "now": now,
        "sandbox": account.environment != "live",
    }
    return Scope(roots, provider.money)


def order_scope(provider: Provider, account: Account, order: Order, now: datetime) -> Scope:
    """Return what the templates of a request for an order may see."""
    method = next((one for one in provider.methods if one.id == order.method), None)
    if order.method and method is None and order.method not in provider.codes:
        raise OrderRefused("method", "This provider does not offer this method.")
    payer = {name: text for name, text in asdict(order.payer).items() if text}
    full_name = f"{order.payer.first_name} {order.payer.last_name}".strip()
    if full_name:
        payer["full_name"] = full_name
    tx: dict[str, Thing] = {
        "reference": order.reference,
        "amount": order.amount,
        "currency": order.amount.currency,
        "idempotency_key": order.idempotency_key,
        "description": order.description or f"Deposit {order.reference}",
    }
    for name in ("session_ref", "provider_ref"):
        if text := getattr(order, name):
            tx[name] = text
    if order.created is not None:
        tx["created"] = order.created
    code = (method.code or method.id) if method else order.method
    return account_scope(provider, account, now).plus(
        tx=tx,
        client=payer,
        urls={
            "callback": order.addresses.callback,
            "return": order.addresses.done,
            "cancel": order.addresses.cancel,
        },
        beneficiary=dict(order.beneficiary),
        method={"code": code, "name": method.name if method else code} if code else {},
    )


def build(
    provider: Provider,
    operation: Operation,
    account: Account,
    order: Order,
    *,
    now: datetime,
    token: str = "",
) -> Request:
    """Build the request of an operation for an order.

    Raises OrderRefused for an order that does not fit this provider, and EgressForbidden when
    the address would leave the provider's declared hosts.
    """
    try:
        scope = order_scope(provider, account, order, now)
        if token:
            scope = scope.plus(auth={"token": token})
        return _signed(provider, operation, account, scope)
    except ValueMissing as error:
        raise OrderRefused("missing", f"{error} Fill it in and try again.") from None
    except ValueUnusable as error:
        raise OrderRefused("unusable", str(error)) from None


def instructions(
    provider: Provider, account: Account, order: Order, *, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return the lines that a payer copies who pays by hand; raise OrderRefused."""
    try:
        scope = order_scope(provider, account, order, now)
        return tuple(
            (line.label, line.value.text(scope))
            for line in provider.instructions
            if not _is_left_out(line.value, scope)
        )
    except ValueMissing as error:
        raise OrderRefused("missing", f"{error} Fill it in and try again.") from None


def filled(shape: Shape, scope: Scope) -> Value:
    """Fill the templates of a structure; optional values that are missing leave their name out."""
    if isinstance(shape, Template):
        found = shape.find(scope)
        if found is MISSING or found is None:
            raise ValueMissing(", ".join(map(str, shape.paths())))
        return wrap(found)
    if isinstance(shape, Mapping):
        return {
            name: filled(one, scope) for name, one in shape.items() if not _is_left_out(one, scope)
        }
    if isinstance(shape, list):
        return [filled(one, scope) for one in shape if not _is_left_out(one, scope)]
    return shape


def _is_left_out(shape: Shape, scope: Scope) -> bool:
    if not isinstance(shape, Template) or len(shape.parts) != 1:
        return False
    only = shape.parts[0]
    if not isinstance(only, Expression) or not _is_optional(only):
        return False
    found = only.find(scope)
    return found is MISSING or found is None


def _is_optional(expression: Expression) -> bool:
    return any(pipe.name == "optional" for term in expression.terms for pipe in term.pipes)


def _signed(provider: Provider, operation: Operation, account: Account, scope: Scope) -> Request:
    body = filled(operation.body, scope)
    assert isinstance(body, dict)
    headers = {name: one.text(scope) for name, one in operation.headers.items()}
    if operation.with_auth:
        headers.update(_auth_headers(provider, scope))
    query = {
        name: one.text(scope)
        for name, one in operation.query.items()
        if not _is_left_out(one, scope)
    }
    if content_type := _CONTENT_TYPES.get(operation.encoding):
        headers.setdefault("Content-Type", content_type)
    path = _path(operation.path, scope)
    raw = encoded(operation, body)
    recipe = provider.signing.get(operation.sign)
    if recipe is not None and recipe.place is not None:
        signing = scope.plus(
            body=body, header=headers, query=query, raw=raw, verb=operation.method, path=path
        )
        signature = sign(recipe, signing)
        if recipe.place.where == "header":
            headers[recipe.place.name] = signature
        elif recipe.place.where == "query":
            query[recipe.place.name] = signature
        else:
            body[recipe.place.name] = signature
        raw = encoded(operation, body)
    if operation.encoding == "query":
        query.update({name: _flat(name, value) for name, value in body.items()})
    for name, text in headers.items():
        if not text.isprintable() or not text.isascii():
            raise ValueUnusable(f"The header {name} can't carry this value.")
    url = _base(provider, operation, account) + path
    if query:
        url += f"?{urlencode(query)}"
    return Request(operation.method, url, _host(provider, account, url), headers, raw)


def encoded(operation: Operation, body: Mapping[str, Value]) -> bytes:
    """Return the bytes of a body: what is signed is exactly what is sent."""
    if operation.encoding == "json":
        return render_json(dict(body)).encode()
    if operation.encoding == "form":
        return urlencode({name: _flat(name, value) for name, value in body.items()}).encode()
    return b""


def _flat(name: str, value: Value) -> str:
    if isinstance(value, dict | list) or value is None:
        raise ValueUnusable(f"The form field {name} holds a table.")
    return text_of(value)


def _path(template: Template, scope: Scope) -> str:
    """Fill a path; a value can't add segments, a query or a host to it."""
    return "".join(
        part if isinstance(part, str) else quote(part.text(scope), safe="")
        for part in template.parts
    )


def _base(provider: Provider, operation: Operation, account: Account) -> str:
    typed = provider.credentials.get(operation.base)
    given = account.credentials.get(operation.base, "") if typed and typed.kind == "url" else ""
    url = given or provider.environments.get(account.environment, {}).get(operation.base, "")
    if account.stand_in:
        # The counterpart takes the host's place: a path that all requests share stays.
        return account.stand_in.rstrip("/") + urlsplit(url).path.rstrip("/")
    if not url:
        raise OrderRefused("address", f"There is no {operation.base}: fill it in.")
    return url.rstrip("/")


def _host(provider: Provider, account: Account, url: str) -> str:
    """Return the host a request goes to; it must be declared, or typed by the administrator."""
    parts = urlsplit(url)
    typed = {
        urlsplit(account.credentials.get(name, "")).hostname
        for name, credential in provider.credentials.items()
        if credential.kind == "url"
    }
    host = parts.hostname or ""
    if account.stand_in:
        return host
    is_plain = parts.scheme == "https" and parts.username is None
    if not host or not is_plain or host not in provider.hosts | typed:
        raise EgressForbidden("The request would leave the provider's declared hosts.")
    return host


def _auth_headers(provider: Provider, scope: Scope) -> dict[str, str]:
    auth = provider.auth
    headers = {name: one.text(scope) for name, one in auth.headers.items()}
    if auth.user is not None:
        password = auth.password.text(scope) if auth.password else ""
        pair = f"{auth.user.text(scope)}:{password}".encode()
        headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
    return headers
