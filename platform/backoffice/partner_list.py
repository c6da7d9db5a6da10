"""The list of partners: in the order of the tree, or sorted by any figure of theirs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from clients import countries
from identity.listings.listing import Cells, Found, Listing
from introducers.models import PARTNER_STATES
from introducers.roster import queries
from introducers.roster.queries import PartnerFigures
from kernel.clock import now
from kernel.database import TenantSession
from kernel.viewer import Viewer
from kernel.web.table import Column, State, Table

_DAYS = 30
_WORDS = {state: state.capitalize() for state in PARTNER_STATES}
TABLE = Table(
    name="partners",
    path="/backoffice/partners",
    columns=(
        Column("name", "Partner", sortable=True, pinned=True),
        Column("tree", "Level", sortable=True, end=True, wide=True),
        Column(
            "plan", "Plan", "choice", sortable=True, filtered=True, wide=True, pattern=".{1,40}"
        ),
        Column(
            "country",
            "Country",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            pattern="[A-Z]{2}",
        ),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(_WORDS.items()),
        ),
        Column("clients", "Clients", "number", sortable=True, filtered=True, end=True, wide=True),
        Column("below", "Below", "number", sortable=True, filtered=True, end=True, wide=True),
        Column("lots", "Lots", "money", sortable=True, filtered=True, end=True, wide=True),
        Column("commission", "Commission", "money", sortable=True, filtered=True, end=True),
        Column("since", "Since", "date", sortable=True, filtered=True, shown=False),
        Column("code", "Link code", filtered=True, shown=False),
        Column("email", "E-mail", shown=False),
    ),
    sort="tree",
)
_CELLS: dict[str, Callable[[PartnerFigures], Cells]] = {
    "name": lambda row: (row.partner.reference, row.partner.name),
    "tree": lambda row: row.level,
    "plan": lambda row: row.partner.plan_code,
    "country": lambda row: row.partner.country,
    "state": lambda row: row.partner.state,
    "clients": lambda row: row.clients,
    "below": lambda row: row.subs,
    "lots": lambda row: round(row.lots, 2),
    "commission": lambda row: round(row.commission, 2),
    "since": lambda row: row.partner.created_at,
    "code": lambda row: row.partner.code,
    "email": lambda row: row.partner.email,
}


def _since() -> dt.date:
    return now().date() - dt.timedelta(days=_DAYS - 1)


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[PartnerFigures]:
    since = _since()
    facets = await queries.partner_facets(session, state, since=since)
    amount, lots, clients, active = await queries.partner_sums(session, since=since)
    plans = [(code, code.capitalize()) for code in facets.values("plan")]
    named = [(code, countries.name(code)) for code in facets.values("country")]
    return Found(
        await queries.partner_page(session, state, since=since),
        facets.total(state),
        {
            "tabs": facets.tabs(state, "state", _WORDS, hot=("applied",)),
            "picks": [
                {"name": "plan", "label": "Plan", "options": plans},
                {"name": "country", "label": "Country", "options": named},
            ],
            "flat": bool(state.filters) or state.sort != TABLE.sort,
            "amount": amount,
            "lots": lots,
            "clients": clients,
            "active_partners": active,
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
) -> list[PartnerFigures]:
    return await queries.partner_figures(session, state, since=_since(), limit=limit)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return (await queries.partner_facets(session, state, since=_since())).total(state)


LISTING = Listing(
    table=TABLE,
    title="Partners",
    template="backoffice/partners.html",
    permission="introducers.partner.read",
    find=_find,
    cells=_CELLS,
    heads={
        "name": ("Partner number", "Partner"),
        "lots": ("Lots, 30 days",),
        "commission": ("Commission, 30 days",),
        "since": ("Since (UTC)",),
    },
    export="introducers.partner.export",
    rows=_rows,
    count=_count,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
