"""The audit trail as its readers search it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from identity import queries
from kernel.web.inject import Session
from kernel.web.pages import page

_SIZE = 50


@get("/backoffice/audit", permission="identity.audit.read")
async def audit_list(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """List who changed what, newest first; searched by person, action or record."""
    params = request.query_params
    try:
        before = UUID(params.get("after", ""))
    except ValueError:
        before = None
    found = await queries.audit_page(
        session,
        search=params.get("q", "").strip()[:80],
        action=params.get("action", "")[:80],
        before_id=before,
        limit=_SIZE + 1,
    )
    rows = found[:_SIZE]
    return await page(
        request,
        "backoffice/audit.html",
        title="Audit trail",
        active="/backoffice/audit",
        rows=rows,
        after=rows[-1].id if len(found) > _SIZE else None,
    )


ROUTES: list[HTTPRouteHandler] = [audit_list]
