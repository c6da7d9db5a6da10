"""Withdrawals as finance sees them: the list, and each with its facts, chain, parts and payouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from approvals import queries as approval_queries
from backoffice import approval_screens
from clients import queries as client_queries
from identity.listings.listing import Cells, Found, Listing
from identity.shell.counters import Counter
from identity.shell.queries import the_viewer
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, State, Table
from treasury.withdrawals import decisions, payouts, queries, requests, rules, wires
from treasury.withdrawals.models import Withdrawal
from treasury.withdrawals.queries import WithdrawalRow

AnyRequest = Request[Any, Any, Any]
_READ = "treasury.withdrawal.read"
_CHANGE = "treasury.withdrawal.change"
_HERE = "/backoffice/withdrawals"
_STATES = {
    "requested": "Waiting",
    "held": "Held",
    "approved": "Approved",
    "debiting": "Being debited",
    "paying": "Being paid",
    "paid": "Paid",
    "rejected": "Rejected",
    "cancelled": "Cancelled",
    "failed": "Failed",
}
FLAGS = {
    "new_payee": "Payee was never paid before",
    "payee_added_today": "Payee was saved within a day",
    "paid_in_other_currency": "Deposits in another currency could not be returned",
    "method_gone": "A method paid in by can't be returned to",
    "no_rate": "No rate into the base currency",
}
_WAYS = {"refund": "Refund", "payout": "Payout", "manual": "By hand"}
TABLE = Table(
    name="withdrawals",
    path=_HERE,
    columns=(
        Column("reference", "Withdrawal", sortable=True, pinned=True),
        Column("client", "Client", sortable=True, wide=True),
        Column("source", "From", "choice", filtered=True, wide=True,
               choices=(("wallet", "Wallet"), ("account", "Trading account"))),
        Column("state", "State", "choice", sortable=True, filtered=True,
               choices=tuple(_STATES.items())),
        Column("flagged", "Flags", "choice", filtered=True, wide=True,
               choices=(("yes", "Flagged"), ("no", "Not flagged"))),
        Column("amount", "Amount", "money", sortable=True, filtered=True, end=True),
        Column("promised", "Promised", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("created", "Asked for", "date", sortable=True, filtered=True, shown=False),
        Column("closed", "Closed", "date", filtered=True, shown=False),
        Column("currency", "Currency", "choice", filtered=True, shown=False,
               pattern="[A-Z]{3,8}"),
        Column("reason", "Reason", shown=False),
    ),
    sort="-created",
)  # fmt: skip
_CELLS: dict[str, Callable[[WithdrawalRow], Cells]] = {
    "reference": lambda row: row.withdrawal.reference,
    "client": lambda row: (row.client_name, row.client_reference),
    "source": lambda row: str(row.account_login) if row.account_login else "Wallet",
    "state": lambda row: row.withdrawal.state,
    "flagged": lambda row: ", ".join(row.withdrawal.flags),
    "amount": lambda row: (row.withdrawal.money.rounded().amount, row.withdrawal.currency),
    "promised": lambda row: row.withdrawal.promised_at,
    "created": lambda row: row.withdrawal.created_at,
    "closed": lambda row: row.withdrawal.closed_at,
    "currency": lambda row: row.withdrawal.currency,
    "reason": lambda row: row.withdrawal.reason,
}


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[WithdrawalRow]:
    owner_id = viewer.owner(_READ)
    facets = await queries.facets(session, state, owner_id=owner_id)
    currencies = [(code, code) for code in facets.values("currency")]
    context = {
        "tabs": facets.tabs(state, "state", _STATES, hot=("requested", "held")),
        "picks": [{"name": "currency", "label": "Currency", "options": currencies}],
        "words": _STATES,
        "flags": FLAGS,
        "moment": now(),
        "open_states": rules.PENDING_STATES,
    }
    return Found(
        await queries.page(session, state, owner_id=owner_id), facets.total(state), context
    )


async def _rows(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[WithdrawalRow]:
    owner_id = viewer.owner(_READ) or viewer.owner(permission)
    return await queries.rows(session, state, owner_id=owner_id, limit=limit)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    facets = await queries.facets(session, state, owner_id=viewer.owner(_READ))
    return facets.total(state)


@get("/backoffice/withdrawals/{withdrawal_id:uuid}", permission=_READ)
async def show(
    request: AnyRequest, session: Session, viewer: Seen, withdrawal_id: FromPath[UUID]
) -> Response[Any]:
    """Show one withdrawal: what is asked, the facts beside it, its chain, and every payout."""
    return await _page(request, session, viewer, withdrawal_id, form_state())


@post("/backoffice/withdrawals/{withdrawal_id:uuid}/state", permission=_CHANGE, status_code=200)
async def change_state(
    request: AnyRequest, session: Session, viewer: Seen, withdrawal_id: FromPath[UUID]
) -> Response[Any]:
    """Hold it, let it go on, or reject it, with a reason."""
    values = form_values(await request.form())
    verbs = {"hold": decisions.hold, "resume": decisions.resume, "reject": decisions.reject}
    verb = values.get("verb", "")
    if verb not in verbs or await _row(session, viewer, withdrawal_id) is None:
        raise NotFound
    try:
        made = await verbs[verb](
            session, withdrawal_id=withdrawal_id, reason=values.get("reason", "")
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, viewer, withdrawal_id, form, status=422)
    except decisions.WithdrawalMovedOn as error:
        return await _refused(request, session, viewer, withdrawal_id, error)
    here = see_other(f"{_HERE}/{withdrawal_id}")
    return flash(request, here, f"{made.reference}: {_STATES[made.state].lower()}.")


@post(
    "/backoffice/withdrawals/{withdrawal_id:uuid}/parts/{part_id:uuid}",
    permission=_CHANGE,
    status_code=200,
)
async def report(
    request: AnyRequest,
    session: Session,
    viewer: Seen,
    withdrawal_id: FromPath[UUID],
    part_id: FromPath[UUID],
) -> Response[Any]:
    """Say what became of a part that people pay or look up; somebody else confirms it."""
    values = form_values(await request.form())
    part = await queries.part(session, part_id)
    row = await _row(session, viewer, withdrawal_id)
    if row is None or part is None or part.withdrawal_id != withdrawal_id:
        raise NotFound
    try:
        await wires.report(
            session,
            part_id=part_id,
            outcome=values.get("outcome", ""),
            reference=values.get("reference", ""),
            reason=values.get("why", ""),
        )
    except InvalidInput as error:
        fields = {"why" if name == "reason" else name: text for name, text in error.fields.items()}
        form = form_state({**values, "part": str(part_id)}, fields)
        return await _page(request, session, viewer, withdrawal_id, form, status=422)
    except decisions.WithdrawalMovedOn as error:
        return await _refused(request, session, viewer, withdrawal_id, error)
    here = see_other(f"{_HERE}/{withdrawal_id}")
    return flash(request, here, "Written down. Somebody else has to confirm it.")


async def _page(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    withdrawal_id: UUID,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    row = await _row(session, viewer, withdrawal_id)
    if row is None:
        raise NotFound
    found = row.withdrawal
    client = await client_queries.client(session, found.client_id)
    assert client is not None
    parts = await queries.parts(session, found.id)
    since = now() - rules.SOURCE_WINDOW
    return await page(
        request,
        "backoffice/treasury/withdrawal.html",
        title=found.reference,
        active=_HERE,
        status=status,
        row=row,
        withdrawal=found,
        client=client,
        words=_STATES,
        ways=_WAYS,
        flags=[FLAGS.get(flag, flag) for flag in found.flags],
        late=found.promised_at < now() and found.state in rules.PENDING_STATES,
        parts=parts,
        decidable={part.id for part in parts if payouts.is_decidable(found, part)},
        methods=await queries.by_method(session, found.client_id, since=since),
        restrictions=await client_queries.restrictions(session, found.client_id),
        approvals=await _approvals(request, session, viewer, found),
        trail=await queries.trail(session, found.id),
        steps=await queries.steps(session, found.id),
        may_change=viewer.may(_CHANGE),
        form=form,
    )


async def _approvals(
    request: AnyRequest, session: TenantSession, viewer: Viewer, found: Withdrawal
) -> list[dict[str, Any]]:
    """Return the newest request about it and those about its parts, each with its chain."""
    asked = list(
        await approval_queries.of_subject(session, requests.KIND, (requests.KIND, found.id))
    )[:1]
    for part in await queries.parts(session, found.id):
        asked += await approval_queries.of_subject(session, wires.KIND, (wires.SUBJECT, part.id))
    shown = []
    for one in asked:
        given = await approval_queries.decisions(session, one.id)
        shown.append(
            {
                "asked": one,
                "chain": approval_screens.chain(request.app.state.permissions, one, given),
                "mine": not await approval_screens.blocked(session, viewer, one),
            }
        )
    return shown


async def _row(session: TenantSession, viewer: Viewer, withdrawal_id: UUID) -> WithdrawalRow | None:
    return await queries.row(session, withdrawal_id, owner_id=viewer.owner(_READ))


async def _refused(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    withdrawal_id: UUID,
    error: ProductError,
) -> Response[Any]:
    form = form_state(message=error.text)
    return await _page(request, session, viewer, withdrawal_id, form, status=error.status)


LISTING = Listing(
    table=TABLE,
    title="Withdrawals",
    template="backoffice/treasury/withdrawals.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={
        "client": ("Client", "Client number"),
        "amount": ("Amount", "Amount currency"),
        "promised": ("Promised (UTC)",),
        "created": ("Asked for (UTC)",),
        "closed": ("Closed (UTC)",),
    },
    export="treasury.withdrawal.export",
    rows=_rows,
    count=_count,
)
COUNTER = Counter(
    _HERE,
    _CHANGE,
    lambda own: queries.waiting(own=own, viewer_id=the_viewer()),
    scoped=_READ,
)
ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), show, change_state, report]
