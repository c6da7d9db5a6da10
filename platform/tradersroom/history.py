"""Everything a client has paid in: searched, filtered, sorted, paged, and taken along as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from identity.listings.listing import Cells, Found, Listing
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext, marked
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.table import Column, State, Table
from tenants.inject import Outside
from tradersroom import documents, people
from treasury import deposit_pages, queries
from treasury.queries import DepositFilter, DepositRow

STATES = (
    ("pending", marked("Waiting"), ("created", "pending")),
    ("done", marked("Done"), ("settled", "credited")),
    ("held", marked("Being checked"), ("held",)),
    ("closed", marked("Failed or cancelled"), ("failed", "cancelled")),
)
TABLE = Table(
    name="deposits",
    path="/history",
    columns=(
        Column("reference", marked("Deposit"), sortable=True, pinned=True),
        Column("account", marked("To"), wide=True),
        Column("created", marked("Started"), "date", sortable=True, filtered=True, wide=True),
        Column("amount", marked("Amount"), "money", sortable=True, filtered=True, end=True),
        Column(
            "state",
            marked("State"),
            "choice",
            sortable=True,
            filtered=True,
            end=True,
            choices=tuple((name, label) for name, label, _ in STATES),
        ),
        Column("provider", marked("Method"), filtered=True, shown=False),
        Column("settled", marked("Received"), "date", filtered=True, shown=False),
    ),
    sort="-created",
)


def _money(row: DepositRow) -> Cells:
    money = (row.settled or row.amount).rounded()
    return money.amount, money.currency


def _word(row: DepositRow) -> str:
    return next(gettext(label) for _, label, states in STATES if row.state in states)


_CELLS: dict[str, Callable[[DepositRow], Cells]] = {
    "reference": lambda row: row.reference,
    "account": lambda row: str(row.account_login) if row.account_login else gettext("Wallet"),
    "created": lambda row: row.created_at,
    "amount": _money,
    "state": _word,
    "provider": lambda row: row.connection,
    "settled": lambda row: row.settled_at,
}


def _narrowed(state: State, client_id: UUID) -> DepositFilter:
    wanted = state.choices.get("state", "")
    states = next((states for name, _, states in STATES if name == wanted), ())
    return deposit_pages.narrowed(state, states=states, client_id=client_id)


async def _find(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, state: State
) -> Found[DepositRow]:
    me = await people.me(session, viewer)
    narrowed = _narrowed(state, me.client.id)
    groups = await queries.deposit_groups(session, narrowed=narrowed)
    offered = await documents.currencies(session, me.client)
    refused: InvalidInput | None = request.scope["state"].get("statement_refused")
    typed = dict(request.query_params.items()) if refused else {}
    return Found(
        await deposit_pages.page(session, state, wanted=narrowed),
        sum(group.count for group in groups),
        {
            "picks": [
                {
                    "name": "state",
                    "label": gettext("State"),
                    "options": [(name, gettext(label)) for name, label, _ in STATES],
                }
            ],
            "wallets": offered,
            "statement": documents.form(typed, offered, refused),
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
) -> list[DepositRow]:
    me = await people.me(session, viewer)
    return await queries.deposit_slice(
        session,
        narrowed=_narrowed(state, me.client.id),
        order=state.sorted_by,
        descending=state.descending,
        limit=limit,
    )


LISTING = Listing(
    table=TABLE,
    title=marked("History"),
    template="trader/history.html",
    permission=SELF,
    find=_find,
    cells=_CELLS,
    heads={
        "created": (marked("Started (UTC)"),),
        "amount": (marked("Amount"), marked("Currency")),
        "settled": (marked("Received (UTC)"),),
    },
    export=SELF,
    rows=_rows,
    rows_max=5000,
)


@get("/history/statement.pdf", permission=SELF)
async def statement(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Give a wallet's statement as PDF; what is wrong with the days is said beside them."""
    try:
        return await documents.statement(request, session, viewer, ports)
    except InvalidInput as error:
        request.scope["state"]["statement_refused"] = error
        answer = await LISTING.draw(request, session, viewer, TABLE.read({}))
        answer.status_code = error.status
        return answer


ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), statement]
