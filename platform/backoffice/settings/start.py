"""The front page of the settings: every screen that the viewer may open, with what it is for."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from backoffice.navigation import NAVIGATION
from kernel.web.access import SELF
from kernel.web.inject import Seen
from kernel.web.pages import page

GROUP = "Settings"
# What each screen of the group is for, in one sentence; a screen without one shows its name.
LINES = {
    "/backoffice/connections": "Merchant accounts, their limits and fees, routing, and tests in the"
    " sandbox.",
    "/backoffice/withdrawals/rules": "Who approves withdrawals up to which amount, and what they"
    " cost.",
    "/backoffice/rates": "Reference rates, their age, and the mark-up that clients pay.",
    "/settings/roles": "What each role may see and do, who holds it, and pages as a role sees"
    " them.",
    "/settings/access": "Who has which second factor. Reset it for a colleague who lost theirs.",
    "/settings/mail": "Your own mail server, sender and domain. Check them, send yourself a mail.",
    "/settings/mail/log": "What became of each mail, and which addresses get none.",
    "/settings/templates": "Your own mails, SMS, documents' blocks and sections of the front page,"
    " in each language.",
    "/settings/texts": "Every text that clients and partners read, in your own words, in each"
    " language.",
    "/settings/brand": "Logos, colours, font, texts and menus on every surface. See it, publish"
    " it, take it back.",
}


@get("/settings", permission=SELF)
async def start(request: Request[Any, Any, Any], viewer: Seen) -> Response[Any]:
    """Show the settings that this person may open."""
    screens = [
        {"label": label, "href": href, "icon": icon, "line": LINES.get(href, "")}
        for group, items in NAVIGATION
        if group == GROUP
        for label, href, icon, permission in items
        if permission is None or viewer.may(permission)
    ]
    return await page(
        request, "backoffice/settings.html", title="Settings", active="/settings", screens=screens
    )


ROUTES: list[HTTPRouteHandler] = [start]
