"""Everything a client has moved or received: searched, filtered, sorted, paged, taken along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.language import gettext, marked
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.table import Column, State, Table
from themes.formats import isolated
from tradersroom import people
from tradersroom.transfers import place_text
from treasury.transfers import queries, recipients
from treasury.transfers.queries import TransferRow

STATES = (
    ("moving", marked("On its way")),
    ("crediting", marked("Half way")),
    ("done", marked("Done")),
    ("failed", marked("Not made")),
    ("returned", marked("In the wallet")),
)
TABLE = Table(
    name="transfers",
    path="/transfers",
    columns=(
        Column("reference", marked("Transfer"), sortable=True, pinned=True),
        Column("way", marked("From and to"), wide=True),
        Column("created", marked("Started"), "date", sortable=True, filtered=True, wide=True),
        Column("amount", marked("Sent"), "money", sortable=True, filtered=True, end=True),
        Column("arrived", marked("Arrived"), "money", end=True, wide=True),
        Column(
            "state",
            marked("State"),
            "choice",
            sortable=True,
            filtered=True,
            end=True,
            choices=STATES,
        ),
    ),
    sort="-created",
)


def _way(row: TransferRow) -> str:
    name = isolated(recipients.masked(row.target_name)) if row.target_name else ""
    target = name or place_text(row.target_login)
    return f"{place_text(row.source_login)} → {target}"


def _word(row: TransferRow) -> str:
    return next(gettext(label) for name, label in STATES if name == row.state)


_CELLS: dict[str, Callable[[TransferRow], Cells]] = {
    "reference": lambda row: row.reference,
    "way": _way,
    "created": lambda row: row.created_at,
    "amount": lambda row: (row.amount.rounded().amount, row.amount.currency),
    "arrived": lambda row: (row.arrived.rounded().amount, row.arrived.currency),
    "state": _word,
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[TransferRow]:
    mine = (await people.me(session, viewer)).client.id
    states = [(name, gettext(label)) for name, label in STATES]
    context = {
        "picks": [{"name": "state", "label": gettext("State"), "options": states}],
        "way": _way,
        "word": _word,
        "mine": mine,
    }
    window = await queries.page(session, state, party_id=mine)
    total = await queries.count(session, state, party_id=mine)
    return Found(window, total, context, most=COUNT_MAX)


async def _rows(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[TransferRow]:
    mine = (await people.me(session, viewer)).client.id
    return await queries.list_rows(session, state, party_id=mine, limit=limit)


LISTING = Listing(
    table=TABLE,
    title=marked("Transfers"),
    template="trader/transfers.html",
    permission=SELF,
    find=_find,
    cells=_CELLS,
    heads={
        "created": (marked("Started (UTC)"),),
        "amount": (marked("Sent"), marked("Currency")),
        "arrived": (marked("Arrived"), marked("Currency that arrived")),
    },
    export=SELF,
    rows=_rows,
    rows_max=5000,
    active="/history",
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
