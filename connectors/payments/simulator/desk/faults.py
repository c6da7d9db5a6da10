"""Faults that an operator orders: the reply is lost, late, an error, or nothing was done.

kind `drop` does the work and hangs up; `drop_before` hangs up and does nothing; `error` does the
work and answers 500; `error_before` answers 500 and does nothing; `late` does the work and
answers after `milliseconds`.
"""

import asyncio
from collections.abc import Callable

from connectors.payments.simulator.store import JsonObject, Store
from connectors.payments.simulator.wire import HANG_UP, Request, Response

KINDS = ("drop", "drop_before", "error", "error_before", "late")
BROKEN = Response(500, b"Internal Server Error", "text/plain; charset=utf-8")


def order(store: Store, fault: JsonObject) -> list[JsonObject]:
    """Add an order: protocol, kind, how many `times`, `path` (a part of it), `milliseconds`."""
    orders: list[JsonObject] = [*waiting(store), fault]
    store.set_setting("faults", orders)
    return orders


def waiting(store: Store) -> list[JsonObject]:
    """Return the orders that are not used up."""
    found: list[JsonObject] = store.setting("faults", [])
    return found


def clear(store: Store) -> None:
    """Forget all orders."""
    store.set_setting("faults", [])


def take(store: Store, protocol: str, path: str) -> JsonObject | None:
    """Use up one order that fits a call."""
    orders = waiting(store)
    for fault in orders:
        if fault["protocol"] == protocol and fault["path"] in path:
            fault["times"] -= 1
            store.set_setting("faults", [one for one in orders if one["times"] > 0])
            return fault
    return None


async def suffer(
    fault: JsonObject | None, request: Request, work: Callable[[Request], Response]
) -> Response:
    """Answer a request as the fault says."""
    kind = "" if fault is None else fault["kind"]
    if kind == "drop_before":
        return HANG_UP
    if kind == "error_before":
        return BROKEN
    response = work(request)
    if kind == "late" and fault is not None:
        await asyncio.sleep(fault["milliseconds"] / 1000)
    if kind == "drop":
        return HANG_UP
    return BROKEN if kind == "error" else response
