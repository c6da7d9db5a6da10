"""Transfers as finance sees them: a list with filters, each with its way, and who may send."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.listings.listing import Cells, Found, Listing, length_of, rows_of
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.money import Money
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, State, Table
from themes.formats import money_text, typed_amount
from treasury.transfers import queries, recipients
from treasury.transfers.models import KINDS, STATES
from treasury.transfers.queries import TransferRow

HERE = "/backoffice/transfers"
_READ, _CHANGE = "treasury.transfer.read", "treasury.transfer.change"
AnyRequest = Request[Any, Any, Any]


def words(name: str) -> str:
    """Return what a kind or state is called."""
    return name.replace("_", " ").capitalize()


TABLE = Table(
    name="transfers",
    path=HERE,
    columns=(
        Column("reference", "Transfer", sortable=True, pinned=True),
        Column("client", "Client", sortable=True),
        Column(
            "kind",
            "Kind",
            "choice",
            sortable=True,
            filtered=True,
            wide=True,
            choices=tuple((one, words(one)) for one in KINDS),
        ),
        Column("way", "From and to", wide=True),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((one, words(one)) for one in STATES),
        ),
        Column("amount", "Sent", "money", sortable=True, filtered=True, end=True),
        Column("arrived", "Arrived", "money", end=True, wide=True),
        Column("created", "Started", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("currency", "Currency", "choice", filtered=True, shown=False, pattern="[A-Z]{3,8}"),
        Column("reason", "Reason", shown=False),
    ),
    sort="-created",
)


def way(row: TransferRow) -> str:
    """Return where money comes from and goes to, in one line."""
    source = str(row.source_login) if row.source_login else "Wallet"
    target = str(row.target_login) if row.target_login else row.target_name or "Wallet"
    return f"{source} → {target}"


_CELLS: dict[str, Callable[[TransferRow], Cells]] = {
    "reference": lambda row: row.reference,
    "client": lambda row: (row.client_name, row.client_reference),
    "kind": lambda row: row.kind,
    "way": way,
    "state": lambda row: row.state,
    "amount": lambda row: (row.amount.rounded().amount, row.amount.currency),
    "arrived": lambda row: (row.arrived.rounded().amount, row.arrived.currency),
    "created": lambda row: row.created_at,
    "currency": lambda row: row.amount.currency,
    "reason": lambda row: row.reason,
}


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[TransferRow]:
    policy = await queries.policy(session)
    return Found(
        await queries.page(session, state),
        await queries.count(session, state),
        {
            "picks": [
                {"name": "state", "label": "State", "options": [(s, words(s)) for s in STATES]},
                {"name": "kind", "label": "Kind", "options": [(k, words(k)) for k in KINDS]},
            ],
            "way": way,
            "words": words,
            "policy": policy,
            "may_change": viewer.may(_CHANGE),
            "cap": money_text(Money(policy.day_max, session.info["tenant"].base_currency)),
        },
        most=COUNT_MAX,
    )


LISTING = Listing(
    table=TABLE,
    title="Transfers",
    template="backoffice/transfers.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={
        "client": ("Client", "Client number"),
        "amount": ("Sent", "Currency sent"),
        "arrived": ("Arrived", "Currency that arrived"),
        "created": ("Started (UTC)",),
    },
    export=_READ,
    rows=rows_of(queries.list_rows),
    count=length_of(queries.count),
)


@get(f"{HERE}/{{reference:str}}", permission=_READ)
async def show(request: AnyRequest, session: Session, reference: FromPath[str]) -> Response[Any]:
    """Show one transfer: every state it went through, both amounts and its rate."""
    row = await queries.row_of_reference(session, reference=reference[:16])
    if row is None:
        raise NotFound
    return await page(
        request,
        "backoffice/transfer.html",
        title=row.reference,
        active=HERE,
        row=row,
        way=way(row),
        words=words,
        trail=await queries.trail(session, transfer_id=row.id),
        quote=await queries.quote_of(session, row.id),
    )


@get(f"{HERE}/sending", permission=_CHANGE)
async def show_policy(request: AnyRequest, session: Session, tenant: Tenant) -> Response[Any]:
    """Show whether clients may send each other money, and how much."""
    policy = await queries.policy(session)
    values = {
        "between_clients": "yes" if policy.between_clients else "",
        "day_max": f"{policy.day_max.normalize():f}",
    }
    return await _policy(request, form_state(values), tenant.base_currency)


@post(f"{HERE}/sending", permission=_CHANGE, status_code=200)
async def set_policy(
    request: AnyRequest, session: Session, viewer: Seen, tenant: Tenant
) -> Response[Any]:
    """Let clients send each other money up to a cap, or not at all."""
    values = form_values(await request.form())
    cap = typed_amount(values.get("day_max", ""))
    try:
        await recipients.set_policy(
            session,
            between_clients=values.get("between_clients") == "yes",
            day_max=cap if cap is not None else Decimal(-1),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _policy(request, form, tenant.base_currency, status=422)
    return flash(request, see_other(HERE), "Saved. It counts for transfers from now.")


async def _policy(
    request: AnyRequest, form: dict[str, Any], base: str, *, status: int = 200
) -> Response[Any]:
    return await page(
        request,
        "backoffice/transfer_policy.html",
        title="Sending between clients",
        active=HERE,
        status=status,
        form=form,
        base=base,
    )


ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), show_policy, set_policy, show]
