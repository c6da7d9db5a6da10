"""Everything a client has paid in: searched, filtered, paged, and taken along as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler

from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext, marked
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import page
from tenants.inject import Outside
from tradersroom import documents, people
from treasury import queries
from treasury.queries import DepositFilter, DepositRow

STATES = (
    ("pending", marked("Waiting"), ("created", "pending")),
    ("done", marked("Done"), ("settled", "credited")),
    ("held", marked("Being checked"), ("held",)),
    ("closed", marked("Failed or cancelled"), ("failed", "cancelled")),
)
_PAGE = 25
_EXPORT_MAX = 5000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@get("/history", permission=SELF)
async def history(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """List the client's deposits, newest first."""
    return await _page(request, session, viewer)


@get("/history/statement.pdf", permission=SELF)
async def statement(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Give a wallet's statement as PDF; what is wrong with the days is said beside them."""
    try:
        return await documents.statement(request, session, viewer, ports)
    except InvalidInput as error:
        return await _page(request, session, viewer, error=error)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    *,
    error: InvalidInput | None = None,
) -> Response[Any]:
    me = await people.me(session, viewer)
    offered = await documents.currencies(session, me.client)
    typed = dict(request.query_params.items()) if error else {}
    found = await queries.deposit_page(
        session,
        narrowed=_narrowed(request, me.client.id),
        after=_after(request.query_params.get("after", "")),
        limit=_PAGE,
    )
    return await page(
        request,
        "trader/history.html",
        title=gettext("History"),
        active="/history",
        rows=found.rows,
        paging=_paging(request, found.after),
        query_text=_query(request),
        states=[(name, gettext(label)) for name, label, _ in STATES],
        status=error.status if error else 200,
        wallets=offered,
        form=documents.form(typed, offered, error),
        filtered=bool(request.query_params.get("q") or request.query_params.get("state")),
    )


@get("/history.csv", permission=SELF)
async def export(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[str]:
    """Give the same list as CSV, at most 5,000 lines; times are UTC."""
    me = await people.me(session, viewer)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ("started_utc", "reference", "method", "to", "amount", "currency", "received", "state")
    )
    after: UUID | None = None
    count = 0
    while count < _EXPORT_MAX:
        found = await queries.deposit_page(
            session, narrowed=_narrowed(request, me.client.id), after=after, limit=200
        )
        writer.writerows(_cells(row) for row in found.rows)
        count += len(found.rows)
        after = found.after
        if after is None:
            break
    return Response(
        text.getvalue(),
        media_type=MediaType.TEXT,
        headers={
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": 'attachment; filename="deposits.csv"',
            "cache-control": "no-store",
        },
    )


def _paging(request: Request[Any, Any, Any], after: UUID | None) -> dict[str, str | None] | None:
    """Return the ways to the next page and back to the first one; None on a single page."""
    first = f"/history{_query(request)}" if "after" in request.query_params else None
    further = f"/history{_query(request, after=str(after))}" if after is not None else None
    return {"previous": first, "next": further} if first or further else None


def _query(request: Request[Any, Any, Any], **more: str) -> str:
    kept = {
        name: request.query_params[name] for name in ("q", "state") if name in request.query_params
    }
    text = urlencode({**kept, **more})
    return f"?{text}" if text else ""


def _narrowed(request: Request[Any, Any, Any], client_id: UUID) -> DepositFilter:
    wanted = request.query_params.get("state", "")
    states = next((states for name, _, states in STATES if name == wanted), ())
    return DepositFilter(
        search=request.query_params.get("q", "")[:60].strip(), states=states, client_id=client_id
    )


def _after(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _cells(row: DepositRow) -> tuple[str, ...]:
    cells = (
        row.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        row.reference,
        row.connection,
        str(row.account_login or "wallet"),
        str(row.amount.rounded().amount),
        row.amount.currency,
        str(row.settled.rounded().amount) if row.settled else "",
        row.state,
    )
    return tuple(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)


ROUTES: list[HTTPRouteHandler] = [history, export, statement]
