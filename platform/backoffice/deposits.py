"""Deposits as finance sees them: a list with filters, and each with its whole way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import lists
from identity import queries as identity_queries
from identity.models import SavedView
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.money import Money
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.inject import Seen, Session
from kernel.web.pages import page, see_other
from kernel.web.table import Column, Key, State, Table, Window, read_cursor, window
from treasury import queries
from treasury.queries import DepositFilter, DepositGroup, DepositRow

_READ = "treasury.deposit.read"
_EXPORT = "treasury.deposit.export"
_STATES = ("created", "pending", "settled", "credited", "held", "failed", "cancelled")
_PAGE = 50
TABLE = Table(
    name="deposits",
    path="/backoffice/deposits",
    columns=(
        Column("reference", "Deposit", sortable=True, pinned=True),
        Column("client", "Client", sortable=True),
        Column("account", "Account", wide=True),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((state, state.capitalize()) for state in _STATES),
        ),
        Column("provider", "Provider", sortable=True, filtered=True, wide=True),
        Column("amount", "Amount", "money", sortable=True, filtered=True, end=True),
        Column("created", "Created", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("currency", "Currency", "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"),
        Column("settled", "Settled", "date", filtered=True, shown=False),
        Column("fee", "Fee", "money", shown=False),
        Column("payment", "Provider's reference", filtered=True, shown=False),
        Column("reason", "Reason", shown=False),
    ),
    sort="-created",
)
# What an export writes for a column: its heads and its cells; an amount has two of each.
_CELLS: dict[str, Callable[[DepositRow], tuple[export.Cell, ...]]] = {
    "reference": lambda row: (row.reference,),
    "client": lambda row: (row.client_name, row.client_reference),
    "account": lambda row: (str(row.account_login) if row.account_login else "Wallet",),
    "state": lambda row: (row.state,),
    "provider": lambda row: (row.connection,),
    "amount": lambda row: _money(row.settled or row.amount),
    "created": lambda row: (row.created_at,),
    "currency": lambda row: (row.amount.currency,),
    "settled": lambda row: (row.settled_at,),
    "fee": lambda row: _money(row.fee),
    "payment": lambda row: (row.provider_reference,),
    "reason": lambda row: (row.reason,),
}
_HEADS = {
    "client": ("Client", "Client number"),
    "amount": ("Amount", "Amount currency"),
    "created": ("Created (UTC)",),
    "settled": ("Settled (UTC)",),
    "fee": ("Fee", "Fee currency"),
}


@get("/backoffice/deposits", permission=_READ)
async def deposit_list(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """List deposits within the viewer's scope, 50 a page."""
    state = TABLE.read(request.query_params)
    if "col" in request.query_params:
        # The form of columns sends each by itself; an address names them once.
        chosen = ",".join(request.query_params.getall("col"))
        return see_other(TABLE.read({**state.query, "cols": chosen}).address())
    return await _page(request, session, viewer, state)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    form: dict[str, Any] | None = None,
    opened: str = "",
) -> Response[str]:
    narrowed = _narrowed(state, _owner(viewer, _READ))
    groups = await queries.deposit_groups(
        session, narrowed=_narrowed(state, narrowed.owner_id, places=False)
    )
    found = await _window(session, state, narrowed)
    offered = await identity_queries.saved_views(session, list_name=TABLE.name, viewer_id=viewer.id)
    total = sum(group.count for group in groups if _chosen(state, group))
    currencies = sorted({group.currency for group in groups})
    return await page(
        request,
        "backoffice/deposits.html",
        title="Deposits",
        active="/backoffice/deposits",
        status=422 if form else 200,
        state=state,
        rows=found.rows,
        paging=found.paging(state, total),
        tabs=_tabs(state, groups),
        totals=_totals(state, groups),
        picks=[
            {"name": "currency", "label": "Currency", "options": [(c, c) for c in currencies]},
        ],
        views=[_offered(view, viewer) for view in offered],
        form=form,
        open=state.opened(opened or request.query_params.get("panel", "")),
        export={"count": total, "most": export.ROWS_MAX} if viewer.may(_EXPORT) else None,
        extra=_extra(state),
    )


def _offered(view: SavedView, viewer: Viewer) -> dict[str, Any]:
    own = view.owner_id == viewer.id
    kept = {"id": view.id, "name": view.name, "query": view.query}
    return {**kept, "shared": view.shared, "own": own}


async def _window(
    session: TenantSession, state: State, narrowed: DepositFilter
) -> Window[DepositRow]:
    kind = TABLE.column(state.sorted_by).kind
    at = read_cursor(state.after or state.before, "text" if kind == "choice" else kind)
    backwards = at is not None and not state.after
    rows = await queries.deposit_slice(
        session,
        narrowed=narrowed,
        order=state.sorted_by,
        descending=state.descending is not backwards,
        after=(at.value, at.id) if at else None,
        limit=_PAGE + 1,
    )
    key = _KEYS[state.sorted_by]
    return window(
        rows,
        size=_PAGE,
        key=lambda row: (key(row), row.id),
        backwards=backwards,
        position=at.position if at else 0,
    )


_KEYS: dict[str, Callable[[DepositRow], Key]] = {
    "created": lambda row: row.created_at,
    "reference": lambda row: row.reference,
    "client": lambda row: row.client_name,
    "state": lambda row: row.state,
    "provider": lambda row: row.connection,
    "amount": lambda row: (row.settled or row.amount).amount,
}


