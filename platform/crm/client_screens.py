"""The page of one client in the CRM, with what the rooms know of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients import countries, timeline
from clients import queries as clients_queries
from clients.models import Client
from compliance import queries as compliance_queries
from crm import access, rules, stories
from identity import audit
from identity import queries as identity_queries
from introducers import queries as introducers_queries
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.money import Money
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from ledger import queries as ledger_queries
from ledger.chart import CLIENT_WALLET
from trading import queries as trading_queries
from trading.models import TradingAccount

_READ = "clients.client.read"
_NOTE = "clients.note.change"
_REVEAL = "clients.contact.reveal"
_BOOK = "ledger.entry.read"
# Lists of the Back Office that a client's number narrows to what is theirs.
_MONEY_LISTS = (
    ("Accounts in the book", "/backoffice/book/accounts", _BOOK),
    ("Deposits", "/backoffice/deposits", "treasury.deposit.read"),
)


@get("/crm/clients/{client_id:uuid}", permission=_READ)
async def show_client(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, client_id: FromPath[UUID]
) -> Response[str]:
    """Show one client: who they are, what they may do, their accounts and their story."""
    client = await access.client(session, viewer, client_id, permission=_READ)
    return await client_page(request, session, viewer, client)


async def client_page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    client: Client,
    *,
    form: dict[str, Any] | None = None,
    revealed: bool = False,
) -> Response[str]:
    """Return the page of a client as one viewer sees it."""
    owner = await identity_queries.user(session, client.owner_id) if client.owner_id else None
    user = await identity_queries.user(session, client.user_id) if client.user_id else None
    accounts = await trading_queries.accounts_of(session, client.id)
    entries = await clients_queries.timeline_of_client(session, client)
    case = await compliance_queries.case_of_client(session, client.id)
    brought = await introducers_queries.attribution(session, client.id)
    partner = await introducers_queries.partner(session, brought.partner_id) if brought else None
    paused = await clients_queries.restrictions(session, client.id)
    unmasked = access.reaches(viewer, "clients.contact.read", client.owner_id)
    return await page(
        request,
        "crm/client.html",
        title=client.name,
        active="/crm/clients",
        status=200 if form is None else 422,
        client=client,
        owner_name=owner.name if owner else None,
        country_name=countries.name(client.country),
        contact_visible=unmasked or revealed,
        may_reveal=not unmasked and access.reaches(viewer, _REVEAL, client.owner_id),
        may_note=access.reaches(viewer, _NOTE, client.owner_id),
        may_task=viewer.may("identity.task.change"),
        signs_in=_sign_in_words(user.state, verified=bool(user.email_verified_at))
        if user
        else "No access yet",
        accounts=[_account(one) for one in accounts],
        wallets=await _wallets(session, client) if viewer.may(_BOOK) else None,
        money_links=[
            (label, f"{path}?q={client.reference}")
            for label, path, permission in _MONEY_LISTS
            if viewer.may(permission)
        ],
        paused=paused,
        case=case,
        case_href=f"/backoffice/kyc/{case.id}"
        if case and viewer.may("compliance.kyc.read")
        else None,
        partner_name=partner.name if partner else None,
        days=stories.days(entries),
        form=form or form_state(),
        lead_href=f"/crm/leads/{client.lead_id}"
        if client.lead_id and access.reaches(viewer, "crm.lead.read", client.owner_id)
        else None,
    )


@post("/crm/clients/{client_id:uuid}/notes", permission=_NOTE, status_code=200)
async def add_note(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, client_id: FromPath[UUID]
) -> Response[Any]:
    """Write a note on a client's timeline."""
    client = await access.client(session, viewer, client_id, permission=_NOTE)
    values = form_values(await request.form())
    try:
        text = rules.note(values.get("text", ""))
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await client_page(request, session, viewer, client, form=form)
    timeline.add(
        session, subject=("client", client.id), kind="note", fact="Note", detail=text, icon="note"
    )
    audit.record(session, "crm.client.add_note", subject=("client", client.id))
    return flash(request, see_other(f"/crm/clients/{client.id}"), "Written to the timeline.")


@post("/crm/clients/{client_id:uuid}/reveal", permission=_REVEAL, status_code=200)
async def reveal(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, client_id: FromPath[UUID]
) -> Response[Any]:
    """Show a masked contact once; who looked and why stays in the audit trail."""
    client = await access.client(session, viewer, client_id, permission=_REVEAL)
    values = form_values(await request.form())
    reason = values.get("reason", "")[:200]
    if not reason:
        errors = {"reason": "Say why you need the contact."}
        form = form_state(values, errors, "The contact stays masked.")
        return await client_page(request, session, viewer, client, form=form)
    audit.record(session, "crm.client.reveal", subject=("client", client.id), reason=reason)
    return await client_page(request, session, viewer, client, revealed=True)


async def _wallets(session: TenantSession, client: Client) -> list[dict[str, Any]]:
    """Return what stands in a client's wallets, and what is set aside of it."""
    found = await ledger_queries.balances(session, code=CLIENT_WALLET, owners=[client.id])
    return [
        {
            "amount": Money(one.balance.amount, one.currency),
            "held": Money(one.balance.held, one.currency) if one.balance.held else None,
        }
        for one in found
    ]


def _account(account: TradingAccount) -> dict[str, Any]:
    balance = account.balance
    return {
        "title": f"{account.login}" if account.login else account.reference,
        "line": f"{account.group_name} · 1:{account.leverage} · {account.state}",
        "value": Money(balance, account.currency) if balance is not None else None,
        "icon": "chart-candle",
    }


def _sign_in_words(state: str, *, verified: bool) -> str:
    if state == "invited":
        return "Invited, no password yet"
    if state == "disabled":
        return "Disabled"
    return "Active" if verified else "Active, address not confirmed"


ROUTES: list[HTTPRouteHandler] = [show_client, add_note, reveal]
