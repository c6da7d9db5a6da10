"""Paying in: choose where to, how and how much; then follow the money to its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients.models import Client
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import ReadSession, TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.language import gettext, marked
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import away, flash, form_state, form_values, page, see_other
from tenants.inject import Outside
from tenants.ports import Ports
from themes.formats import number_text, typed_amount
from tradersroom import deposit_forms, deposit_steps, people
from tradersroom.deposit_forms import WALLET
from trading import queries as trading_queries
from treasury import deposits, proofs, queries, words
from treasury.connections import Reach
from treasury.deposits import PaymentUncertain, Place, ProviderRefused, ProviderUnavailable
from treasury.models import Deposit
from treasury.offers import ways
from treasury.queries import DepositRow

_QUICK = ("100", "250", "500", "1000")
_OPEN = ("created", "pending")
# A page that waits longer than this asks no more by itself.
_WATCHED = timedelta(minutes=30)
# Each payment under way holds two connections of the pool, the request's and its own; more at
# once than half of the pool could wait for each other.
_AT_ONCE = 5
_under_way = 0


class TooManyPayments(ProductError):
    """Many people start a payment in this process right now."""

    code = "too_many_payments"
    status = 503
    message = marked(
        "Many people are paying in right now. Nothing was charged; try again in a moment."
    )


@dataclass(frozen=True, slots=True)
class Order:
    """What the form asks for."""

    account_id: UUID | None
    title: str
    amount: Money


@get("/deposit", permission=SELF)
async def show_form(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show where to, how much and how, with fee and arrival of each way."""
    values = {"target": request.query_params.get("account", "")}
    return await _form(request, session, tenant, viewer, form_state(values))


