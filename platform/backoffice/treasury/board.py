"""The treasury board: where the money is, by bank, provider and wallet, and whether it is whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from approvals import queries as approval_queries
from kernel.clock import now
from kernel.database import TenantSession
from kernel.money import Money
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, page, see_other
from ledger import chart
from ledger import queries as ledger_queries
from treasury.banks import queries as bank_queries
from treasury.reconciliation import client_money, queries
from treasury.reconciliation.client_money import Measured
from treasury.reconciliation.models import ClientMoneyDay
from treasury.reconciliation.queries import BreakFilter

AnyRequest = Request[Any, Any, Any]
HOME = "/backoffice/treasury"
READ = "treasury.reconciliation.read"
_REQUEST = "treasury.reconciliation.request"
_ZERO = Decimal(0)
_DAYS = 30
_OWED = (
    (chart.CLIENT_WALLET, "Client wallets"),
    (chart.TRADING_ACCOUNT, "Trading accounts, as booked"),
    (chart.WITHDRAWALS_PENDING, "Withdrawals on their way"),
    (chart.PARTNER_WALLET, "Owed to partners"),
    (chart.SUSPENSE, "In suspense"),
)


@get(HOME, permission=READ)
async def board(
    request: AnyRequest, session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show where the money is, clients' against own, what is on its way, and each day's balance."""
    measured = {
        currency: await client_money.measure(session, currency)
        for currency in await queries.currencies(session)
    }
    wanted = request.query_params.get("currency", "")
    currency = wanted if wanted in measured else tenant.base_currency
    shown = measured.get(currency) or await client_money.measure(session, currency)
    days = await queries.money_days(
        session, currency=currency, since=now().date() - dt.timedelta(days=_DAYS)
    )
    return await page(
        request,
        "backoffice/treasury_board.html",
        title="Treasury",
        active=HOME,
        currency=currency,
        tabs=[
            {"label": one, "href": f"{HOME}?currency={one}", "active": one == currency}
            for one in sorted({*measured, currency})
        ],
        shown=shown,
        kpis=_kpis(shown),
        places=await _places(session, currency),
        owed=await _owed(session, currency),
        steps=_steps(shown),
        chart=_chart(days),
        last=days[0] if days else None,
        moves=await _moves(session, days, viewer),
    )


@post(f"{HOME}/days/{{day_id:uuid}}/top-up", permission=_REQUEST, status_code=200)
async def top_up(session: Session, request: AnyRequest, day_id: FromPath[UUID]) -> Response[Any]:
    """Ask somebody else to move money so that clients' is whole."""
    asked = await client_money.ask_top_up(session, day_id=day_id)
    said = f"Asked: {asked.summary}. It is booked when somebody else agrees."
    return flash(request, see_other(HOME), said)


def _kpis(shown: Measured) -> list[dict[str, Any]]:
    found = shown.comparison
    whole = found.shortfall == 0
    figures = [
        ("Clients' money required", found.requirement, f"{shown.clients} clients"),
        ("In segregated banks", found.resource, "cleared funds, by the book"),
        (
            "Excess" if whole else "Shortfall",
            found.excess if whole else found.shortfall,
            "to be taken out" if found.excess else ("whole" if whole else "to be paid in today"),
        ),
        ("In suspense", shown.unallocated, "nobody is credited for it yet"),
    ]
    return [
        {"label": label, "value": f"{value:,.2f}", "unit": shown.currency, "basis": basis}
        for label, value, basis in figures
    ]


