"""Events: the record that something happened, and its queue of webhook deliveries."""

import random
import time
from typing import Any

from connectors.payments.simulator.store import JsonObject, Store, new_id

API_VERSION = "2026-10-28.endive"
SHUFFLE_SPREAD_SECONDS = 0.25


def record(store: Store, account: str, kind: str, subject: JsonObject) -> JsonObject:
    """Write an event with a snapshot of `subject` and queue it to every endpoint that wants it."""
    endpoints = [
        endpoint
        for endpoint in store.everything(account, "webhook_endpoint")
        if endpoint["status"] == "enabled"
        and ("*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"])
    ]
    event: dict[str, Any] = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    store.put(account, event)
    queue(store, account, event["id"], [endpoint["id"] for endpoint in endpoints])
    return event


def queue(store: Store, account: str, event: str, endpoints: list[str]) -> None:
    """Queue sendings of an event as the operator's switches say."""
    state = "held" if store.setting("hold", False) else "pending"
    delay = store.setting("delay_ms", 0) / 1000
    spread = SHUFFLE_SPREAD_SECONDS if store.setting("shuffle", False) else 0.0
    for endpoint in endpoints:
        for _ in range(store.setting("duplicate", 1)):
            due_at = time.time() + delay + random.uniform(0, spread)
            store.add_delivery(account, event, endpoint, state, due_at)


def release(store: Store) -> int:
    """Let held deliveries go, in random order when shuffling, switch holding off; count them."""
    store.set_setting("hold", False)
    held = store.deliveries("state = 'held'")
    spread = SHUFFLE_SPREAD_SECONDS if store.setting("shuffle", False) else 0.0
    for delivery in held:
        delivery["state"] = "pending"
        delivery["due_at"] = time.time() + random.uniform(0, spread)
        store.save_delivery(delivery)
    return len(held)


def with_pending_count(store: Store, event: JsonObject) -> JsonObject:
    """Return the event with the number of endpoints that did not yet answer 2xx."""
    waiting = store.deliveries("event = ? AND state IN ('pending', 'held')", (event["id"],))
    return {**event, "pending_webhooks": len({delivery["endpoint"] for delivery in waiting})}
