"""Adjustments: a list, one with its steps, asking for one, write-offs and bonuses taken back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.listings.listing import Cells, Found, Listing, length_of, rows_of
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.ids import token
from kernel.money import Money, currencies
from kernel.slices import COUNT_MAX
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, State, Table
from themes.formats import money_text, typed_amount
from treasury.adjustments import adjustments, bonuses, queries, write_offs
from treasury.adjustments.models import KINDS, STATES, Adjustment
from treasury.adjustments.queries import AdjustmentRow
from treasury.transfers import queries as transfer_queries

HERE = "/backoffice/adjustments"
_READ, _ASK = "treasury.adjustment.read", "treasury.adjustment.request"
_APPROVE = "treasury.adjustment.approve"
AnyRequest = Request[Any, Any, Any]
_WORDS = {
    "goodwill": "Credit as goodwill",
    "correction_in": "Correction, in",
    "correction_out": "Correction, out",
    "fee": "Fee",
    "bonus": "Bonus",
    "bonus_off": "Bonus taken back",
    "write_off": "Negative balance written off",
    "waiting": "Waiting",
    "moving": "Under way",
    "crediting": "Last step",
}


def words(name: str) -> str:
    """Return what a kind or state is called."""
    return _WORDS.get(name, name.capitalize())


TABLE = Table(
    name="adjustments",
    path=HERE,
    columns=(
        Column("reference", "Adjustment", sortable=True, pinned=True),
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
        Column("place", "Where", wide=True),
        Column(
            "state",
            "State",
            "choice",
            sortable=True,
            filtered=True,
            choices=tuple((one, words(one)) for one in STATES),
        ),
        Column("amount", "Amount", "money", sortable=True, filtered=True, end=True),
        Column("created", "Asked", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("maker", "Asked by", filtered=True, shown=False),
        Column("reason", "Reason", filtered=True, shown=False),
        Column("outcome", "Outcome", shown=False),
    ),
    sort="-created",
)


def place(row: AdjustmentRow) -> str:
    """Return where the money is given or taken."""
    return str(row.login) if row.login else "Wallet"


_CELLS: dict[str, Callable[[AdjustmentRow], Cells]] = {
    "reference": lambda row: row.reference,
    "client": lambda row: (row.client_name, row.client_reference),
    "kind": lambda row: row.kind,
    "place": place,
    "state": lambda row: row.state,
    "amount": lambda row: (row.amount.rounded().amount, row.amount.currency),
    "created": lambda row: row.created_at,
    "maker": lambda row: row.created_by,
    "reason": lambda row: row.reason,
    "outcome": lambda row: row.outcome,
}


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[AdjustmentRow]:
    context = {
        "picks": [
            {"name": "state", "label": "State", "options": [(s, words(s)) for s in STATES]},
            {"name": "kind", "label": "Kind", "options": [(k, words(k)) for k in KINDS]},
        ],
        "words": words,
        "place": place,
        "may_ask": viewer.may(_ASK),
        "may_approve": viewer.may(_APPROVE),
        "limit": await _limit(session),
    }
    window = await queries.page(session, state)
    return Found(window, await queries.count(session, state), context, most=COUNT_MAX)


async def _limit(session: TenantSession) -> dict[str, str]:
    """Return what one person may adjust alone: in words, as typed, and its currency."""
    base = session.info["tenant"].base_currency
    found = await queries.alone_max(session)
    return {"text": money_text(Money(found, base)), "typed": f"{found:.2f}", "currency": base}


LISTING = Listing(
    table=TABLE,
    title="Adjustments",
    template="backoffice/adjustments.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={
        "client": ("Client", "Client number"),
        "amount": ("Amount", "Currency"),
        "created": ("Asked (UTC)",),
    },
    export=_READ,
    rows=rows_of(queries.list_rows),
    count=length_of(queries.count),
)


@get(f"{HERE}/new", permission=_ASK)
async def show_form(request: AnyRequest, session: Session, tenant: Tenant) -> Response[Any]:
    """Show the form; a client's page leads here with the client filled in."""
    values = {
        "client": request.query_params.get("client", "")[:40],
        "currency": tenant.base_currency,
        "key": token(12),
        "burns": "yes",
    }
    return await _form(request, session, form_state(values))


@post(f"{HERE}/new", permission=_ASK, status_code=200)
async def ask(request: AnyRequest, session: Session) -> Response[Any]:
    """Ask for an adjustment: up to the limit it is made at once."""
    values = form_values(await request.form())
    try:
        made = await adjustments.request(session, await _wish(session, values))
    except InvalidInput as error:
        fields = {"currency": "amount"}
        named = {fields.get(name, name): text for name, text in error.fields.items()}
        return await _form(request, session, form_state(values, named), status=422)
    except ProductError as error:
        request.scope["state"]["rollback"] = True
        form = form_state(values, message=error.text)
        return await _form(request, session, form, status=error.status)
    return _told(request, made)


