"""Deposits as finance sees them: a list with filters, and each with its whole way."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import audit
from kernel.errors import NotFound
from kernel.web.inject import Seen, Session
from kernel.web.pages import page
from treasury import queries
from treasury.queries import DepositFilter, DepositRow

_STATES = ("created", "pending", "settled", "credited", "held", "failed", "cancelled")
_EXPORT_MAX = 5000


@get("/backoffice/deposits", permission="treasury.deposit.read")
async def deposit_list(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """List deposits, newest first; searched, filtered by state and currency, paged by key."""
    narrowed = _narrowed(request, viewer.id if viewer.scope(_READ) == "own" else None)
    found = await queries.deposit_page(session, narrowed=narrowed, after=_after(request))
    counts = await queries.count_by_state(session)
    current = request.query_params.get("state", "")
    tabs = [{"label": "All", "href": "/backoffice/deposits", "active": not current}]
    tabs += [
        {
            "label": state.capitalize(),
            "href": f"/backoffice/deposits?state={state}",
            "count": counts[state],
            "active": current == state,
            "hot": state == "held",
        }
        for state in _STATES
        if counts.get(state)
    ]
    return await page(
        request,
        "backoffice/deposits.html",
        title="Deposits",
        active="/backoffice/deposits",
        rows=found.rows,
        after=found.after,
        tabs=tabs,
        totals=await queries.deposit_totals(session, narrowed=narrowed),
        may_export=viewer.may("treasury.deposit.export"),
    )


@get("/backoffice/deposits/export", permission="treasury.deposit.export")
async def export(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[str]:
    """Give the filtered list as CSV, at most 5,000 rows; the export is audited."""
    narrowed = _narrowed(request, viewer.id if viewer.scope(_READ) == "own" else None)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ("reference", "client", "login", "amount", "currency", "settled", "state", "created_utc")
    )
    after, count = None, 0
    while count < _EXPORT_MAX:
        found = await queries.deposit_page(session, narrowed=narrowed, after=after, limit=200)
        for row in found.rows:
            writer.writerow(_cells(row))
        count += len(found.rows)
        after = found.after
        if after is None:
            break
    audit.record(
        session, "treasury.deposit.export", subject=("list", "deposits"), after={"rows": count}
    )
    return Response(
        text.getvalue(),
        media_type=MediaType.TEXT,
        headers={
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": 'attachment; filename="deposits.csv"',
        },
    )


@get("/backoffice/deposits/{deposit_id:uuid}", permission="treasury.deposit.read")
async def deposit_page(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, deposit_id: FromPath[UUID]
) -> Response[Any]:
    """Show one deposit: every state it went through, and what the provider said."""
    row = await queries.deposit_row(session, deposit_id=deposit_id)
    if row is None:
        raise NotFound
    own = DepositFilter(search=row.reference, owner_id=viewer.id)
    if (
        viewer.scope(_READ) == "own"
        and not (await queries.deposit_page(session, narrowed=own)).rows
    ):
        raise NotFound
    return await page(
        request,
        "backoffice/deposit.html",
        title=row.reference,
        active="/backoffice/deposits",
        row=row,
        trail=await queries.trail(session, deposit_id=deposit_id),
        events=await queries.events_of(session, reference=row.reference),
    )


_READ = "treasury.deposit.read"


def _narrowed(request: Request[Any, Any, Any], owner_id: UUID | None) -> DepositFilter:
    state = request.query_params.get("state", "")
    return DepositFilter(
        search=request.query_params.get("q", "").strip()[:80],
        states=(state,) if state in _STATES else (),
        currency=request.query_params.get("currency", "")[:8],
        owner_id=owner_id,
    )


def _after(request: Request[Any, Any, Any]) -> UUID | None:
    try:
        return UUID(request.query_params.get("after", ""))
    except ValueError:
        return None


def _cells(row: DepositRow) -> tuple[str, ...]:
    cells = (
        row.reference,
        row.client_name,
        str(row.account_login or ""),
        str(row.amount.rounded().amount),
        row.amount.currency,
        str(row.settled.rounded().amount) if row.settled else "",
        row.state,
        row.created_at.strftime("%Y-%m-%d %H:%M:%S"),
    )
    # A spreadsheet would run a cell that begins like a formula.
    return tuple(f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in cells)


ROUTES: list[HTTPRouteHandler] = [deposit_list, export, deposit_page]
