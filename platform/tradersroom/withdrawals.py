"""Taking money out: checked and split before it is sent, proved by a code, then followed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.language import gettext, marked
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from ledger import chart
from ledger import queries as ledger_queries
from messaging import mails
from tenants.inject import Outside
from tenants.ports import Ports
from themes.formats import isolated as ltr
from themes.formats import money_text, number_text, theirs, typed_amount
from tradersroom import people
from tradersroom.people import Me
from trading import queries as trading_queries
from treasury.withdrawals import codes, destinations, queries, requests
from treasury.withdrawals.codes import Proof
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import Withdrawal, WithdrawalPart
from treasury.withdrawals.requests import Plan, WithdrawalBlocked

AnyRequest = Request[Any, Any, Any]
_HERE = "/withdraw"
_LATEST = 20
# What a client reads of a state, and how it is shown.
_HEADINGS = {
    "requested": ("clock", "i", marked("We are looking at it")),
    "held": ("clock", "w", marked("A person is looking at it")),
    "approved": ("clock", "i", marked("Approved, on its way")),
    "debiting": ("clock", "i", marked("Approved, on its way")),
    "paying": ("clock", "i", marked("Approved, on its way")),
    "paid": ("circle-check", "p", marked("Paid")),
    "rejected": ("circle-x", "n", marked("Not approved")),
    "cancelled": ("circle-x", "", marked("Taken back")),
    "failed": ("circle-x", "n", marked("Not paid. The money is yours again.")),
}
_WAYS = {
    "refund": marked("Back to where it came from"),
    "payout": marked("To your wallet"),
    "manual": marked("Sent by our payments team"),
}


@get(_HERE, permission=SELF)
async def show_form(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show from where, how much and to whom, and what is under way."""
    chosen = request.query_params.get("source", "")
    values = {"source": chosen} if chosen else {}
    return await _form(request, session, await people.me(session, viewer), form_state(values))


