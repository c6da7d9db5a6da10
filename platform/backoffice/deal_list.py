"""The deals of any days with what each earned, in the brokerage's base currency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from identity.listings.listing import Cells, Found, Listing, rows_of
from kernel.database import TenantSession
from kernel.viewer import Viewer
from kernel.web.table import Column, State, Table
from revenue import queries
from revenue.queries import DealRevenue

_KINDS = {"markup": "Mark-up", "commission": "Commission", "swap": "Swap", "gross": "Gross"}
TABLE = Table(
    name="deals",
    path="/backoffice/revenue/deals",
    columns=(
        Column("deal", "Deal", sortable=True, filtered=True, pinned=True),
        Column("client", "Client", sortable=True, filtered=True, wide=True),
        Column("login", "Login", sortable=True, filtered=True, wide=True),
        Column("symbol", "Instrument", "choice", sortable=True, filtered=True, pattern=".{1,40}"),
        Column("day", "Day", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("lots", "Lots", "money", sortable=True, filtered=True, end=True),
        *(
            Column(
                name,
                label,
                "money",
                sortable=True,
                filtered=True,
                end=True,
                wide=name != "gross",
            )
            for name, label in _KINDS.items()
        ),
        Column("offer", "Offer", "choice", filtered=True, shown=False, pattern=".{1,40}"),
        Column("fee", "Fee", "money", filtered=True, shown=False),
    ),
    sort="-day",
)
_CELLS: dict[str, Callable[[DealRevenue], Cells]] = {
    "deal": lambda row: str(row.ticket),
    "client": lambda row: row.client_reference,
    "login": lambda row: str(row.login),
    "symbol": lambda row: row.symbol,
    "day": lambda row: row.day.isoformat(),
    "lots": lambda row: round(row.lots, 2),
    "markup": lambda row: round(row.markup, 2),
    "commission": lambda row: round(row.commission, 2),
    "swap": lambda row: round(row.swap, 2),
    "gross": lambda row: round(row.gross, 2),
    "offer": lambda row: row.account_type,
    "fee": lambda row: round(row.fee, 2),
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[DealRevenue]:
    facets = await queries.deal_facets(session, state)
    picks = [
        {"name": name, "label": label, "options": [(one, one) for one in facets.values(name)]}
        for name, label in (("symbol", "Instrument"), ("offer", "Offer"))
    ]
    context = {"picks": picks, "currency": request.scope["state"]["tenant"].base_currency}
    return Found(await queries.deal_page(session, state), facets.total(state), context)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return (await queries.deal_facets(session, state)).total(state)


LISTING = Listing(
    table=TABLE,
    title="Deals",
    template="backoffice/deals.html",
    permission="revenue.line.read",
    find=_find,
    cells=_CELLS,
    export="revenue.line.export",
    rows=rows_of(queries.deal_rows),
    count=_count,
    active="/backoffice/revenue",
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
