"""Accounts of the book, each with its owner and balance, and the statement of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from backoffice.book import queries
from backoffice.book.queries import NAMES, AccountRow
from backoffice.book.trial import HERE
from identity.listings.listing import Cells, Found, Listing, rows_of
from kernel.database import TenantSession
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.cursors import Window
from kernel.web.table import UUIDS, Column, State, Table
from ledger.chart import ACCOUNTS
from ledger.statements import queries as statements
from ledger.statements.queries import LineRow

_READ, _EXPORT = "ledger.entry.read", "ledger.entry.export"
_CODES = tuple((account.code, account.name) for account in ACCOUNTS)
_KINDS = tuple(sorted({account.owner_kind for account in ACCOUNTS}))
TABLE = Table(
    name="book_accounts",
    path=f"{HERE}/accounts",
    columns=(
        Column("owner", "Whose", sortable=True, pinned=True),
        Column("account", "Account", "choice", sortable=True, filtered=True, choices=_CODES),
        Column(
            "currency", "Currency", "choice", sortable=True, filtered=True, pattern="[A-Z]{3,8}"
        ),
        Column("balance", "Balance", "money", sortable=True, filtered=True, end=True),
        Column("held", "Held", "money", sortable=True, filtered=True, end=True, wide=True),
        Column("available", "Available", "money", end=True, wide=True),
        Column(
            "kind",
            "Kind of owner",
            "choice",
            filtered=True,
            shown=False,
            choices=tuple((kind, kind.capitalize()) for kind in _KINDS),
        ),
        Column(
            "open", "With money", "choice", filtered=True, shown=False, choices=(("yes", "Yes"),)
        ),
    ),
    sort="account",
)
_CELLS: dict[str, Callable[[AccountRow], Cells]] = {
    "owner": lambda row: (row.owner, row.owner_kind, row.owner_id),
    "account": lambda row: (row.name, row.code),
    "currency": lambda row: row.currency,
    "balance": lambda row: row.amount,
    "held": lambda row: row.held,
    "available": lambda row: row.available,
    "kind": lambda row: row.owner_kind,
    "open": lambda row: "yes" if row.amount or row.held else "",
}


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[AccountRow]:
    facets = await queries.account_facets(session, state)
    present = set(facets.values("account"))
    codes = [(code, name) for code, name in _CODES if code in present]
    currencies = [(one, one) for one in facets.values("currency")]
    context = {
        "picks": [
            {"name": "account", "label": "Account", "options": codes},
            {"name": "currency", "label": "Currency", "options": currencies},
            {"name": "open", "label": "With money", "options": [("yes", "Yes")]},
        ]
    }
    return Found(await queries.account_page(session, state), facets.total(state), context)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return (await queries.account_facets(session, state)).total(state)


ACCOUNTS_LISTING = Listing(
    table=TABLE,
    title="Accounts of the book",
    template="backoffice/book_accounts.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={
        "owner": ("Whose", "Kind of owner", "Id of the owner"),
        "account": ("Account", "Code"),
    },
    export=_EXPORT,
    rows=rows_of(queries.account_rows),
    count=_count,
    active=HERE,
)

STATEMENT = Table(
    name="book_statement",
    path=f"{HERE}/statement",
    columns=(
        Column("number", "No.", "number", sortable=True, filtered=True, pinned=True),
        Column("occurred", "Counts from", "date", sortable=True, filtered=True),
        Column("kind", "Kind", filtered=True, wide=True),
        Column("reference", "Reference", filtered=True, wide=True),
        Column("amount", "Amount", "money", sortable=True, filtered=True, end=True),
        Column("balance", "Balance after", "money", end=True),
        Column("account", "Account", "choice", filtered=True, shown=False, pattern=UUIDS),
        Column("entry", "Id of the entry", shown=False),
    ),
    sort="-number",
)
_LINE_CELLS: dict[str, Callable[[LineRow], Cells]] = {
    "number": lambda row: row.number,
    "occurred": lambda row: row.occurred_at,
    "kind": lambda row: row.kind,
    "reference": lambda row: row.reference,
    "amount": lambda row: (row.amount, row.currency),
    "balance": lambda row: row.balance_after,
    "account": lambda _: "",
    "entry": lambda row: str(row.entry_id),
}


def _account_of(state: State) -> UUID | None:
    chosen = state.choices.get("account")
    return UUID(chosen) if chosen else None


async def _find_lines(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[LineRow]:
    account_id = _account_of(state)
    account = await queries.account(session, account_id) if account_id else None
    if account is None:
        return Found(Window([], 0, None, None), 0, {"account": None})
    window = await statements.page(session, state)
    count = await statements.count(session, state)
    return Found(window, count, {"account": account, "names": NAMES}, most=COUNT_MAX)


async def _line_rows(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[LineRow]:
    return await statements.rows(session, state, limit=limit) if _account_of(state) else []


STATEMENT_LISTING = Listing(
    table=STATEMENT,
    title="Statement",
    template="backoffice/book_statement.html",
    permission=_READ,
    find=_find_lines,
    cells=_LINE_CELLS,
    heads={
        "occurred": ("Counts from (UTC)",),
        "amount": ("Amount", "Currency"),
    },
    export=_EXPORT,
    rows=_line_rows,
    active=HERE,
)
ROUTES: list[HTTPRouteHandler] = [*ACCOUNTS_LISTING.routes(), *STATEMENT_LISTING.routes()]
