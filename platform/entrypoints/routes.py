"""Which room's routes and navigation stand on which surface."""

from __future__ import annotations

import backoffice.navigation
import backoffice.routes
import console.navigation
import console.routes
import crm.navigation
import crm.routes
import partners.navigation
import partners.routes
import tradersroom.navigation
import tradersroom.routes
from entrypoints import webhooks
from entrypoints.surfaces import Surface
from identity import screens

_APPS = (
    ("CRM", "/crm", "users"),
    ("Back Office", "/backoffice", "building-bank"),
    ("Settings", "/settings", "settings"),
)


def surfaces() -> tuple[Surface, ...]:
    """Return every surface of the product."""
    return (
        Surface("public", "public site", [*crm.routes.PUBLIC_SITE, *webhooks.ROUTES], api=True),
        Surface(
            "trader",
            "Trader's Room",
            [*screens.ROUTES, *tradersroom.routes.ROUTES],
            navigation=tradersroom.navigation.NAVIGATION,
        ),
        Surface(
            "partner",
            "Partner portal",
            [*screens.ROUTES, *partners.routes.ROUTES],
            navigation=partners.navigation.NAVIGATION,
        ),
        Surface(
            "staff",
            "Staff",
            [*screens.ROUTES, *crm.routes.STAFF, *backoffice.routes.ROUTES],
            navigation=[*crm.navigation.NAVIGATION, *backoffice.navigation.NAVIGATION],
            apps=_APPS,
        ),
        Surface(
            "console",
            "Console",
            [*screens.ROUTES, *console.routes.ROUTES],
            navigation=console.navigation.NAVIGATION,
        ),
        Surface("vendor", "Marque", console.routes.APEX),
    )
