"""The operator's requests under /_simulator: accounts, switches, deliveries, resending."""

import hmac
import json
from typing import Any

from connectors.payments.simulator import disputes, events, payments
from connectors.payments.simulator.desk.controls import Desk
from connectors.payments.simulator.errors import ApiError, no_such
from connectors.payments.simulator.store import JsonObject, Store
from connectors.payments.simulator.wire import Request, Response

NUMBERS = {
    "forge": (0, 1000),
    "duplicate": (1, 100),
    "delay_ms": (0, 600_000),
    "retry_ms": (1, 3_600_000),
}
SWITCHES = ("shuffle", "hold")
SETTLE_SECONDS_MAX = 86400


def answer(store: Store, request: Request, token: str, desk: Desk) -> Response:
    """Answer one operator request; the token is compared in constant time."""
    given = request.headers.get("x-operator-token", "")
    try:
        if not token or not hmac.compare_digest(given.encode(), token.encode()):
            raise ApiError(401, "Send the operator's token in the header X-Operator-Token.")
        with store.transaction():
            sent = _sent(request)
            body = desk.route(request.method, request.path, request.query, sent)
            if body is None:
                body = _route(store, request.method, request.path, sent)
        return Response(200, json.dumps(body).encode())
    except ApiError as error:
        return Response(error.status, json.dumps({"error": error.body}).encode())


def _sent(request: Request) -> JsonObject:
    if not request.body:
        return {}
    try:
        sent = json.loads(request.body)
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise ApiError(400, "Send a JSON object.")
    return sent


def _route(store: Store, method: str, path: str, sent: JsonObject) -> JsonObject:
    if (method, path) == ("POST", "/_simulator/accounts"):
        return store.add_account(str(sent.get("name", "Test merchant"))[:100])
    if (method, path) == ("POST", "/_simulator/webhooks"):
        return _switch(store, sent)
    if (method, path) == ("POST", "/_simulator/webhooks/release"):
        return {"released": events.release(store)}
    if (method, path) == ("GET", "/_simulator/deliveries"):
        return {"deliveries": [_shown(store, delivery) for delivery in store.deliveries()]}
    if method == "POST" and path.startswith("/_simulator/events/") and path.endswith("/resend"):
        return _resend(store, path.split("/")[3])
    if method == "POST" and path.startswith("/_simulator/charges/"):
        return _charge(store, *path.split("/")[3:])
    raise ApiError(404, f"No such operator request: {method} {path}")


def _switch(store: Store, sent: JsonObject) -> JsonObject:
    for name, value in sent.items():
        if (
            (name in SWITCHES and isinstance(value, bool))
            or (name in NUMBERS and type(value) is int and _within(value, *NUMBERS[name]))
            or (name == "settle_seconds" and _within(value, 0, SETTLE_SECONDS_MAX))
        ):
            store.set_setting(name, value)
        else:
            raise ApiError(400, f"Unknown switch or value out of range: {name}", param=name)
    return {
        "duplicate": store.setting("duplicate", 1),
        "shuffle": store.setting("shuffle", False),
        "hold": store.setting("hold", False),
        "delay_ms": store.setting("delay_ms", 0),
        "forge": store.setting("forge", 0),
    }


def _within(value: Any, least: int, most: int) -> bool:
    return isinstance(value, (int, float)) and least <= value <= most


def _shown(store: Store, delivery: JsonObject) -> JsonObject:
    event = store.get(delivery["account"], delivery["event"])
    statuses = [attempt["status"] for attempt in delivery["attempts"]]
    return {**delivery, "type": event["type"] if event else None, "statuses": statuses}


def _resend(store: Store, event_id: str) -> JsonObject:
    account = store.owner(event_id)
    event = store.get(account, event_id) if account else None
    if account is None or event is None or event["object"] != "event":
        raise no_such("event", event_id)
    targets = [
        endpoint["id"]
        for endpoint in store.everything(account, "webhook_endpoint")
        if endpoint["status"] == "enabled"
    ]
    events.queue(store, account, event_id, targets)
    return {"id": event_id, "queued": len(targets)}


def _charge(store: Store, charge_id: str, verb: str) -> JsonObject:
    """Have the cardholder's bank dispute a charge, or decide the dispute that is open."""
    account = store.owner(charge_id)
    charge = store.get(account, charge_id) if account else None
    if account is None or charge is None or charge["object"] != "charge":
        raise no_such("charge", charge_id)
    known = [
        one
        for one in store.everything(account, "dispute")
        if one["charge"] == charge_id and one["status"] in disputes.OPEN
    ]
    if verb == "dispute" and charge["paid"] and not known:
        return payments.open_dispute(store, account, charge)
    if verb in ("win", "lose") and known:
        status = "won" if verb == "win" else "lost"
        return disputes.finish(store, account, known[0], status)
    raise ApiError(409, f"This charge cannot do {verb}.")
