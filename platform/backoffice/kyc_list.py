"""The queue of clients to verify: longest waiting first, with how much time is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from clients import countries
from compliance import queries, rules
from compliance.queries import CaseRow
from identity.listings.listing import Cells, Found, Listing, rows_of
from kernel.clock import now
from kernel.database import TenantSession
from kernel.viewer import Viewer
from kernel.web.table import Column, State, Table

_SOON = timedelta(hours=4)
_WORDS = {
    "in_review": "In review",
    "collecting": "Collecting",
    "rejected": "Sent back",
    "approved": "Approved",
}
TABLE = Table(
    name="kyc",
    path="/backoffice/kyc",
    columns=(
        Column("client", "Client", sortable=True, filtered=True, pinned=True),
        Column("reference", "Case", sortable=True, wide=True),
        Column(
            "country",
            "Country",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            pattern="[A-Z]{2}",
        ),
        Column("documents", "Documents", "number", end=True, wide=True),
        Column("since", "Waiting since", "date", sortable=True, filtered=True, wide=True),
        Column("left", "Time left"),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            end=True,
            choices=tuple(_WORDS.items()),
        ),
        Column("level", "Level", "number", filtered=True, shown=False),
        Column("decided", "Decided", "date", filtered=True, shown=False),
    ),
    sort="since",
    opening="state=in_review",
)
_CELLS: dict[str, Callable[[CaseRow], Cells]] = {
    "client": lambda row: (row.client_name, row.client_reference),
    "reference": lambda row: row.reference,
    "country": lambda row: row.country,
    "documents": lambda row: row.documents,
    "since": lambda row: row.submitted_at or row.created_at,
    "left": lambda row: (_left(row) or {}).get("label"),
    "state": lambda row: _WORDS[row.state],
    "level": lambda row: row.level,
    "decided": lambda row: row.decided_at,
}


def time_left(submitted_at: datetime | None) -> dict[str, str] | None:
    """Return how much of the promised time is left, in words and as a kind of badge."""
    if submitted_at is None:
        return None
    left = rules.due_at(submitted_at) - now()
    minutes = int(abs(left).total_seconds()) // 60
    words = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    if left < timedelta(0):
        return {"kind": "negative", "label": f"{words} late"}
    return {"kind": "warning" if left < _SOON else "neutral", "label": f"{words} left"}


def _left(row: CaseRow) -> dict[str, str] | None:
    return time_left(row.submitted_at) if row.state == "in_review" else None


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[CaseRow]:
    facets = await queries.case_facets(session, state)
    named = [(code, countries.name(code)) for code in facets.values("country")]
    context = {
        "tabs": facets.tabs(state, "state", _WORDS, hot=("in_review",)),
        "picks": [{"name": "country", "label": "Country", "options": named}],
        "left": _left,
        "words": _WORDS,
    }
    return Found(await queries.case_page(session, state), facets.total(state), context)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return (await queries.case_facets(session, state)).total(state)


LISTING = Listing(
    table=TABLE,
    title="KYC queue",
    template="backoffice/kyc.html",
    permission="compliance.kyc.read",
    find=_find,
    cells=_CELLS,
    heads={"client": ("Client", "Client number"), "since": ("Waiting since (UTC)",)},
    export="compliance.kyc.export",
    rows=rows_of(queries.case_rows),
    count=_count,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
