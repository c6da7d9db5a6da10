"""The list of trading accounts, with their money as the server last told it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.money import Money
from kernel.viewer import Viewer
from kernel.web.table import Column, State, Table
from trading import queries
from trading.models import ACCOUNT_STATES
from trading.queries import AccountRow

_READ = "trading.account.read"
_WORDS = {state: state.capitalize() for state in ACCOUNT_STATES}
TABLE = Table(
    name="accounts",
    path="/crm/accounts",
    columns=(
        Column("login", "Login", sortable=True, filtered=True, pinned=True),
        Column("client", "Client", sortable=True),
        Column(
            "group", "Group", "choice", sortable=True, filtered=True, wide=True, pattern=".{1,80}"
        ),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple(_WORDS.items()),
        ),
        Column("leverage", "Leverage", "number", sortable=True, filtered=True, end=True, wide=True),
        Column("balance", "Balance", "money", sortable=True, filtered=True, end=True),
        Column("equity", "Equity", "money", sortable=True, filtered=True, end=True, wide=True),
        Column("opened", "Opened", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("currency", "Currency", "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"),
        Column("credit", "Credit", "money", filtered=True, shown=False),
        Column("floating", "Floating result", "money", filtered=True, shown=False),
        Column("margin", "Margin", "money", filtered=True, shown=False),
        Column("free", "Free margin", "money", filtered=True, shown=False),
        Column("synced", "As of", "date", filtered=True, shown=False),
    ),
    sort="-opened",
)


def _money(row: AccountRow, amount: Decimal) -> Cells:
    money = Money(amount, row.account.currency).rounded()
    return money.amount, money.currency


_CELLS: dict[str, Callable[[AccountRow], Cells]] = {
    "login": lambda row: (
        row.account.reference,
        str(row.account.login) if row.account.login else None,
    ),
    "client": lambda row: (row.client_name, row.client_reference),
    "group": lambda row: row.account.group_name,
    "state": lambda row: row.account.state,
    "leverage": lambda row: row.account.leverage,
    "balance": lambda row: _money(row, row.account.balance),
    "equity": lambda row: _money(row, row.account.equity),
    "opened": lambda row: row.account.created_at,
    "currency": lambda row: row.account.currency,
    "credit": lambda row: _money(row, row.account.credit),
    "floating": lambda row: _money(row, row.account.floating),
    "margin": lambda row: _money(row, row.account.margin),
    "free": lambda row: _money(row, row.account.margin_free),
    "synced": lambda row: row.account.synced_at,
}
_HEADS = {
    "login": ("Account", "Login"),
    "client": ("Client", "Client number"),
    "opened": ("Opened (UTC)",),
    "synced": ("As of (UTC)",),
    **{
        name: (label, f"{label} currency")
        for name, label in (
            ("balance", "Balance"),
            ("equity", "Equity"),
            ("credit", "Credit"),
            ("floating", "Floating result"),
            ("margin", "Margin"),
            ("free", "Free margin"),
        )
    },
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[AccountRow]:
    owner_id = viewer.owner(_READ)
    facets = await queries.account_facets(session, state, owner_id=owner_id)
    picks = [
        {"name": name, "label": label, "options": [(one, one) for one in facets.values(name)]}
        for name, label in (("group", "Group"), ("currency", "Currency"))
    ]
    return Found(
        await queries.account_page(session, state, owner_id=owner_id),
        facets.total(state),
        {
            "tabs": facets.tabs(state, "state", _WORDS, hot=("unknown", "failed")),
            "picks": picks,
            "may_see_client": viewer.may("clients.client.read"),
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
) -> list[AccountRow]:
    owner_id = viewer.owner(_READ) or viewer.owner(permission)
    return await queries.account_rows(session, state, owner_id=owner_id, limit=limit)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    found = await queries.account_facets(session, state, owner_id=viewer.owner(_READ))
    return found.total(state)


LISTING = Listing(
    table=TABLE,
    title="Trading accounts",
    template="crm/accounts.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads=_HEADS,
    export="trading.account.export",
    rows=_rows,
    count=_count,
)
ROUTES: list[HTTPRouteHandler] = LISTING.routes()
