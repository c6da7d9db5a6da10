"""Where staff land: the first place their role may work, and the Back Office's front page."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from kernel.errors import Forbidden
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import page, see_other
from treasury import queries as treasury_queries

# The first of these that the viewer may open is home: (permission, path).
_HOMES = (
    ("backoffice.home.read", "/backoffice"),
    ("crm.lead.read", "/crm/leads"),
)


@get("/", permission=SELF)
async def home(viewer: Seen) -> Response[Any]:
    """Send a member of staff to the front page of their work."""
    return see_other(_home_of(viewer))


@get("/backoffice", permission="backoffice.home.read")
async def front(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Show what waits for the viewer: every number opens the list it counts."""
    tiles = []
    if viewer.may("treasury.deposit.read"):
        counts = await treasury_queries.count_by_state(session)
        totals = await treasury_queries.deposit_totals(session)
        tiles.append(_tile("Deposits to look at", counts.get("held", 0), "?state=held"))
        tiles.append(_tile("Deposits under way", counts.get("pending", 0), "?state=pending"))
        tiles.append(
            _tile("Deposits credited", sum(total.count for total in totals), "?state=credited")
        )
    return await page(
        request,
        "backoffice/home.html",
        title="Back Office",
        active="/backoffice",
        tiles=tiles,
        links=[
            item
            for item in (
                ("KYC queue", "/backoffice/kyc", "shield-check", "compliance.kyc.read"),
                ("Deposits", "/backoffice/deposits", "cash", "treasury.deposit.read"),
                ("Daily revenue", "/backoffice/revenue", "chart-bar", "revenue.line.read"),
                ("Partners", "/backoffice/partners", "affiliate", "introducers.partner.read"),
                ("Audit trail", "/backoffice/audit", "history", "identity.audit.read"),
            )
            if viewer.may(item[3])
        ],
    )


def _home_of(viewer: Viewer) -> str:
    for permission, path in _HOMES:
        if viewer.may(permission):
            return path
    raise Forbidden


def _tile(label: str, count: int, query: str) -> dict[str, str]:
    return {"label": label, "value": str(count), "href": f"/backoffice/deposits{query}"}


ROUTES: list[HTTPRouteHandler] = [home, front]
