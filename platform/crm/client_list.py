"""The list of clients: its page, views, files, and giving many clients to another owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from clients import countries, queries
from clients.models import STATUSES
from clients.queries import ClientRow
from crm import bulk_actions
from identity import queries as identity_queries
from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.viewer import Viewer
from kernel.web.table import UUIDS, Column, State, Table

_READ = "clients.client.read"
_STATUS_WORDS = {status: status.capitalize() for status in STATUSES}
TABLE = Table(
    name="clients",
    path="/crm/clients",
    columns=(
        Column("name", "Client", sortable=True, pinned=True),
        Column(
            "status",
            "Status",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple(_STATUS_WORDS.items()),
        ),
        Column("level", "KYC level", "number", sortable=True, filtered=True, end=True),
        Column(
            "country",
            "Country",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            pattern="[A-Z]{2}",
        ),
        Column("owner", "Owner", "choice", filtered=True, wide=True, pattern=f"none|{UUIDS}"),
        Column("since", "Since", "date", sortable=True, filtered=True, end=True),
        Column("language", "Language", filtered=True, shown=False),
        Column("email", "E-mail", shown=False),
        Column("phone", "Phone", shown=False),
    ),
    sort="-since",
)
_CELLS: dict[str, Callable[[ClientRow], Cells]] = {
    "name": lambda row: (row.client.reference, row.client.name),
    "status": lambda row: _STATUS_WORDS[row.client.status],
    "level": lambda row: row.client.kyc_level,
    "country": lambda row: row.client.country,
    "owner": lambda row: row.owner,
    "since": lambda row: row.client.created_at,
    "language": lambda row: row.client.language,
    "email": lambda row: row.client.email,
    "phone": lambda row: row.client.phone,
}
_MASKED = TABLE.without("email", "phone")


def _contact(viewer: Viewer) -> bool:
    """Say whether contacts are unmasked in every row that the viewer's list may hold."""
    permission = "clients.contact.read"
    wide = viewer.scope(permission) != "own" or viewer.scope(_READ) == "own"
    return viewer.may(permission) and wide


def _scope(viewer: Viewer, permission: str = _READ) -> dict[str, Any]:
    return {
        "owner_id": viewer.owner(_READ) or viewer.owner(permission),
        "by_contact": _contact(viewer),
    }


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[ClientRow]:
    scope = _scope(viewer)
    window = await queries.client_page(session, state, **scope)
    facets = await queries.client_facets(session, state, **scope)
    named = [(code, countries.name(code)) for code in facets.values("country")]
    picks = [{"name": "country", "label": "Country", "options": named}]
    if scope["owner_id"] is None:
        staff = await identity_queries.staff(session)
        options = [(queries.NOBODY, "Nobody"), *((str(one.id), one.name) for one in staff)]
        picks.append({"name": "owner", "label": "Owner", "options": options})
    return Found(
        window,
        facets.total(state),
        {
            "tabs": facets.tabs(state, "status", _STATUS_WORDS),
            "picks": picks,
            "by_contact": scope["by_contact"],
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
) -> list[ClientRow]:
    scope = _scope(viewer, permission)
    return await queries.client_rows(session, state, **scope, limit=limit)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    found = await queries.client_facets(session, state, **_scope(viewer))
    return found.total(state)


LISTING = Listing(
    table=TABLE,
    title="Clients",
    template="crm/clients.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={"name": ("Client number", "Client"), "since": ("Since (UTC)",)},
    export="clients.client.export",
    rows=_rows,
    count=_count,
    actions=(bulk_actions.ASSIGN_CLIENTS,),
    reach=lambda viewer: TABLE if _contact(viewer) else _MASKED,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
