"""The partner's own commission lines: listed, exported, and each with its arithmetic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients.models import Client
from identity.listings.listing import Cells, Found, Listing
from introducers import queries as introducer_queries
from introducers import rules
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.language import gettext, marked
from kernel.money import Money
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import page
from kernel.web.table import Column, State, Table
from partners import people, queries, statements
from partners.queries import Line

TABLE = Table(
    name="commissions",
    path="/commissions",
    columns=(
        Column("deal", marked("Deal"), filtered=True, pinned=True),
        Column("client", marked("Client"), sortable=True, filtered=True, wide=True),
        Column("lots", marked("Lots"), "money", sortable=True, filtered=True, end=True),
        Column("how", marked("How"), wide=True),
        Column(
            "closed", marked("Closed"), "date", sortable=True, filtered=True, end=True, wide=True
        ),
        Column("commission", marked("Commission"), "money", sortable=True, filtered=True, end=True),
        Column(
            "symbol",
            marked("Instrument"),
            "choice",
            sortable=True,
            filtered=True,
            shown=False,
            pattern=".{1,40}",
        ),
        Column("day", marked("Day"), "date", sortable=True, filtered=True, shown=False),
        Column("level", marked("Level"), "number", sortable=True, filtered=True, shown=False),
    ),
    sort="-closed",
)
_CELLS: dict[str, Callable[[Line], Cells]] = {
    "deal": lambda row: (str(row.line.ticket), row.line.symbol),
    "client": lambda row: row.client.reference if row.client else None,
    "lots": lambda row: round(row.line.lots, 2),
    "how": lambda row: (
        row.line.level,
        row.line.plan_version,
        rules.reason_text(row.line.reason) if row.line.reason else None,
    ),
    "closed": lambda row: row.line.closed_at,
    "commission": lambda row: (round(row.line.amount, 2), row.line.currency),
    "symbol": lambda row: row.line.symbol,
    "day": lambda row: row.line.day.isoformat(),
    "level": lambda row: row.line.level,
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[Line]:
    partner = await people.open_partner(session, viewer)
    count, lots, amount = await queries.line_sums(session, partner.id, state)
    symbols = await queries.symbols(session, partner.id)
    currency = request.scope["state"]["tenant"].base_currency
    options = [(one, one) for one in symbols]
    return Found(
        await queries.line_page(session, partner.id, state),
        count,
        {
            "picks": [
                {
                    "name": "symbol",
                    "label": gettext("Instrument"),
                    "options": options,
                    "theirs": True,
                }
            ],
            "lots": lots,
            "amount": Money(amount, currency),
            "masked": _masked,
            "months": statements.months(),
            "reason": rules.reason_text,
            "currency": currency,
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
) -> list[Line]:
    partner = await people.open_partner(session, viewer)
    return await queries.line_rows(session, partner.id, state, limit=limit)


LISTING = Listing(
    table=TABLE,
    title=marked("Commissions"),
    template="partner/commissions.html",
    permission=SELF,
    find=_find,
    cells=_CELLS,
    heads={
        "deal": (marked("Deal"), marked("Instrument")),
        "how": (marked("Level"), marked("Version of the plan"), marked("Reason")),
        "closed": (marked("Closed (UTC)"),),
        "commission": (marked("Commission"), marked("Currency")),
    },
    export=SELF,
    rows=_rows,
    rows_max=20_000,
)


@get("/commissions/{line_id:uuid}", permission=SELF)
async def commission(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, line_id: FromPath[UUID]
) -> Response[Any]:
    """Show how one line came about, step by step; somebody else's line is not there."""
    partner = await people.open_partner(session, viewer)
    found = await queries.line(session, partner.id, line_id)
    if found is None:
        raise NotFound
    line, client, through = found
    plan = await introducer_queries.plan(session, line.plan_id)
    return await page(
        request,
        "partner/commission.html",
        title=gettext("Commission of deal %s") % line.ticket,
        active="/commissions",
        line=line,
        client=_masked(client),
        client_reference=client.reference if client else "",
        through=through if through != partner.name else "",
        plan=plan,
        reason=rules.reason_text,
        amount=Money(line.amount, line.currency),
        steps=rules.steps(line.arithmetic, symbol=line.symbol, currency=line.currency),
        checks=rules.checks(line.arithmetic, currency=line.currency),
        revisions=await queries.revisions(session, line),
        closed=datetime.fromisoformat(line.arithmetic["closed_at"]).replace(tzinfo=dt.UTC),
    )


def _masked(client: Client | None) -> str:
    return rules.masked_name(client.first_name, client.last_name) if client else "–"


ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), commission]
