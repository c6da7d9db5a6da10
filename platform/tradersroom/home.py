"""The first page: what is left to do, the wallet, the accounts and what happened last."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from compliance import queries as compliance_queries
from compliance.models import KycCase
from kernel.database import ReadSession, TenantSession
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page
from ledger import queries as ledger_queries
from tenants.inject import Outside
from tradersroom import accounts, people
from tradersroom.people import Me
from trading.models import TradingAccount
from treasury import queries as treasury_queries
from treasury.queries import DepositFilter, DepositRow
from treasury.transfers import queries as transfer_queries
from treasury.transfers.queries import TransferRow

_PAID = ("settled", "credited")
_RECENT = 4


@get("/", permission=SELF)
async def home(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Show where the client stands."""
    me = await people.me(session, viewer)
    case = await compliance_queries.case_of_client(session, me.client.id)
    cards = await accounts.cards_of(session, ports, tenant, me.client.id)
    recent = await treasury_queries.deposit_page(
        session, narrowed=DepositFilter(client_id=me.client.id), limit=_RECENT
    )
    paid = await treasury_queries.deposit_page(
        session, narrowed=DepositFilter(client_id=me.client.id, states=_PAID), limit=1
    )
    steps = checklist(me, case, [card.account for card in cards], paid=bool(paid.rows))
    main, others = await wallet(session, me.client.id, tenant.base_currency)
    return await page(
        request,
        "trader/home.html",
        title=gettext("Home"),
        active="/",
        me=me,
        steps=steps,
        left=sum(1 for step in steps if step["state"] != "ok"),
        wallet=main,
        pills=others,
        cards=cards,
        recent=await _activity(session, me, recent.rows),
        may_open=case is not None and case.state == "approved",
    )


async def _activity(
    session: TenantSession, me: Me, deposits: Sequence[DepositRow]
) -> list[dict[str, Any]]:
    """Return the newest deposits and transfers as one list, newest first."""
    moved = await transfer_queries.newest(session, party_id=me.client.id, limit=_RECENT)
    items = [recent_item(row) for row in deposits]
    items += [transfer_item(row, received=row.client_id != me.client.id) for row in moved]
    items.sort(key=lambda item: item["row"].created_at, reverse=True)
    return items[:_RECENT]


async def wallet(
    session: TenantSession | ReadSession, client_id: UUID, base_currency: str
) -> tuple[Money, list[Money]]:
    """Return what is available in the wallet: the main currency, then every other that has any."""
    found = await ledger_queries.balances(
        session, code="liability.client_wallet", owners=[client_id]
    )
    amounts = {row.currency: row.balance.available for row in found}
    main = Money(amounts.pop(base_currency, Decimal(0)), base_currency)
    others = [Money(amount, currency) for currency, amount in sorted(amounts.items()) if amount]
    if not main.amount and others:
        main = others.pop(0)
    return main, others


def checklist(
    me: Me, case: KycCase | None, owned: Sequence[TradingAccount], *, paid: bool
) -> list[dict[str, Any]]:
    """Return the steps of setting up, the first open one marked as next."""
    steps = [_address(me), _documents(case), _account(owned), _deposit(paid)]
    for step in steps:
        if step["state"] == "todo":
            step["state"] = "now"
            break
        if step["state"] in ("attention", "now"):
            break
    return steps


def _address(me: Me) -> dict[str, Any]:
    if me.verified:
        return {"state": "ok", "label": gettext("E-mail address confirmed")}
    return {
        "state": "todo",
        "label": gettext("Confirm your e-mail address"),
        "line": gettext("Open the link we sent you"),
    }


def _documents(case: KycCase | None) -> dict[str, Any]:
    state = case.state if case is not None else "collecting"
    step: dict[str, Any] = {"label": gettext("Verify your identity"), "href": "/verification"}
    if state == "approved":
        return {"state": "ok", "label": gettext("Identity verified")}
    if state == "in_review":
        return {
            "state": "wait",
            "label": gettext("Identity and address"),
            "line": gettext("We are checking your documents. You get a mail."),
        }
    if state == "rejected":
        return {
            **step,
            "state": "attention",
            "line": gettext("We need a document again"),
            "action": gettext("See why"),
        }
    return {
        **step,
        "state": "todo",
        "line": gettext("Identity document, proof of address, selfie"),
        "action": gettext("Start"),
    }


def _account(owned: Sequence[TradingAccount]) -> dict[str, Any]:
    if any(account.state == "open" for account in owned):
        return {"state": "ok", "label": gettext("Trading account open")}
    if owned:
        return {
            "state": "wait",
            "label": gettext("Your trading account"),
            "line": gettext("It is being opened on the server"),
        }
    return {
        "state": "todo",
        "label": gettext("Get your trading account"),
        "line": gettext("Opens by itself once you are verified"),
    }


def _deposit(paid: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact, not a switch
    if paid:
        return {"state": "ok", "label": gettext("First deposit made")}
    return {
        "state": "todo",
        "label": gettext("Make your first deposit"),
        "line": gettext("Fee and arrival time are shown before you pay"),
        "href": "/deposit",
        "action": gettext("Deposit"),
    }


def recent_item(row: DepositRow) -> dict[str, Any]:
    """Return a deposit as a line of recent activity."""
    target = (
        gettext("to %s") % row.account_login if row.account_login else gettext("to your wallet")
    )
    return {
        "row": row,
        "icon": "arrow-down-left",
        "tone": "p" if row.state in _PAID else "",
        "title": gettext("Deposit by %s") % row.connection,
        "target": target,
        "href": f"/deposit/{row.reference}",
        "value": row.settled or row.amount,
    }


def transfer_item(row: TransferRow, *, received: bool) -> dict[str, Any]:
    """Return a transfer as a line of recent activity; `received` for whom it was sent to."""
    words = {
        "conversion": gettext("Conversion"),
        "to_client": gettext("From another client") if received else gettext("To another client"),
    }
    target = gettext("to %s") % row.target_login if row.target_login else gettext("to your wallet")
    if row.target_client_id is not None and not received:
        target = gettext("to another client's wallet")
    return {
        "row": row,
        "icon": "transfer",
        "tone": "p" if row.state == "done" else "",
        "title": words.get(row.kind, gettext("Transfer")),
        "target": target,
        "href": f"/transfer/{row.reference}",
        "value": row.arrived,
    }


ROUTES: list[HTTPRouteHandler] = [home]
