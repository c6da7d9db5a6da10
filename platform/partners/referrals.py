"""Clients and partners of the viewer's branch, with names and contacts masked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from clients import countries
from clients.models import STATUSES
from identity.listings.listing import Cells, Found, Listing
from introducers import queries as introducer_queries
from introducers.rules import masked_name
from kernel.clock import now
from kernel.database import TenantSession
from kernel.language import current, gettext, marked
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.table import Column, State, Table
from partners import people, queries
from partners.queries import Referral
from themes.formats import masked_email

_DAYS = 30
TABLE = Table(
    name="referrals",
    path="/referrals",
    columns=(
        Column("client", marked("Client"), sortable=True, filtered=True, pinned=True),
        Column("contact", marked("Contact"), wide=True),
        Column(
            "country",
            marked("Country"),
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            pattern="[A-Z]{2}",
        ),
        Column(
            "status",
            marked("Status"),
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((status, status.capitalize()) for status in STATUSES),
        ),
        Column("through", marked("Through"), sortable=True, filtered=True, wide=True),
        Column("lots", marked("Lots"), "money", sortable=True, filtered=True, end=True),
        Column("commission", marked("Commission"), "money", sortable=True, filtered=True, end=True),
        Column("since", marked("Since"), "date", sortable=True, filtered=True, end=True, wide=True),
    ),
    sort="-since",
)


def _name(row: Referral) -> str:
    return masked_name(row.client.first_name, row.client.last_name)


_CELLS: dict[str, Callable[[Referral], Cells]] = {
    "client": lambda row: (row.client.reference, _name(row)),
    "contact": lambda row: masked_email(row.client.email),
    "country": lambda row: row.client.country,
    "status": lambda row: row.client.status,
    "through": lambda row: row.partner_name,
    "lots": lambda row: round(row.lots, 2),
    "commission": lambda row: round(row.commission, 2),
    "since": lambda row: row.at,
}


def _since() -> dt.date:
    return now().date() - dt.timedelta(days=_DAYS - 1)


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[Referral]:
    partner = await people.open_partner(session, viewer)
    since = _since()
    branch = await introducer_queries.partner_rows(session, since=since, below=partner.id)
    facets = await queries.referral_facets(session, partner.id, state, since=since)
    figures = await queries.figures(session, partner.id, since=since)
    showing = "partners" if request.query_params.get("show") == "partners" else "clients"
    spoken = current()
    named = [(code, countries.name(code, spoken)) for code in facets.values("country")]
    return Found(
        await queries.referral_page(session, partner.id, state, since=since),
        facets.total(state),
        {
            "partner": partner,
            "showing": showing,
            "branch": branch[1:],
            "shown_name": _name,
            "tabs": [
                {
                    "label": gettext("Clients"),
                    "href": TABLE.path,
                    "active": showing == "clients",
                    "count": figures.clients,
                },
                {
                    "label": gettext("Sub-partners"),
                    "href": f"{TABLE.path}?show=partners",
                    "active": showing == "partners",
                    "count": len(branch) - 1,
                },
            ],
            "picks": [{"name": "country", "label": gettext("Country"), "options": named}],
            "shares": await queries.shares(session, partner.id, since=since),
            "currency": request.scope["state"]["tenant"].base_currency,
        },
    )


async def _rows(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[Referral]:
    partner = await people.open_partner(session, viewer)
    return await queries.referral_rows(session, partner.id, state, since=_since(), limit=limit)


LISTING = Listing(
    table=TABLE,
    title=marked("Clients and network"),
    template="partner/referrals.html",
    permission=SELF,
    find=_find,
    cells=_CELLS,
    heads={"client": (marked("Client"), marked("Name")), "since": (marked("Since (UTC)"),)},
    export=SELF,
    rows=_rows,
    rows_max=20_000,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
