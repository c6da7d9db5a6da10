"""Which room's routes and navigation stand on which surface."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from entrypoints.surfaces import VENDOR_PERMISSIONS, Surface
from identity import screens

__all__ = ["VENDOR_PERMISSIONS", "surfaces"]


def _have(room: str, module: str, name: str) -> Any:
    if find_spec(room) is None or find_spec(f"{room}.{module}") is None:
        return []
    return getattr(import_module(f"{room}.{module}"), name)


def surfaces() -> tuple[Surface, ...]:
    """Return every surface of the product."""
    return (
        Surface(
            "public",
            "public site",
            [*_have("crm", "routes", "PUBLIC_SITE"), *_have("entrypoints", "webhooks", "ROUTES")],
            api=True,
        ),
        Surface(
            "trader",
            "Trader's Room",
            [*screens.ROUTES, *_have("tradersroom", "routes", "ROUTES")],
            navigation=_have("tradersroom", "navigation", "NAVIGATION"),
        ),
        Surface(
            "partner",
            "Partner portal",
            [*screens.ROUTES, *_have("partners", "routes", "ROUTES")],
            navigation=_have("partners", "navigation", "NAVIGATION"),
        ),
        Surface(
            "staff",
            "Staff",
            [
                *screens.ROUTES,
                *_have("crm", "routes", "STAFF"),
                *_have("backoffice", "routes", "ROUTES"),
            ],
            navigation=[
                *_have("crm", "navigation", "NAVIGATION"),
                *_have("backoffice", "navigation", "NAVIGATION"),
            ],
            apps=(("CRM", "/crm", "users"), ("Back Office", "/backoffice", "building-bank")),
        ),
        Surface(
            "console",
            "Console",
            [*screens.ROUTES, *_have("console", "routes", "ROUTES")],
            navigation=_have("console", "navigation", "NAVIGATION"),
        ),
        Surface("vendor", "Marque", _have("console", "routes", "APEX")),
    )