@post(f"{_HERE}/check", permission=SELF, status_code=200)
async def check(
    request: AnyRequest, session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Say what stands in the way, or show the split and ask for the code."""
    me = await people.me(session, viewer)
    values = form_values(await request.form())
    try:
        me.require_verified()
        plan = await requests.check(
            session, client=me.client, wish=await _wish(session, me, values)
        )
        if plan.problems:
            return await _form(request, session, me, form_state(values), plan=plan)
        asked = await codes.ask(session, user_id=me.user.id, binding=plan.binding)
    except NotFound:
        raise
    except ProductError as error:
        return await _refused(request, session, me, values, error)
    if asked.way == "mail":
        await _mail_code(session, ports, me, plan, asked.code)
    return await _confirm(request, values, plan, form_state(), by_mail=asked.way == "mail")


@post(_HERE, permission=SELF, status_code=200)
async def send(
    request: AnyRequest, session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Take the code and write the withdrawal down."""
    me = await people.me(session, viewer)
    values = form_values(await request.form())
    by_mail = values.get("by_mail") == "yes"
    try:
        plan = await requests.check(
            session, client=me.client, wish=await _wish(session, me, values)
        )
        proof = await codes.accept(
            session,
            user_id=me.user.id,
            binding=plan.binding,
            typed=values.get("code", ""),
            vault=ports.vault,
        )
        if not isinstance(proof, Proof):
            form = form_state({}, {"code": proof})
            return await _confirm(request, values, plan, form, by_mail=by_mail, status=422)
        made = await requests.request(session, client=me.client, wish=plan.wish, proof=proof)
    except NotFound:
        raise
    except WithdrawalBlocked:
        return await _form(request, session, me, form_state(values), plan=plan)
    except ProductError as error:
        return await _refused(request, session, me, values, error)
    return see_other(f"{_HERE}/{made.reference}")


@get(f"{_HERE}/{{reference:str}}", permission=SELF)
async def status(
    request: AnyRequest, session: Session, viewer: Seen, reference: FromPath[str]
) -> Response[Any]:
    """Show how far a withdrawal is, when it is promised, and each of its parts."""
    me = await people.me(session, viewer)
    found = await _own(session, me, reference)
    parts = await queries.parts(session, found.id)
    login = await _login(session, found.trading_account_id)
    icon, tone, text = _HEADINGS[found.state]
    return await page(
        request,
        "trader/withdrawal.html",
        title=gettext("Withdrawal %s") % found.reference,
        active=_HERE,
        row=found,
        heading={"icon": icon, "tone": tone, "text": gettext(text)},
        stops=tracker(found, parts),
        parts=[_shown(part) for part in parts],
        source=gettext("Account %s") % login if login else gettext("Wallet"),
        fee=Money(sum((part.fee for part in parts), Decimal(0)), found.currency),
        cancellable=found.state in ("requested", "held"),
    )


@post(f"{_HERE}/{{reference:str}}/cancel", permission=SELF, status_code=200)
async def cancel(
    request: AnyRequest, session: Session, viewer: Seen, reference: FromPath[str]
) -> Response[Any]:
    """Take a withdrawal back."""
    me = await people.me(session, viewer)
    found = await _own(session, me, reference)
    here = see_other(f"{_HERE}/{found.reference}")
    try:
        await requests.cancel(session, client_id=me.client.id, withdrawal_id=found.id)
    except requests.WithdrawalUnderWay as error:
        return flash(request, here, error.text, kind="negative")
    return flash(request, here, gettext("Taken back. The money is yours to use again."))


@get(f"{_HERE}/payees", permission=SELF)
async def payees(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show the client's payees and the form for another one."""
    me = await people.me(session, viewer)
    return await _payees(request, session, me, form_state({"holder": me.client.name}))


@post(f"{_HERE}/payees", permission=SELF, status_code=200)
async def save_payee(
    request: AnyRequest, session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """Save a bank account of the client's own."""
    me = await people.me(session, viewer)
    values = form_values(await request.form())
    try:
        await destinations.save(
            session,
            client=me.client,
            kind="bank",
            holder=values.get("holder", ""),
            details={name: values.get(name, "") for name in ("iban", "bic", "bank")},
            vault=ports.vault,
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _payees(request, session, me, form, status=422)
    except destinations.TooManyDestinations as error:
        form = form_state(values, message=error.text)
        return await _payees(request, session, me, form, status=error.status)
    return flash(request, see_other(_HERE), gettext("Saved. You can choose it as payee now."))


@post(f"{_HERE}/payees/{{payee_id:uuid}}/remove", permission=SELF, status_code=200)
async def remove_payee(
    request: AnyRequest, session: Session, viewer: Seen, payee_id: FromPath[UUID]
) -> Response[Any]:
    """Forget a payee."""
    me = await people.me(session, viewer)
    await destinations.remove(session, client_id=me.client.id, destination_id=payee_id)
    return flash(request, see_other(f"{_HERE}/payees"), gettext("Removed."))


def tracker(row: Withdrawal, parts: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parts
    """Return the stops of a withdrawal's way, with what is known of each."""
    closed = row.state in ("rejected", "cancelled", "failed")
    stops: list[dict[str, Any]] = [
        {"state": "ok", "label": gettext("Asked for"), "time": row.created_at}
    ]
    approved: dict[str, Any] = {"label": gettext("Approved"), "state": "now"}
    if row.approved_at is not None and row.state != "held":
        approved |= {"state": "ok", "time": row.approved_at}
    elif closed:
        approved |= {"state": "bad", "line": row.reason}
    elif row.state == "held":
        approved |= {
            "state": "attention",
            "line": gettext("A person looks at it. You need to do nothing."),
        }
    else:
        approved |= {"line": gettext("We look at it within one working day.")}
    stops.append(approved)
    if row.trading_account_id is not None:
        taken = row.state in ("paying", "paid")
        state = "ok" if taken else "now" if row.state == "debiting" else "todo"
        stops.append({"state": state, "label": gettext("Taken from the trading account")})
    states = {part.state for part in parts}
    paid: dict[str, Any] = {"label": gettext("Paid"), "state": "todo"}
    if row.state == "paid":
        paid |= {"state": "ok", "time": row.closed_at}
        if row.reason_code == "paid_in_part":
            paid["line"] = gettext("A part could not be paid. It is in your wallet.")
    elif row.state == "failed":
        paid |= {"state": "bad", "line": gettext("The money is in your wallet or account.")}
    elif row.state == "paying":
        paid |= {"state": "attention" if "unknown" in states else "now"}
        paid["line"] = gettext("Sent. Banks and cards take one to five working days.")
    stops.append(paid)
    return stops


async def _wish(session: TenantSession, me: Me, values: Mapping[str, str]) -> Wish:
    errors: dict[str, str] = {}
    source, currency = values.get("source", ""), ""
    account_id = _uuid(source)
    if account_id is not None:
        account = await trading_queries.account(session, account_id)
        if account is None or account.client_id != me.client.id:
            raise NotFound
        currency = account.currency
    elif source.startswith("wallet:"):
        currency = source.removeprefix("wallet:")[:8]
    else:
        errors["source"] = gettext("Choose where the money comes from.")
    amount = typed_amount(values.get("amount", ""))
    if amount is None:
        errors["amount"] = gettext("Enter an amount such as %s.") % number_text(Decimal(250), 2)
    if errors or amount is None:
        raise InvalidInput(errors)
    return Wish(Money(amount, currency), account_id, _uuid(values.get("payee", "")))


async def _form(
    request: AnyRequest,
    session: TenantSession,
    me: Me,
    form: dict[str, Any],
    *,
    plan: Plan | None = None,
    status: int = 200,
) -> Response[Any]:
    saved = await queries.destinations(session, me.client.id)
    latest = await queries.of_client(session, me.client.id, limit=_LATEST)
    sources = await _sources(session, me)
    chosen = form["values"].get("source") or (sources[0]["value"] if sources else "")
    return await page(
        request,
        "trader/withdraw.html",
        title=gettext("Withdraw"),
        active=_HERE,
        status=422 if plan is not None else status,
        form=form,
        sources=sources,
        source=chosen,
        payees=[(str(one.id), f"{one.label} {ltr(one.hint)}") for one in saved],
        problems=plan.problems if plan is not None else [],
        latest=[(row, gettext(_HEADINGS[row.state][2])) for row in latest],
    )


async def _refused(
    request: AnyRequest,
    session: TenantSession,
    me: Me,
    values: dict[str, str],
    error: ProductError,
) -> Response[Any]:
    fields = error.fields if isinstance(error, InvalidInput) else {}
    form = form_state(values, fields) if fields else form_state(values, message=error.text)
    return await _form(request, session, me, form, status=error.status)


async def _confirm(
    request: AnyRequest,
    values: dict[str, str],
    plan: Plan,
    form: dict[str, Any],
    *,
    by_mail: bool,
    status: int = 200,
) -> Response[Any]:
    currency = plan.wish.amount.currency
    return await page(
        request,
        "trader/withdraw_confirm.html",
        title=gettext("Confirm the withdrawal"),
        active=_HERE,
        status=status,
        form=form,
        kept={name: values.get(name, "") for name in ("source", "amount", "payee")},
        plan=plan,
        parts=[
            {
                "way": gettext(_WAYS[part.way]),
                "label": theirs(part.label),
                "amount": Money(part.amount - part.fee, currency),
            }
            for part in plan.parts
        ],
        by_mail=by_mail,
    )


async def _payees(
    request: AnyRequest, session: TenantSession, me: Me, form: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    return await page(
        request,
        "trader/payees.html",
        title=gettext("Payees"),
        active=_HERE,
        status=status,
        form=form,
        rows=await queries.destinations(session, me.client.id),
    )


async def _sources(session: TenantSession, me: Me) -> list[dict[str, Any]]:
    wallets = await ledger_queries.balances(
        session, code=chart.CLIENT_WALLET, owners=[me.client.id]
    )
    found = [
        {
            "value": f"wallet:{one.currency}",
            "label": gettext("Wallet"),
            "icon": "wallet",
            "line": one.currency,
            "end": ltr(money_text(Money(one.balance.available, one.currency))),
            "end_line": gettext("available"),
        }
        for one in wallets
        if one.balance.available > 0
    ]
    for row in await trading_queries.accounts_of(session, me.client.id):
        if row.state == "open":
            label = theirs(row.nickname) if row.nickname else gettext("Account %s") % row.login
            found.append(
                {
                    "value": str(row.id),
                    "label": label,
                    "icon": "chart-candle",
                    "tone": "b",
                    "line": ltr(f"MT5 · {row.login}"),
                    "end": ltr(money_text(Money(row.margin_free, row.currency))),
                    "end_line": gettext("free margin"),
                }
            )
    return found


def _shown(part: WithdrawalPart) -> dict[str, Any]:
    words = {
        "waiting": gettext("Waiting"),
        "paying": gettext("Under way"),
        "unknown": gettext("Under way"),
        "paid": gettext("Paid"),
        "failed": gettext("In your wallet"),
    }
    return {
        "label": theirs(part.label),
        "way": gettext(_WAYS[part.way]),
        "amount": part.payable,
        "state": part.state,
        "word": words[part.state],
    }


async def _mail_code(session: TenantSession, ports: Ports, me: Me, plan: Plan, code: str) -> None:
    await mails.queue(
        session,
        to=me.user.email,
        template="withdrawal_code",
        context={
            "name": me.client.first_name,
            "code": code,
            "amount": plan.wish.amount,
            "payee": ", ".join(part.label for part in plan.parts),
        },
        vault=ports.vault,
        reader=me.user.id,
        language=me.client.language,
    )


async def _own(session: TenantSession, me: Me, reference: str) -> Withdrawal:
    found = await queries.by_reference(session, reference[:16])
    if found is None or found.client_id != me.client.id:
        raise NotFound
    return found


async def _login(session: TenantSession, account_id: UUID | None) -> int | None:
    account = await trading_queries.account(session, account_id) if account_id else None
    return account.login if account is not None else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES: list[HTTPRouteHandler] = [
    *(show_form, check, send, payees, save_payee, remove_payee, status, cancel)
]
