"""The client's wallets: what is in each, what is set aside, and every booking on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.language import marked
from kernel.money import Money
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.table import Column, State, Table
from ledger import queries as ledger_queries
from ledger.chart import CLIENT_WALLET
from ledger.lines import Owner
from ledger.statements import queries as statements
from ledger.statements.queries import LineRow
from tradersroom import entry_words, people

TABLE = Table(
    name="wallets",
    path="/wallets",
    columns=(
        Column("kind", marked("Booking"), pinned=True),
        Column("reference", marked("Reference"), filtered=True, wide=True),
        Column("occurred", marked("Booked"), "date", sortable=True, filtered=True, wide=True),
        Column("amount", marked("Amount"), "money", sortable=True, filtered=True, end=True),
        Column("balance", marked("Balance after"), "money", end=True, wide=True),
        Column(
            "currency", marked("Wallet"), "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"
        ),
    ),
    sort="-occurred",
)
_CELLS: dict[str, Callable[[LineRow], Cells]] = {
    "kind": lambda row: entry_words.kind(row.kind),
    "reference": lambda row: row.reference,
    "occurred": lambda row: row.occurred_at,
    "amount": lambda row: (row.amount, row.currency),
    "balance": lambda row: row.balance_after,
    "currency": lambda row: row.currency,
}


async def _owned(session: TenantSession, viewer: Viewer) -> tuple[str, Owner]:
    me = await people.me(session, viewer)
    return CLIENT_WALLET, ("client", me.client.id)


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[LineRow]:
    owned = await _owned(session, viewer)
    found = await ledger_queries.balances(session, code=owned[0], owners=[owned[1][1]])
    wallets = [
        {
            "currency": one.currency,
            "available": Money(one.balance.available, one.currency),
            "held": Money(one.balance.held, one.currency) if one.balance.held else None,
            "href": state.address(currency=one.currency),
            "active": state.choices.get("currency") == one.currency,
        }
        for one in found
    ]
    window = await statements.page(session, state, owned=owned)
    total = await statements.count(session, state, owned=owned)
    context = {"wallets": wallets, "kind_of": entry_words.kind, "moved": _moved}
    return Found(window, total, context, most=COUNT_MAX)


def _moved(row: LineRow) -> Money:
    return Money(row.amount, row.currency)


async def _rows(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[LineRow]:
    return await statements.rows(session, state, limit=limit, owned=await _owned(session, viewer))


LISTING = Listing(
    table=TABLE,
    title=marked("Wallets"),
    template="trader/wallets.html",
    permission=SELF,
    find=_find,
    cells=_CELLS,
    heads={"occurred": (marked("Booked (UTC)"),), "amount": (marked("Amount"), marked("Currency"))},
    export=SELF,
    rows=_rows,
    rows_max=5000,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
