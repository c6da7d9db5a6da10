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
from entrypoints import installable, notification_screens, shell, streams, webhooks
from entrypoints.surfaces import Surface
from identity import screens, second_screens, security_screens
from identity.shell import screens as looks_screens

_APPS = (
    ("CRM", "/crm", "users"),
    ("Back Office", "/backoffice", "building-bank"),
    ("Settings", "/settings", "settings"),
)


# What every surface with people has: signing in, and how one does.
_PEOPLE = (*screens.ROUTES, *second_screens.ROUTES, *security_screens.ROUTES, *looks_screens.ROUTES)

# What the surfaces of a brokerage's people have besides: a bell, live updates, an app to install.
_ROOM = (*_PEOPLE, *notification_screens.ROUTES, *streams.ROUTES, *installable.ROUTES)


# The places of the portals, whose order an administrator chooses on the staff's surface.
_PLACES = {
    "trader": [one for _, items in tradersroom.navigation.NAVIGATION for one in items],
    "partner": [one for _, items in partners.navigation.NAVIGATION for one in items],
}


def surfaces() -> tuple[Surface, ...]:
    """Return every surface of the product."""
    return (
        Surface("public", "public site", [*crm.routes.PUBLIC_SITE, *webhooks.ROUTES], api=True),
        Surface(
            "trader",
            "Trader's Room",
            [*_ROOM, *tradersroom.routes.ROUTES],
            navigation=tradersroom.navigation.NAVIGATION,
        ),
        Surface(
            "partner",
            "Partner portal",
            [*_ROOM, *partners.routes.ROUTES],
            navigation=partners.navigation.NAVIGATION,
        ),
        Surface(
            "staff",
            "Staff",
            [*_ROOM, *looks_screens.STAFF, *crm.routes.STAFF, *backoffice.routes.ROUTES],
            navigation=[
                *shell.NAVIGATION,
                *crm.navigation.NAVIGATION,
                *backoffice.navigation.NAVIGATION,
            ],
            apps=_APPS,
            shell=shell.SHELL,
            prepare=shell.prepare,
            places=_PLACES,
        ),
        Surface(
            "console",
            "Console",
            [*_PEOPLE, *looks_screens.STAFF, *console.routes.ROUTES],
            navigation=console.navigation.NAVIGATION,
        ),
        Surface("vendor", "Marque", console.routes.APEX),
    )
