"""Disputes: deposits that providers take back, what was claimed, and how each ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.listings.listing import Cells, Found, Listing, length_of, rows_of
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, State, Table
from ledger import queries as ledger_queries
from treasury.adjustments import disputes, queries
from treasury.adjustments.queries import DisputeRow

HERE = "/backoffice/disputes"
_READ, _DECIDE = "treasury.adjustment.read", "treasury.dispute.approve"
_STATES = (("opened", "Open"), ("won", "Won"), ("lost", "Lost"))
_WORDS = dict(_STATES)
AnyRequest = Request[Any, Any, Any]
TABLE = Table(
    name="disputes",
    path=HERE,
    columns=(
        Column("deposit", "Deposit", sortable=True, pinned=True),
        Column("client", "Client", sortable=True),
        Column("state", "State", "choice", sortable=True, filtered=True, choices=_STATES),
        Column("amount", "Taken back", "money", sortable=True, filtered=True, end=True),
        Column("opened", "Opened", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("reason", "Reason", shown=False),
    ),
    sort="-opened",
)
_CELLS: dict[str, Callable[[DisputeRow], Cells]] = {
    "deposit": lambda row: row.deposit_reference,
    "client": lambda row: (row.client_name, row.client_reference),
    "state": lambda row: row.state,
    "amount": lambda row: (row.amount.rounded().amount, row.amount.currency),
    "opened": lambda row: row.opened_at,
    "reason": lambda row: row.reason,
}


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[DisputeRow]:
    context = {
        "picks": [{"name": "state", "label": "State", "options": list(_STATES)}],
        "words": _WORDS,
    }
    window = await queries.dispute_page(session, state)
    return Found(window, await queries.dispute_count(session, state), context, most=COUNT_MAX)


LISTING = Listing(
    table=TABLE,
    title="Disputes",
    template="backoffice/disputes.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={
        "client": ("Client", "Client number"),
        "amount": ("Taken back", "Currency"),
        "opened": ("Opened (UTC)",),
    },
    export=_READ,
    rows=rows_of(queries.dispute_rows),
    count=length_of(queries.dispute_count),
)


@get(f"{HERE}/{{dispute_id:uuid}}", permission=_READ)
async def show(
    request: AnyRequest, session: Session, viewer: Seen, dispute_id: FromPath[UUID]
) -> Response[Any]:
    """Show one dispute: what was claimed from where, its steps, and the decision while open."""
    return await _page(request, session, viewer, dispute_id, form_state())


@post(f"{HERE}/{{dispute_id:uuid}}/close", permission=_DECIDE, status_code=200)
async def close(
    request: AnyRequest, session: Session, viewer: Seen, dispute_id: FromPath[UUID]
) -> Response[Any]:
    """Close a dispute as won or lost."""
    values = form_values(await request.form())
    won = values.get("verdict") == "won"
    try:
        case = await disputes.close(
            session, dispute_id=dispute_id, won=won, reason=values.get("reason", "")
        )
    except NotFound:
        raise
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, viewer, dispute_id, form, status=422)
    except ProductError as error:
        form = form_state(values, message=error.text)
        return await _page(request, session, viewer, dispute_id, form, status=error.status)
    told = "Won: the client has the money again." if won else "Lost: the claim stands."
    return flash(request, see_other(f"{HERE}/{case.id}"), told)


async def _page(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    dispute_id: UUID,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    row = await queries.dispute_row(session, dispute_id)
    if row is None:
        raise NotFound
    lines = await ledger_queries.lines_of(session, entry_id=row.claim_entry_id)
    return await page(
        request,
        "backoffice/dispute.html",
        title=f"Dispute of {row.deposit_reference}",
        active=HERE,
        status=status,
        row=row,
        words=_WORDS,
        lines=lines,
        trail=await queries.dispute_trail(session, dispute_id=row.id),
        may_close=viewer.may(_DECIDE) and row.state == "opened",
        form=form,
    )


ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), show, close]
