"""The journal: every entry in order, and one with its lines, its rate and what reverses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice.book import queries
from backoffice.book.queries import NAMES, EntryRow
from backoffice.book.trial import HERE
from identity.listings.listing import Cells, Found, Listing, length_of, rows_of
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.inject import Session
from kernel.web.pages import page
from kernel.web.table import Column, State, Table
from ledger import queries as ledger_queries
from themes.formats import money_text

_READ = "ledger.entry.read"
TABLE = Table(
    name="book_entries",
    path=f"{HERE}/entries",
    columns=(
        Column("occurred", "Counts from", "date", sortable=True, filtered=True, pinned=True),
        Column("kind", "Kind", sortable=True, filtered=True),
        Column("reference", "Reference", filtered=True, wide=True),
        Column("turnover", "Turnover", end=True),
        Column("recorded", "Written", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("external", "Outside reference", filtered=True, shown=False),
        Column("actor", "Written by", filtered=True, shown=False),
        Column(
            "reversal",
            "Reverses another",
            "choice",
            filtered=True,
            shown=False,
            choices=(("yes", "Yes"),),
        ),
        Column("entry", "Id", shown=False),
    ),
    sort="-occurred",
)
_CELLS: dict[str, Callable[[EntryRow], Cells]] = {
    "occurred": lambda row: row.occurred_at,
    "kind": lambda row: row.kind,
    "reference": lambda row: row.reference,
    "turnover": lambda row: ", ".join(money_text(money) for money in row.turnover),
    "recorded": lambda row: row.recorded_at,
    "external": lambda row: row.external_reference,
    "actor": lambda row: row.actor,
    "reversal": lambda row: str(row.reverses_id or ""),
    "entry": lambda row: str(row.id),
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[EntryRow]:
    window = await queries.entry_page(session, state)
    picks = [{"name": "reversal", "label": "Reversals only", "options": [("yes", "Yes")]}]
    total = await queries.entry_count(session, state)
    return Found(window, total, {"picks": picks}, most=COUNT_MAX)


LISTING = Listing(
    table=TABLE,
    title="Journal",
    template="backoffice/book_entries.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={"occurred": ("Counts from (UTC)",), "recorded": ("Written (UTC)",)},
    export="ledger.entry.export",
    rows=rows_of(queries.entry_rows),
    count=length_of(queries.entry_count),
    active=HERE,
)


@get(f"{HERE}/entries/{{entry_id:uuid}}", permission=_READ)
async def entry_page(
    request: Request[Any, Any, Any], session: Session, entry_id: FromPath[UUID]
) -> Response[Any]:
    """Show an entry's lines with the accounts they stand on."""
    entry = await ledger_queries.entry(session, entry_id=entry_id)
    if entry is None:
        raise NotFound
    lines = await queries.entry_lines(session, entry_id)
    return await page(
        request,
        "backoffice/book_entry.html",
        title=f"Entry {entry.reference or entry.kind}",
        active=HERE,
        entry=entry,
        lines=lines,
        names=NAMES,
        rate=await ledger_queries.rate_of(session, entry_id=entry_id),
        reversal=await queries.reversal_of(session, entry_id),
    )


ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), entry_page]