@post(f"{HERE}/write-off", permission=_ASK, status_code=200)
async def write_off(request: AnyRequest, session: Session) -> Response[Any]:
    """Ask to bring an account that is below zero back to zero."""
    values = form_values(await request.form())
    login = values.get("login", "")
    number = int(login) if login.isdecimal() and len(login) < 19 else 0
    account = await queries.account_of_login(session, number)
    try:
        if account is None:
            raise InvalidInput({"login": "No account has this login."})
        if not values.get("why", "").strip():
            raise InvalidInput({"why": "Say why, for whoever agrees and for the trail."})
        made = await write_offs.request(
            session,
            key=values.get("key", "") or token(12),
            account_id=account.id,
            reason=values["why"],
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _form(request, session, form_state(_fresh()), off=form, status=422)
    except ProductError as error:
        request.scope["state"]["rollback"] = True
        form = form_state(values, message=error.text)
        return await _form(request, session, form_state(_fresh()), off=form, status=error.status)
    return _told(request, made)


@post(f"{HERE}/bonuses/{{bonus_id:uuid}}/cancel", permission=_ASK, status_code=200)
async def cancel_bonus(
    request: AnyRequest, session: Session, bonus_id: FromPath[UUID]
) -> Response[Any]:
    """Ask to take back what remains of a bonus."""
    values = form_values(await request.form())
    try:
        made = await bonuses.cancel(
            session,
            key=f"cancel:{bonus_id}:{values.get('key', '')}",
            bonus_id=bonus_id,
            reason=values.get("reason", ""),
        )
    except NotFound:
        raise
    except ProductError as error:
        request.scope["state"]["rollback"] = True
        return flash(request, see_other(f"{HERE}/{bonus_id}"), error.text, kind="negative")
    return _told(request, made)


@post(f"{HERE}/policy", permission=_APPROVE, status_code=200)
async def set_policy(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Set how much one person may adjust alone."""
    found = typed_amount(form_values(await request.form()).get("alone_max", ""))
    try:
        await adjustments.set_policy(session, alone_max=found if found is not None else Decimal(-1))
    except InvalidInput as error:
        return flash(request, see_other(HERE), error.fields["alone_max"], kind="negative")
    return flash(request, see_other(HERE), "Saved. It counts for what is asked from now.")


@get(f"{HERE}/{{adjustment_id:uuid}}", permission=_READ)
async def show(
    request: AnyRequest, session: Session, viewer: Seen, adjustment_id: FromPath[UUID]
) -> Response[Any]:
    """Show one adjustment: what was asked, by whom, and every step since."""
    row = await queries.row(session, adjustment_id)
    if row is None:
        raise NotFound
    return await page(
        request,
        "backoffice/adjustment.html",
        title=row.reference,
        active=HERE,
        row=row,
        words=words,
        place=place(row),
        trail=await queries.trail(session, adjustment_id=row.id),
        bonus=await queries.bonus(session, row.id),
        may_ask=viewer.may(_ASK),
        key=token(6),
    )


def _told(request: AnyRequest, made: Adjustment) -> Response[Any]:
    text = {
        "waiting": "Asked for. It waits for somebody else to agree.",
        "failed": f"Not made. {made.outcome}",
        "done": "Booked.",
    }.get(made.state, "The trading server is asked.")
    kind = "negative" if made.state == "failed" else "positive"
    return flash(request, see_other(f"{HERE}/{made.id}"), text, kind=kind)


async def _wish(session: TenantSession, values: dict[str, str]) -> adjustments.Wish:
    errors: dict[str, str] = {}
    client = await transfer_queries.client_like(session, values.get("client", ""))
    if client is None:
        errors["client"] = "No client has this e-mail address or number."
    amount = typed_amount(values.get("amount", ""))
    if amount is None:
        errors["amount"] = "Enter an amount such as 25.00."
    currency = values.get("currency", "")
    if currency not in currencies():
        errors["amount"] = "Choose a currency."
    account_id = None
    login = values.get("login", "")
    if login:
        number = int(login) if login.isdecimal() and len(login) < 19 else 0
        account = await queries.account_of_login(session, number)
        if account is None or client is None or account.client_id != client.id:
            errors["account"] = "The client has no account with this login."
        else:
            account_id = account.id
    if errors or client is None or amount is None:
        raise InvalidInput(errors)
    return adjustments.Wish(
        key=values.get("key", "") or token(12),
        client_id=client.id,
        kind=values.get("kind", ""),
        amount=Money(amount, currency),
        reason=values.get("reason", ""),
        account_id=account_id,
        burns=values.get("burns") == "yes",
    )


def _fresh() -> dict[str, str]:
    return {"key": token(12), "burns": "yes"}


async def _form(
    request: AnyRequest,
    session: TenantSession,
    form: dict[str, Any],
    *,
    off: dict[str, Any] | None = None,
    status: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "backoffice/adjustment_new.html",
        title="New adjustment",
        active=HERE,
        status=status,
        form=form,
        off=off or form_state({"key": token(12)}),
        kinds=[(kind, words(kind)) for kind in adjustments.ASKED],
        currencies=currencies(),
        negative=await queries.below_zero(session),
        limit=await _limit(session),
    )


ROUTES: list[HTTPRouteHandler] = [
    *LISTING.routes(),
    show_form,
    ask,
    write_off,
    cancel_bonus,
    set_policy,
    show,
]
