"""Where staff land: a page for each role, put together from what the rooms offer."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from backoffice.home_layouts import layout
from identity.shell import home_cards
from identity.shell.home_cards import PERIODS, Ask, Period
from identity.shell.parts import Parts
from kernel.clock import now
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page, see_other


@get(["/", "/backoffice"], permission=SELF)
async def start() -> Response[Any]:
    """Send a member of staff to the front page of their work."""
    return see_other("/home")


@get("/home", permission=SELF)
async def home(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, tenant: Tenant
) -> Response[Any]:
    """Show what the viewer's role works with: every number opens the list it counts."""
    period = Period.read(request.query_params.get("days", ""))
    parts: Parts = request.app.state.shell
    made = await home_cards.arrange(
        session,
        parts.offers,
        layout=layout(viewer.roles),
        ask=Ask(viewer, period, tenant.base_currency),
    )
    cards = [*made.main, *made.rail]
    return await page(
        request,
        "shell/home.html",
        title="Home",
        active="/home",
        home=made,
        first_name=viewer.name.split()[0] if viewer.name.split() else "",
        today=now(),
        charts=any(card.kind == "chart" and card.chart for card in cards),
        periods=[
            {"label": f"{days} days", "href": f"/home?days={days}", "active": days == period.days}
            for days in PERIODS
        ],
    )


ROUTES: list[HTTPRouteHandler] = [start, home]
