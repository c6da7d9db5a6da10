"""Moving and converting money: choose, look at what arrives, confirm, and follow it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel import throttle
from kernel.actor import TenantRef
from kernel.database import TenantSession, attempt
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.ids import token
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from ledger.errors import InsufficientFunds
from tenants.inject import Outside
from tenants.ports import Ports
from themes.formats import isolated as ltr
from themes.formats import number_text
from tradersroom import people, transfer_forms
from tradersroom.people import Me
from tradersroom.transfer_forms import Order, Place
from treasury.transfers import queries, quotes, recipients, transfers
from treasury.transfers.models import FxQuote
from treasury.transfers.queries import TransferRow
from treasury.transfers.quotes import QuoteExpired, QuoteUsed
from treasury.transfers.transfers import Wish

AnyRequest = Request[Any, Any, Any]
# Who asks more often for other clients is not looking for a friend.
_LOOKUPS = (10, 3600)
_MOVING = ("moving", "crediting")


@get("/transfer", permission=SELF)
async def show_form(
    request: AnyRequest, session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show where money can come from and go to."""
    values = {"target": request.query_params.get("to", "")}
    return await _form(request, session, tenant, viewer, form_state(values))


@get("/convert", permission=SELF)
async def show_conversion(
    request: AnyRequest, session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show the client's wallets, to make one currency another."""
    return await _form(request, session, tenant, viewer, form_state({"way": "convert"}))


@post("/transfer", permission=SELF, status_code=200)
async def preview(
    request: AnyRequest, session: Session, tenant: Tenant, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Show what leaves, what arrives, at which rate and to whom, before anything moves."""
    values = form_values(await request.form())
    try:
        me = await people.me(session, viewer)
        me.require_verified()
        return await _preview(request, session, tenant, ports, me=me, values=values)
    except InvalidInput as error:
        form = form_state(values, _shown(error))
        return await _form(request, session, tenant, viewer, form, status=422)
    except ProductError as error:
        form = form_state(values, message=error.text)
        return await _form(request, session, tenant, viewer, form, status=error.status)


@post("/transfer/confirm", permission=SELF, status_code=200)
async def confirm(
    request: AnyRequest, session: Session, tenant: Tenant, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Move the money; an expired rate shows the new one instead."""
    values = form_values(await request.form())
    me = await people.me(session, viewer)
    try:
        me.require_verified()
        transfer = await _started(session, me, values)
    except (QuoteExpired, QuoteUsed) as error:
        return await _preview(
            request, session, tenant, ports, me=me, values=values, message=error.text
        )
    except NotFound:
        raise
    except InvalidInput as error:
        form = form_state(values, _shown(error))
        return await _form(request, session, tenant, viewer, form, status=422)
    except InsufficientFunds:
        text = gettext("There is not enough available. Enter a smaller amount.")
        form = form_state(values, {"amount": text})
        return await _form(request, session, tenant, viewer, form, status=409)
    except ProductError as error:
        form = form_state(values, message=error.text)
        return await _form(request, session, tenant, viewer, form, status=error.status)
    return flash(request, see_other(f"/transfer/{transfer}"), gettext("Transfer started."))


@get("/transfer/{reference:str}", permission=SELF)
async def status(
    request: AnyRequest, session: Session, viewer: Seen, reference: FromPath[str]
) -> Response[Any]:
    """Show how far a transfer is; the page asks again by itself while it is under way."""
    me = await people.me(session, viewer)
    row = await own(session, me, reference)
    return await page(
        request,
        "trader/transfer_status.html",
        title=gettext("Transfer %s") % row.reference,
        active="/transfer",
        row=row,
        received=row.target_client_id == me.client.id,
        heading=_heading(row),
        stops=tracker(row, received=row.target_client_id == me.client.id),
        rate=_rate_text(row.amount.currency, row.rate, row.arrived.currency),
        source=place_text(row.source_login),
        target=_target_text(row),
        refresh=row.state in _MOVING,
    )


async def own(session: TenantSession, me: Me, reference: str) -> TransferRow:
    """Return a transfer that the client has sent or received; raise NotFound for any other."""
    row = await queries.row_of_reference(session, reference=reference[:16], party_id=me.client.id)
    if row is None:
        raise NotFound
    return row


def place_text(login: int | None) -> str:
    """Return what a place is called: an account by its login, else the wallet."""
    return gettext("Account %s") % login if login is not None else gettext("Wallet")


def tracker(row: TransferRow, *, received: bool = False) -> list[dict[str, Any]]:
    """Return the stops of a transfer's way; `received` for whom it was sent to."""
    stops: list[dict[str, Any]] = [
        {"state": "ok", "label": gettext("Transfer started"), "time": row.created_at}
    ]
    over = row.state in ("failed", "returned")
    if row.source_login is not None:
        left = row.state in ("crediting", "done", "returned")
        state = "ok" if left else "bad" if row.state == "failed" else "now"
        stops.append({"state": state, "label": gettext("Taken from account %s") % row.source_login})
    if row.target_login is not None or row.state == "done":
        arrives = row.state == "crediting" or (row.state == "moving" and row.source_login is None)
        state = "ok" if row.state == "done" else "bad" if over else "now" if arrives else "todo"
        stop: dict[str, Any] = {"state": state, "label": _arrival(row, received=received)}
        if row.finished_at is not None and not over:
            stop["time"] = row.finished_at
        stops.append(stop)
    if over:
        text = gettext("Nothing was moved. The money is where it was.")
        if row.state == "returned":
            text = gettext("The money is in your wallet.")
        stops[-1]["line"] = text
    return stops


def _rate_text(sold: str, rate: Decimal | None, bought: str) -> str:
    return "" if rate is None else ltr(f"1 {sold} = {number_text(rate, 6)} {bought}")


def _arrival(row: TransferRow, *, received: bool) -> str:
    if row.target_login is not None:
        return gettext("On account %s") % row.target_login
    if row.target_client_id is not None and not received:
        return gettext("In the other client's wallet")
    return gettext("In your wallet")


def _target_text(row: TransferRow) -> str:
    if row.target_client_id is not None:
        return recipients.masked(row.target_name)
    return place_text(row.target_login)


def _heading(row: TransferRow) -> dict[str, str]:
    words = {
        "done": ("circle-check", "p", gettext("The money has arrived")),
        "failed": ("circle-x", "n", gettext("The transfer was not made")),
        "returned": ("circle-x", "w", gettext("The money is in your wallet")),
    }
    icon, tone, text = words.get(row.state, ("clock", "i", gettext("On its way")))
    return {"icon": icon, "tone": tone, "text": text}


async def _preview(
    request: AnyRequest,
    session: TenantSession,
    tenant: TenantRef,
    ports: Ports,
    *,
    me: Me,
    values: dict[str, str],
    message: str = "",
) -> Response[Any]:
    only = values.get("way") == "convert"
    offered = await transfer_forms.offer(
        session, me.client, tenant.base_currency, only_wallets=only
    )
    order = transfer_forms.read(values, offered)
    recipient = None
    if order.target is None:
        limit, seconds = _LOOKUPS
        await throttle.spend(
            ports.redis,
            tenant,
            what="recipient",
            caller=str(me.client.id),
            limit=limit,
            seconds=seconds,
        )
        recipient = await recipients.find(session, sender_id=me.client.id, text=order.recipient)
    quote = await _quote(session, me, order)
    labels = {option["value"]: option["label"] for option in offered.targets}
    amount = order.amount.rounded()
    return await page(
        request,
        "trader/transfer_confirm.html",
        title=gettext("Look at it once more"),
        active="/transfer",
        form=form_state(values, message=message or None),
        values=values,
        key=token(12),
        source=labels.get(values["source"], ""),
        target=recipient.shown if recipient else labels.get(values["target"], ""),
        recipient=recipient,
        amount=amount,
        arrives=Money(quote.bought, quote.currency_to) if quote else amount,
        quote=quote,
        rate=_rate_text(amount.currency, quote.client_rate, quote.currency_to) if quote else "",
        seconds=int((quote.expires_at - quote.created_at).total_seconds()) if quote else 0,
    )


async def _quote(session: TenantSession, me: Me, order: Order) -> FxQuote | None:
    if order.target is None or order.target.currency == order.amount.currency:
        return None
    return await quotes.make(
        session,
        client_id=me.client.id,
        amount=order.amount,
        currency=order.target.currency,
    )


async def _started(session: TenantSession, me: Me, values: dict[str, str]) -> str:
    """Start the transfer; what refuses it leaves the transaction usable."""
    tenant: TenantRef = session.info["tenant"]
    known = await queries.transfer_of_key(
        session, client_id=me.client.id, request_key=values.get("key", "")
    )
    if known is not None:
        return known.reference
    offered = await transfer_forms.offer(session, me.client, tenant.base_currency)
    order = transfer_forms.read(values, offered)
    target = order.target or Place(order.amount.currency)
    wish = Wish(
        client_id=me.client.id,
        key=values.get("key", ""),
        amount=order.amount,
        target_currency=target.currency,
        source_account_id=order.source.account_id,
        target_account_id=target.account_id,
        target_client_id=_uuid(values.get("receiver", "")) if order.target is None else None,
        quote_id=_uuid(values.get("quote", "")),
    )
    if not wish.key or (order.target is None and wish.target_client_id is None):
        raise InvalidInput({"target": gettext("Choose where the money goes.")})
    async with attempt(session):
        return (await transfers.start(session, wish)).reference


async def _form(
    request: AnyRequest,
    session: TenantSession,
    tenant: TenantRef,
    viewer: Seen,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    me = await people.me(session, viewer)
    only = form["values"].get("way") == "convert"
    offered = await transfer_forms.offer(
        session, me.client, tenant.base_currency, only_wallets=only
    )
    if offered.sources and not form["values"].get("source"):
        form["values"]["source"] = offered.sources[0]["value"]
    title = gettext("Convert") if only else gettext("Transfer")
    return await page(
        request,
        "trader/transfer.html",
        title=title,
        heading=title,
        active="/transfer",
        status=status,
        form=form,
        me=me,
        offer=offered,
        only_wallets=only,
        base=tenant.base_currency,
    )


def _shown(error: InvalidInput) -> dict[str, str]:
    """Put each message beside the field that the form has for it."""
    return {{"currency": "amount"}.get(name, name): text for name, text in error.fields.items()}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES: list[HTTPRouteHandler] = [show_form, show_conversion, preview, confirm, status]
