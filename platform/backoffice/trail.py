"""The audit trail as its readers search it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from identity.listings import queries
from identity.listings.listing import Cells, Found, Listing, length_of, rows_of
from identity.models import AuditEntry
from kernel.database import TenantSession
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.table import Column, State, Table

_KINDS = ("staff", "client", "partner", "vendor", "api", "system", "visitor")
TABLE = Table(
    name="audit",
    path="/backoffice/audit",
    columns=(
        Column("at", "When", "date", sortable=True, filtered=True, pinned=True),
        Column("who", "Who", filtered=True),
        Column("action", "Action", filtered=True),
        Column("record", "Record", filtered=True, wide=True),
        Column("change", "Change", wide=True),
        Column(
            "kind",
            "Kind of person",
            "choice",
            filtered=True,
            shown=False,
            choices=tuple((kind, kind.capitalize()) for kind in _KINDS),
        ),
        Column("subject", "Id of the record", filtered=True, shown=False),
        Column("reason", "Reason", filtered=True, shown=False),
        Column("request", "Request", filtered=True, shown=False),
    ),
    sort="-at",
)


def change(row: AuditEntry) -> str:
    """Return what an entry changed, in one line."""
    before, parts = row.before or {}, []
    for key, value in (row.after or {}).items():
        was = f"{before[key]} → " if before.get(key) else ""
        parts.append(f"{key}: {was}{value}")
    return ", ".join([*parts, row.reason] if row.reason else parts)


_CELLS: dict[str, Callable[[AuditEntry], Cells]] = {
    "at": lambda row: row.at,
    "who": lambda row: row.actor_label,
    "action": lambda row: row.action,
    "record": lambda row: (row.subject_kind, row.subject_id),
    "change": change,
    "kind": lambda row: row.actor_kind,
    "subject": lambda row: row.subject_id,
    "reason": lambda row: row.reason,
    "request": lambda row: row.request_id,
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[AuditEntry]:
    window = await queries.entry_page(session, state)
    kinds = {"name": "kind", "label": "By", "options": [(one, one.capitalize()) for one in _KINDS]}
    context = {"picks": [kinds], "change": change}
    return Found(window, await queries.entry_count(session, state), context, most=COUNT_MAX)


LISTING = Listing(
    table=TABLE,
    title="Audit trail",
    template="backoffice/audit.html",
    permission="identity.audit.read",
    find=_find,
    cells=_CELLS,
    heads={"at": ("When (UTC)",), "record": ("Record", "Id")},
    export="identity.audit.export",
    rows=rows_of(queries.entry_rows),
    count=length_of(queries.entry_count),
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
