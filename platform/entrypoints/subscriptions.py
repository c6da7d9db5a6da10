"""Who cares about which event: the one list."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from kernel.subscriptions import Subscriptions
from tenants.ports import Ports

_ROOMS = (
    *("messaging", "trading", "treasury", "compliance", "revenue", "introducers", "crm"),
    *("tradersroom", "partners"),
)


def subscriptions(ports: Ports) -> Subscriptions:
    """Return every subscription of the product, bound to the ports of this process."""
    made = Subscriptions()
    for room in _ROOMS:
        if find_spec(room) and find_spec(f"{room}.subscribers"):
            import_module(f"{room}.subscribers").subscribe(made, ports)
    return made
