"""The form-encoded API under /v1: routes, authentication, idempotency, expansion, lists."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from connectors.payments.simulator import (
    disputes,
    endpoints,
    events,
    forms,
    intents,
    payouts,
    prices,
    refunds,
    sessions,
)
from connectors.payments.simulator.errors import ApiError, no_such
from connectors.payments.simulator.events import API_VERSION
from connectors.payments.simulator.store import JsonObject, Store, new_id
from connectors.payments.simulator.wire import Request, Response

KEY_LENGTH_MAX = 255
EXPAND_DEPTH_MAX = 4
LISTS = {
    "/v1/checkout/sessions": ("checkout.session", ("payment_intent", "status")),
    "/v1/payment_intents": ("payment_intent", ("customer",)),
    "/v1/refunds": ("refund", ("charge", "payment_intent")),
    "/v1/charges": ("charge", ("payment_intent",)),
    "/v1/balance_transactions": ("balance_transaction", ("type", "source", "currency")),
    "/v1/events": ("event", ("type",)),
    "/v1/webhook_endpoints": ("webhook_endpoint", ()),
    "/v1/disputes": ("dispute", ("charge", "payment_intent")),
    "/v1/products": ("product", ()),
    "/v1/prices": ("price", ("product", "currency", "type")),
    "/v1/payouts": ("payout", ("status",)),
}
NOUNS = {
    "checkout.session": "checkout.session",
    "payment_intent": "payment_intent",
    "balance_transaction": "balance_transaction",
    "webhook_endpoint": "webhook endpoint",
}
Create = Callable[[Store, str, dict[str, Any]], JsonObject]
Change = Callable[[Store, str, JsonObject, dict[str, Any]], JsonObject]
CREATES: dict[str, Create] = {
    "/v1/checkout/sessions": sessions.create,
    "/v1/payment_intents": intents.create,
    "/v1/refunds": refunds.create,
    "/v1/webhook_endpoints": endpoints.create,
    "/v1/products": prices.create_product,
    "/v1/prices": prices.create_price,
    "/v1/payouts": payouts.create,
}
CHANGES: dict[tuple[str, str, str], Change] = {
    ("POST", "/v1/checkout/sessions", "expire"): sessions.expire_requested,
    ("POST", "/v1/checkout/sessions", ""): sessions.update,
    ("POST", "/v1/payment_intents", "confirm"): intents.confirm,
    ("POST", "/v1/payment_intents", "cancel"): intents.cancel,
    ("POST", "/v1/webhook_endpoints", ""): endpoints.update,
    ("POST", "/v1/products", ""): prices.update_product,
    ("POST", "/v1/prices", ""): prices.update_price,
    ("POST", "/v1/disputes", ""): disputes.update,
    ("POST", "/v1/disputes", "close"): disputes.close,
    ("POST", "/v1/payouts", "cancel"): payouts.cancel,
    ("DELETE", "/v1/webhook_endpoints", ""): endpoints.delete,
}


def answer(store: Store, request: Request) -> Response:
    """Answer one API request; every error comes back in the provider's shape."""
    headers = {
        "Request-Id": new_id("req", 14),
        "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
    }
    key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
    if key:
        headers["Idempotency-Key"] = key
    try:
        account = _authenticate(store, request)
        with store.transaction():
            saved = _replay(store, account, key, request) if key else None
            if saved is None:
                status, body = _execute(store, account, request)
                if key:
                    store.save_reply(account, key, _fingerprint(request), status, body)
        if saved is not None:
            status, body = saved
            headers["Idempotent-Replayed"] = "true"
    except ApiError as error:
        status, body = error.status, _error_text(error)
    return Response(status, body.encode(), headers=headers)


def _error_text(error: ApiError) -> str:
    return json.dumps({"error": error.body}, indent=2)


def _execute(store: Store, account: str, request: Request) -> tuple[int, str]:
    try:
        return 200, json.dumps(_route(store, account, request), indent=2)
    except ApiError as error:
        if not error.executed:
            raise
        return error.status, _error_text(error)


def _authenticate(store: Store, request: Request) -> str:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    key = ""
    if scheme.lower() == "bearer":
        key = credential.strip()
    elif scheme.lower() == "basic":
        try:
            key = base64.b64decode(credential, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise ApiError(
            401,
            "You did not provide an API key. Send it as a Bearer token in the Authorization"
            " header, or as the user name of basic authentication.",
        )
    account = store.account_by_key(key)
    if account is None:
        raise ApiError(401, f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}")
    return account


def _fingerprint(request: Request) -> str:
    return f"{request.method} {request.path} {request.body.decode('utf-8', 'replace')}"


def _replay(store: Store, account: str, key: str, request: Request) -> tuple[int, str] | None:
    if len(key) > KEY_LENGTH_MAX:
        raise ApiError(
            400,
            f"An idempotency key has at most {KEY_LENGTH_MAX} characters.",
            kind="idempotency_error",
        )
    saved = store.reply(account, key)
    if saved is None:
        return None
    if saved[0] != _fingerprint(request):
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used with the same endpoint and the same"
            f" parameters they were first used with. Try using a key other than '{key}'.",
            kind="idempotency_error",
        )
    return saved[1], saved[2]