async def _places(session: TenantSession, currency: str) -> list[dict[str, Any]]:
    """Return every bank and provider with its balance by the book and, at banks, by statement."""
    accounts = await bank_queries.accounts(session)
    closings = await bank_queries.last_closing(session)
    names = {(one.kind, one.ledger_owner): one for one in accounts if one.currency == currency}
    connections = {str(found): name for found, name in await bank_queries.connections(session)}
    places: list[dict[str, Any]] = []
    for code, kind, label in (
        (chart.BANK, "segregated", "Clients' money"),
        (chart.BANK_OWN, "own", "Own money"),
    ):
        for one in await ledger_queries.balances(session, code=code):
            if one.currency != currency:
                continue
            account = names.pop((kind, one.owner_id), None)
            if account is None and not one.balance.amount:
                continue
            day, closing = closings.get(account.id, (None, None)) if account else (None, None)
            places.append(
                {
                    "name": account.name if account else "Bank without statements",
                    "kind": label,
                    "amount": one.balance.amount,
                    "closing": closing,
                    "day": day,
                    "differs": closing is not None and closing != one.balance.amount,
                }
            )
    places += [
        {
            "name": connections.get(one.owner_id, "A provider of old"),
            "kind": "To be settled by the provider",
            "amount": one.balance.amount,
            "closing": None,
            "day": None,
            "differs": False,
        }
        for one in await ledger_queries.balances(session, code=chart.PSP_CLEARING)
        if one.currency == currency and one.balance.amount
    ]
    return places


async def _owed(session: TenantSession, currency: str) -> list[dict[str, Any]]:
    rows = []
    for code, label in _OWED:
        found = await ledger_queries.balances(session, code=code)
        mine = [one.balance for one in found if one.currency == currency]
        total = sum((one.amount for one in mine), _ZERO)
        if code == chart.SUSPENSE:
            total = -total
        held = sum((one.held for one in mine), _ZERO)
        rows.append({"label": label, "count": len(mine), "amount": total, "held": held})
    breaks = await queries.break_groups(
        session,
        narrowed=BreakFilter(states=("open",), kinds=("in-transit",), currency=currency),
    )
    rows.append(
        {
            "label": "In transit between the sides",
            "count": sum(one.count for one in breaks),
            "amount": sum((one.difference for one in breaks), _ZERO),
            "held": _ZERO,
        }
    )
    return rows


def _steps(shown: Measured) -> list[dict[str, Any]]:
    """Return the arithmetic of the requirement."""
    counted = shown.wallets - shown.owed + shown.pending + shown.equity
    floor = shown.comparison.requirement - shown.unallocated - counted
    parts = [
        ("Wallets", "", shown.wallets),
        ("Owed by clients", "−", shown.owed),
        ("Withdrawals on their way", "+", shown.pending),
        ("Equity of trading accounts, without credit", "+", shown.equity),
        ("Clients below zero count as zero", "+", floor),
        ("In suspense", "+", shown.unallocated),
    ]
    return [
        {"label": label, "operator": operator, "value": f"{value:,.2f}"}
        for label, operator, value in parts
    ]


def _chart(days: Sequence[ClientMoneyDay]) -> dict[str, Any]:
    ordered = sorted(days, key=lambda one: one.day)
    return {
        "x": [one.day.strftime("%-d %b") for one in ordered],
        "series": [
            {
                "name": "In segregated banks",
                "type": "bar",
                "data": [float(one.resource) for one in ordered],
                "c": "chart-2",
            },
            {
                "name": "Required",
                "type": "tick",
                "data": [float(one.requirement) for one in ordered],
                "c": "ink",
            },
        ],
    }


async def _moves(
    session: TenantSession, days: Sequence[ClientMoneyDay], viewer: Viewer
) -> dict[str, Any] | None:
    """Return the transfer that the newest day proposes, and how far it is."""
    if not days:
        return None
    found = client_money.comparison(days[0])
    moved = Money(found.shortfall - found.excess, days[0].currency)
    if not moved.amount:
        return None
    subject = ("client_money_day", days[0].id)
    asked = await approval_queries.of_subject(session, client_money.KIND, subject)
    debited, credited = ("Client money", "Own money")
    if moved.amount < 0:
        debited, credited = credited, debited
    return {
        "day": days[0],
        "amount": moved if moved.amount > 0 else -moved,
        "inwards": moved.amount > 0,
        "entry": f"Dr {debited}, Cr {credited}",
        "asked": asked[0] if asked else None,
        "may_ask": viewer.may(_REQUEST),
    }


ROUTES: list[HTTPRouteHandler] = [board, top_up]