def _chosen(state: State, group: DepositGroup) -> bool:
    """Say whether a group is in the list: state and currency are counted without their filter."""
    wanted = state.choices.get("state", group.state)
    return wanted == group.state and _of_currency(state, group)


def _of_currency(state: State, group: DepositGroup) -> bool:
    return state.choices.get("currency", group.currency) == group.currency


def _tabs(state: State, groups: list[DepositGroup]) -> list[dict[str, Any]]:
    current = state.choices.get("state", "")
    counts: dict[str, int] = {}
    for group in groups:
        if _of_currency(state, group):
            counts[group.state] = counts.get(group.state, 0) + group.count
    tabs: list[dict[str, Any]] = [
        {"label": "All", "href": state.address(state=None), "active": not current}
    ]
    tabs += [
        {
            "label": one.capitalize(),
            "href": state.address(state=one),
            "count": counts.get(one, 0),
            "active": current == one,
            "hot": one == "held",
        }
        for one in _STATES
        if counts.get(one) or current == one
    ]
    return tabs


def _totals(state: State, groups: list[DepositGroup]) -> list[dict[str, Any]]:
    """Add up by currency what was settled of the list."""
    totals: dict[str, dict[str, Any]] = {}
    for group in groups:
        if group.state in ("settled", "credited") and _chosen(state, group):
            total = totals.setdefault(
                group.currency, {"currency": group.currency, "amount": Decimal(0), "count": 0}
            )
            total["amount"] += group.amount
            total["count"] += group.count
    return [totals[currency] for currency in sorted(totals)]


def _extra(state: State) -> Callable[[DepositRow], list[str]] | None:
    """Return what writes the cells of columns that the list does not have at first."""
    cells = [_CELLS[column.name] for column in state.extras]
    return (lambda row: [_text(cell(row)) for cell in cells]) if cells else None


def _text(cells: tuple[export.Cell, ...]) -> str:
    shown = [
        cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if isinstance(cell, datetime) else str(cell)
        for cell in cells
        if cell not in (None, "")
    ]
    return " ".join(shown) or "–"


def _money(money: Money | None) -> tuple[export.Cell, ...]:
    return (money.rounded().amount, money.currency) if money else (None, None)


@post("/backoffice/deposits/views", permission=_READ, status_code=200)
async def save_view(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Keep the list as it is under a name."""
    return await lists.save_view(request, session, viewer, TABLE, draw=_page)


@post("/backoffice/deposits/views/{view_id:uuid}/delete", permission=_READ, status_code=200)
async def delete_view(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, view_id: FromPath[UUID]
) -> Response[Any]:
    """Forget one of the viewer's own views."""
    return await lists.delete_view(request, session, viewer, TABLE, view_id)


@post("/backoffice/deposits/export", permission=_EXPORT, status_code=200)
async def export_deposits(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Give the whole list as it is filtered, sorted and cut to columns, with a reason."""
    owner_id = _owner(viewer, _READ) or _owner(viewer, _EXPORT)

    async def read(state: State, most: int) -> list[DepositRow]:
        return await queries.deposit_slice(
            session,
            narrowed=_narrowed(state, owner_id),
            order=state.sorted_by,
            descending=state.descending,
            limit=most,
        )

    return await lists.export_rows(
        request,
        session,
        viewer,
        TABLE,
        draw=_page,
        permission=_EXPORT,
        read=read,
        write=_written,
    )


def _written(state: State, rows: Sequence[DepositRow]) -> tuple[list[str], list[list[export.Cell]]]:
    heads = [head for name in state.shown for head in _HEADS.get(name, (TABLE.column(name).label,))]
    cells = [[cell for name in state.shown for cell in _CELLS[name](row)] for row in rows]
    return heads, cells


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


def _owner(viewer: Viewer, permission: str) -> UUID | None:
    """Return whose clients' deposits alone may be listed, or None for everybody's."""
    return viewer.id if viewer.scope(permission) == "own" else None


def _narrowed(state: State, owner_id: UUID | None, *, places: bool = True) -> DepositFilter:
    """Return the filter; without `places` it leaves state and currency open, for the counts."""
    amounts = state.ranges.get("amount", (None, None))
    created = state.ranges.get("created", (None, None))
    settled = state.ranges.get("settled", (None, None))
    wanted = state.choices.get("state") if places else None
    return DepositFilter(
        search=state.search,
        states=(wanted,) if wanted else (),
        currency=state.choices.get("currency", "") if places else "",
        owner_id=owner_id,
        since=_midnight(created[0]),
        until=_midnight(created[1], 1),
        settled_since=_midnight(settled[0]),
        settled_until=_midnight(settled[1], 1),
        smallest=amounts[0] if isinstance(amounts[0], Decimal) else None,
        largest=amounts[1] if isinstance(amounts[1], Decimal) else None,
        connection=state.texts.get("provider", ""),
        provider_reference=state.texts.get("payment", ""),
    )


def _midnight(day: object, days: int = 0) -> datetime | None:
    """Return the start of a day, or of one some days later, in UTC."""
    if not isinstance(day, date):
        return None
    return datetime.combine(day + timedelta(days=days), time(), UTC)


ROUTES: list[HTTPRouteHandler] = [
    *(deposit_list, save_view, delete_view, export_deposits),
    deposit_page,
]