def _route(store: Store, account: str, request: Request) -> JsonObject:
    sent = request.body.decode("utf-8", "replace") if request.method == "POST" else ""
    parameters = forms.decode(sent or request.query)
    expand = forms.strings(parameters, "expand")
    parameters.pop("expand", None)
    path = request.path.rstrip("/")
    found = _find(store, account, request.method, path, parameters)
    for line in expand:
        _expand(store, account, found, line.split("."), line)
    return _clean(store, found)


def _find(
    store: Store, account: str, method: str, path: str, parameters: dict[str, Any]
) -> JsonObject:
    if path in LISTS and method == "GET":
        return _list(store, account, path, parameters)
    if path in CREATES and method == "POST":
        return CREATES[path](store, account, parameters)
    if path == "/v1/balance" and method == "GET":
        return refunds.balance(store, account)
    for base, (kind, _) in LISTS.items():
        if not path.startswith(base + "/"):
            continue
        object_id, _, verb = path[len(base) + 1 :].partition("/")
        known = (method, base, verb) in CHANGES or (method == "GET" and verb == "")
        if not known and (method, base, verb) != ("GET", "/v1/checkout/sessions", "line_items"):
            break
        thing = store.get(account, object_id)
        if thing is None or thing["object"] != kind:
            raise no_such(NOUNS.get(kind, kind), object_id)
        if verb == "line_items":
            return sessions.line_items(thing)
        if method == "GET":
            return thing
        return CHANGES[method, base, verb](store, account, thing, parameters)
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}).")


def _clean(store: Store, thing: JsonObject) -> JsonObject:
    if thing.get("object") == "list":
        return {**thing, "data": [_clean(store, item) for item in thing["data"]]}
    if thing.get("object") == "event":
        return events.with_pending_count(store, thing)
    return sessions.public(thing)


def _list(store: Store, account: str, path: str, parameters: dict[str, Any]) -> JsonObject:
    kind, filters = LISTS[path]
    forms.allow_only(parameters, {"limit", "starting_after", "ending_before", "created", *filters})
    limit = forms.integer(parameters, "limit")
    limit = 10 if limit is None else limit
    if not 1 <= limit <= 100:
        raise ApiError(400, "Limit must be between 1 and 100.", param="limit")
    cursors = {name: forms.text(parameters, name) for name in ("starting_after", "ending_before")}
    for name, cursor in cursors.items():
        if cursor is not None and store.get(account, cursor) is None:
            raise no_such(NOUNS.get(kind, kind), cursor, param=name, status=400)
    created = parameters.get("created", {})
    if isinstance(created, str):
        created = {"gte": created, "lte": created}
    moments: dict[str, int] = {}
    for name in created:
        moment = forms.integer(created, name, param=f"created[{name}]")
        if name not in ("gt", "gte", "lt", "lte") or moment is None:
            raise ApiError(400, "Invalid created filter.", param=f"created[{name}]")
        moments[name] = moment
    equal = {name: value for name in filters if (value := forms.text(parameters, name))}
    data, more = store.page(
        account,
        kind,
        limit=limit,
        after=cursors["starting_after"],
        before=cursors["ending_before"],
        equal=equal,
        created=moments,
    )
    return {"object": "list", "data": data, "has_more": more, "url": path}


def _expand(store: Store, account: str, thing: Any, path: list[str], line: str) -> None:
    if isinstance(thing, list):
        for item in thing:
            _expand(store, account, item, path, line)
        return
    name = path[0]
    if len(line.split(".")) > EXPAND_DEPTH_MAX or not isinstance(thing, dict):
        raise ApiError(400, f"This property cannot be expanded ({line}).", param="expand")
    if name == "line_items" and thing.get("object") == "checkout.session":
        thing["line_items"] = sessions.line_items(thing)
    elif name not in thing:
        raise ApiError(400, f"This property cannot be expanded ({line}).", param="expand")
    value = thing[name]
    if isinstance(value, str):
        found = store.get(account, value)
        if found is None:
            raise ApiError(400, f"This property cannot be expanded ({line}).", param="expand")
        thing[name] = found
    if len(path) > 1 and thing[name] is not None:
        _expand(store, account, thing[name], path[1:], line)
