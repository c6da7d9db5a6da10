"""Deposits as finance sees them: a list with filters, and each with its whole way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.listings.listing import Found, Listing
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.money import Money
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, State, Table
from tenants.inject import Outside
from themes.formats import typed_amount
from treasury import deposit_pages, deposits, proofs, queries
from treasury.offers import queries as offer_queries
from treasury.queries import DepositFilter, DepositGroup, DepositRow

AnyRequest = Request[Any, Any, Any]
_READ = "treasury.deposit.read"
_EXPORT = "treasury.deposit.export"
_APPROVE = "treasury.deposit.approve"
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
        Column(
            "first",
            "First of the client",
            "choice",
            filtered=True,
            shown=False,
            choices=(("yes", "Yes"),),
        ),
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
    "first": lambda row: ("yes" if row.first else "",),
}
_HEADS = {
    "client": ("Client", "Client number"),
    "amount": ("Amount", "Amount currency"),
    "created": ("Created (UTC)",),
    "settled": ("Settled (UTC)",),
    "fee": ("Fee", "Fee currency"),
}


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[DepositRow]:
    narrowed = _narrowed(state, viewer.owner(_READ))
    groups = await _groups(session, viewer, state)
    currencies = sorted({group.currency for group in groups})
    context = {
        "tabs": _tabs(state, groups),
        "totals": _totals(state, groups),
        "picks": [
            {"name": "currency", "label": "Currency", "options": [(c, c) for c in currencies]},
            {"name": "first", "label": "First of the client", "options": [("yes", "Yes")]},
        ],
    }
    return Found(
        await deposit_pages.page(session, state, wanted=narrowed),
        _total(state, groups),
        context,
    )


async def _groups(session: TenantSession, viewer: Viewer, state: State) -> list[DepositGroup]:
    narrowed = _narrowed(state, viewer.owner(_READ), places=False)
    return await queries.deposit_groups(session, narrowed=narrowed)


def _total(state: State, groups: list[DepositGroup]) -> int:
    return sum(group.count for group in groups if _chosen(state, group))


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return _total(state, await _groups(session, viewer, state))


async def _rows(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[DepositRow]:
    owner_id = viewer.owner(_READ) or viewer.owner(permission)
    return await queries.deposit_slice(
        session,
        narrowed=_narrowed(state, owner_id),
        order=state.sorted_by,
        descending=state.descending,
        limit=limit,
    )


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


def _money(money: Money | None) -> tuple[export.Cell, ...]:
    return (money.rounded().amount, money.currency) if money else (None, None)


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
    return await _shown(request, session, viewer, row, form_state({}))


async def _shown(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    row: DepositRow,
    form: Mapping[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    known = row.settled is not None and row.settled.currency == row.amount.currency
    return await page(
        request,
        "backoffice/deposit.html",
        title=row.reference,
        active="/backoffice/deposits",
        status=status,
        row=row,
        trail=await queries.trail(session, deposit_id=row.id),
        events=await queries.events_of(session, reference=row.reference),
        attempts=await offer_queries.attempts_of(session, deposit_id=row.id),
        proofs=await offer_queries.proofs(session, deposit_id=row.id),
        form=form,
        amount_known=known,
        may_decide=row.state == "held" and viewer.may(_APPROVE),
        waits=row.state in ("created", "pending") and viewer.may(_APPROVE),
    )


@post("/backoffice/deposits/{deposit_id:uuid}/decide", permission=_APPROVE, status_code=200)
async def decide(
    request: AnyRequest, session: Session, viewer: Seen, deposit_id: FromPath[UUID]
) -> Response[Any]:
    """Credit what came of a held deposit, or close it; and say why."""
    row = await queries.deposit_row(session, deposit_id=deposit_id)
    if row is None:
        raise NotFound
    values = form_values(await request.form())
    amount = typed_amount(values.get("amount", ""))
    try:
        if values.get("amount") and amount is None:
            raise InvalidInput({"amount": "Write an amount such as 99.50."})
        if values.get("what") not in ("credit", "close"):
            raise InvalidInput({"what": "Choose what becomes of it."})
        await deposits.decide(
            session,
            deposit_id=deposit_id,
            credit=values["what"] == "credit",
            reason=values.get("reason", ""),
            amount=amount,
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _shown(request, session, viewer, row, form, status=422)
    return flash(request, see_other(f"/backoffice/deposits/{deposit_id}"), "Decided.")


@post("/backoffice/deposits/{deposit_id:uuid}/hold", permission=_APPROVE, status_code=200)
async def hold(request: AnyRequest, session: Session, deposit_id: FromPath[UUID]) -> Response[Any]:
    """Take a deposit out of its automatic way, as for a transfer whose proof was checked."""
    await deposits.hold(session, deposit_id=deposit_id, reason="Taken over by hand.")
    return flash(request, see_other(f"/backoffice/deposits/{deposit_id}"), "Decide about it below.")


@get("/backoffice/deposit-proofs/{proof_id:uuid}", permission=_APPROVE)
async def proof(session: Session, ports: Outside, proof_id: FromPath[UUID]) -> Response[bytes]:
    """Show what a payer sent to prove a transfer."""
    found = await offer_queries.proof(session, proof_id)
    if found is None:
        raise NotFound
    data = await proofs.opened(session, proof=found, store=ports.store, vault=ports.vault)
    return Response(
        data,
        media_type=found.media_type,
        headers={
            "content-disposition": "inline",
            "cache-control": "private, no-store",
            "content-security-policy": "sandbox; default-src 'none'; img-src 'self' data:",
        },
    )


def _narrowed(state: State, owner_id: UUID | None, *, places: bool = True) -> DepositFilter:
    """Return the filter; without `places` it leaves state and currency open, for the counts."""
    wanted = state.choices.get("state") if places else None
    return deposit_pages.narrowed(
        state,
        states=(wanted,) if wanted else (),
        currency=state.choices.get("currency", "") if places else "",
        owner_id=owner_id,
    )


LISTING = Listing(
    table=TABLE,
    title="Deposits",
    template="backoffice/deposits.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads=_HEADS,
    export=_EXPORT,
    rows=_rows,
    count=_count,
)
ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), deposit_page, decide, hold, proof]