@post("/deposit", permission=SELF, status_code=200)
async def start(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Write the deposit down, create the payment and send the client to the provider.

    The deposit is committed in a transaction of its own before the provider is called, so that
    no payment is ever without its deposit; the request's own transaction only reads.
    """
    me = await people.me(session, viewer)
    values = form_values(await request.form())
    try:
        me.require_verified()
        order = _order(values)
        with _slot():
            deposit = await _started(session, ports, viewer=viewer, client=me.client, order=order)
            if deposit.charge.amount > 0:
                # The fee in the very currency is seen before anything is paid.
                return see_other(f"/deposit/{deposit.reference}?sum=1")
            return await _to_provider(request, tenant, ports, deposit)
    except NotFound:
        raise
    except InvalidInput as error:
        form = form_state(values, _shown(error.fields))
        return await _form(request, session, tenant, viewer, form, status=422)
    except ProductError as error:
        form = form_state(values, message=error.text)
        return await _form(request, session, tenant, viewer, form, status=error.status)


@post("/deposit/{reference:str}/pay", permission=SELF, status_code=200)
async def pay(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
    reference: FromPath[str],
) -> Response[Any]:
    """Send the client to the provider again, for the same payment."""
    me = await people.me(session, viewer)
    deposit = await _own(session, me.client, reference)
    with _slot():
        return await _to_provider(request, tenant, ports, deposit)


@get("/deposit/{reference:str}", permission=SELF)
async def status(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, reference: FromPath[str]
) -> Response[Any]:
    """Show how far a deposit is; the page asks again by itself while it is under way."""
    me = await people.me(session, viewer)
    deposit = await _own(session, me.client, reference)
    row = await queries.deposit_row(session, deposit_id=deposit.id)
    assert row is not None
    asked = request.query_params
    returned = "cancelled" not in asked and "sum" not in asked
    step = words.step_of(deposit.step) if "step" in request.query_params else None
    if step is not None and step.kind == "form_post" and deposit.state in _OPEN:
        return await deposit_steps.post_page(request, deposit, step)
    moving = row.state in _OPEN or (row.state == "settled" and row.account_id is not None)
    return await page(
        request,
        "trader/deposit_status.html",
        title=gettext("Deposit %s") % row.reference,
        active="/deposit",
        row=row,
        heading=_heading(row),
        stops=tracker(row),
        refresh=moving and returned and now() - row.created_at < _WATCHED,
        payable=row.state in _OPEN,
        before="sum" in asked,
        form=form_state({}),
        **await deposit_steps.of(session, deposit),
    )


@post("/deposit/{reference:str}/proof", permission=SELF, status_code=200)
async def prove(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    reference: FromPath[str],
) -> Response[Any]:
    """Take the picture or PDF that shows a transfer made by hand."""
    me = await people.me(session, viewer)
    deposit = await _own(session, me.client, reference)
    upload = (await request.form()).get("file")
    data, name = b"", ""
    if isinstance(upload, UploadFile):
        data, name = await upload.read(proofs.BYTES_MAX + 1), upload.filename or ""
    here = see_other(f"/deposit/{deposit.reference}")
    try:
        await proofs.add(
            session,
            deposit_id=deposit.id,
            data=data,
            name=name,
            store=ports.store,
            vault=ports.vault,
        )
    except InvalidInput as error:
        return flash(request, here, error.fields["file"], kind="negative")
    return flash(request, here, gettext("Received. We match it with our bank's statement."))


def tracker(row: DepositRow) -> list[dict[str, Any]]:
    """Return the stops of a deposit's way, with the times they were reached."""
    closed = row.state in ("failed", "cancelled")
    settled = row.settled_at is not None
    payment: dict[str, Any] = {"state": "now", "label": gettext("Payment by %s") % row.connection}
    if settled:
        payment |= {
            "state": "ok",
            "time": row.settled_at,
            "line": gettext("Confirmed by the provider"),
        }
    elif row.state == "held":
        payment |= {
            "state": "attention",
            "line": gettext("A person looks at it. You need to do nothing."),
        }
    elif closed:
        late = row.state == "cancelled"
        line = (
            gettext("Not paid in time. Nothing was charged.")
            if late
            else gettext("The payment failed. Nothing was charged.")
        )
        payment |= {"state": "bad", "line": line}
    else:
        payment |= {"line": gettext("We wait for the provider's confirmation")}
    stops = [{"state": "ok", "label": gettext("Deposit started"), "time": row.created_at}, payment]
    stops.append({"state": "ok" if settled else "todo", "label": gettext("In your wallet")})
    if settled:
        stops[-1]["time"] = row.settled_at
    if row.account_id is not None:
        label = gettext("On account %s") % row.account_login
        state = "ok" if row.state == "credited" else "now" if settled else "todo"
        stop: dict[str, Any] = {"state": state, "label": label}
        if row.credited_at is not None:
            stop["time"] = row.credited_at
        stops.append(stop)
    return stops


def _heading(row: DepositRow) -> dict[str, str]:
    wallet = gettext("Your money is in your wallet")
    there = gettext("Your money is on your account") if row.account_id else wallet
    words = {
        "credited": ("circle-check", "p", there),
        "settled": ("circle-check", "p", gettext("Your payment has arrived")),
        "held": ("clock", "w", gettext("We are checking your payment")),
        "failed": ("circle-x", "n", gettext("The payment failed")),
        "cancelled": ("circle-x", "", gettext("This deposit was not paid")),
    }
    icon, tone, text = words.get(row.state, ("clock", "i", gettext("Waiting for your payment")))
    if row.state == "settled" and row.account_id is None:
        text = wallet
    return {"icon": icon, "tone": tone, "text": text}


async def _started(
    session: TenantSession, ports: Ports, *, viewer: Seen, client: Client, order: Order
) -> Deposit:
    """Commit the deposit in a transaction of its own, under the name of the request's viewer."""
    tenant: TenantRef = session.info["tenant"]
    request_id = str(session.info.get("request_id", ""))
    async with ports.database.tenant(tenant, actor=viewer.actor, request_id=request_id) as writing:
        return await deposits.start(
            writing,
            client_id=client.id,
            account_id=order.account_id,
            amount=order.amount,
            title=order.title,
        )


async def _to_provider(
    request: Request[Any, Any, Any], tenant: TenantRef, ports: Ports, deposit: Deposit
) -> Response[Any]:
    """Return the way to the provider, or back to the deposit's page with what went wrong."""
    here = f"/deposit/{deposit.reference}"
    origin = ports.settings.origin(request.scope["state"]["host"])
    client = request.scope.get("client")
    try:
        step = await deposits.create_payment(
            ports.database,
            tenant,
            deposit_id=deposit.id,
            reach=Reach(ports.gateways, ports.vault, ports.settings),
            place=Place(
                done=f"{origin}{here}",
                cancel=f"{origin}{here}?cancelled=1",
                ip=client[0] if client else "",
            ),
        )
    except (
        ProviderRefused,
        ProviderUnavailable,
        PaymentUncertain,
        deposits.DepositClosed,
    ) as error:
        return flash(request, see_other(f"{here}?cancelled=1"), error.text, kind="negative")
    if step.kind == "redirect":
        return away(step.url)
    return see_other(f"{here}?step=1")


@contextmanager
def _slot() -> Iterator[None]:
    """Count one payment that starts now; raise TooManyPayments when there are too many."""
    global _under_way  # noqa: PLW0603 - a counter of this process's own payments
    if _under_way >= _AT_ONCE:
        raise TooManyPayments
    _under_way += 1
    try:
        yield
    finally:
        _under_way -= 1


async def _own(session: TenantSession | ReadSession, client: Client, reference: str) -> Deposit:
    found = await queries.deposit_by_reference(
        session, reference=reference[:16], client_id=client.id
    )
    if found is None:
        raise NotFound
    return found


def _order(values: Mapping[str, str]) -> Order:
    errors: dict[str, str] = {}
    account_id = _uuid(values.get("target", ""))
    if account_id is None and values.get("target") != WALLET:
        errors["target"] = gettext("Choose where the money goes.")
    title = values.get("method", "").strip()
    if not title:
        errors["method"] = gettext("Choose how you pay.")
    amount = typed_amount(values.get("amount", ""))
    if amount is None:
        errors["amount"] = gettext("Enter an amount such as %s.") % number_text(Decimal(250), 2)
    if errors or amount is None:
        raise InvalidInput(errors)
    return Order(account_id, title[:60], Money(amount, values.get("currency", "")))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _shown(fields: Mapping[str, str]) -> dict[str, str]:
    """Put each message beside the field that the form has for it."""
    places = {"currency": "amount", "account": "target"}
    return {places.get(name, name): text for name, text in fields.items()}


async def _form(
    request: Request[Any, Any, Any],
    session: TenantSession,
    tenant: TenantRef,
    viewer: Seen,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    me = await people.me(session, viewer)
    owned = await trading_queries.accounts_of(session, me.client.id)
    found = await ways.ways(session, payer=deposit_forms.payer_of(me.client))
    accounts = [row for row in owned if row.state == "open"]
    targets = [*map(deposit_forms.target, accounts), deposit_forms.wallet_target()]
    methods = deposit_forms.methods(found, tenant.base_currency)
    values = form["values"]
    if values.get("target") not in {option["value"] for option in targets}:
        values["target"] = targets[0]["value"]
    chosen = next((row for row in accounts if str(row.id) == values["target"]), None)
    return await page(
        request,
        "trader/deposit.html",
        title=gettext("Deposit"),
        active="/deposit",
        status=status,
        form=form,
        me=me,
        targets=targets,
        methods=methods,
        method=values.get("method") or (methods[0]["value"] if methods else ""),
        currencies=deposit_forms.currencies(found, tenant.base_currency),
        currency=chosen.currency if chosen else tenant.base_currency,
        quick=_QUICK,
    )


ROUTES: list[HTTPRouteHandler] = [show_form, start, pay, status, prove]
