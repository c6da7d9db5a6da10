"""Clients and partners of the viewer's branch, with names and contacts masked."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from introducers import queries as introducer_queries
from introducers.rules import masked_name
from kernel.clock import now
from kernel.language import gettext
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page
from partners import people, queries

_PAGE = 50
_DAYS = 30


@get("/referrals", permission=SELF)
async def referrals(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """List the branch: sub-partners in the order of the tree, clients by date."""
    partner = await people.open_partner(session, viewer)
    since = now().date() - dt.timedelta(days=_DAYS - 1)
    search = request.query_params.get("q", "").strip()[:60]
    branch = await introducer_queries.partner_rows(session, since=since, below=partner.id)
    found = await queries.referrals(
        session,
        partner.id,
        since=since,
        search=search,
        after=cursor(request),
        limit=_PAGE + 1,
    )
    last = found[_PAGE - 1] if len(found) > _PAGE else None
    showing = "partners" if request.query_params.get("show") == "partners" else "clients"
    figures = await queries.figures(session, partner.id, since=since)
    return await page(
        request,
        "partner/referrals.html",
        title=gettext("Clients and network"),
        active="/referrals",
        partner=partner,
        showing=showing,
        branch=branch[1:],
        rows=[
            {"referral": row, "name": masked_name(row.client.first_name, row.client.last_name)}
            for row in found[:_PAGE]
        ],
        after=f"{last.at.isoformat()}~{last.client.id}" if last else None,
        counts=(figures.clients, len(branch) - 1),
        shares=await queries.shares(session, partner.id, since=since),
        currency=tenant.base_currency,
    )


def cursor(request: Request[Any, Any, Any]) -> tuple[datetime, UUID] | None:
    """Return the last row of the page before, from the address; None for the first page."""
    moment, _, name = request.query_params.get("after", "").partition("~")
    try:
        found = datetime.fromisoformat(moment.replace(" ", "+"))
        return (found, UUID(name)) if found.tzinfo is not None else None
    except ValueError:
        return None


ROUTES: list[HTTPRouteHandler] = [referrals]
