"""One partner as staff see them: the branch with its figures, and what is decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import partner_list
from clients import queries as clients_queries
from introducers import letters, partners, queries, tree
from introducers.models import Plan
from introducers.queries import PartnerRow
from kernel.clock import now
from kernel.errors import InvalidInput, NotFound
from kernel.money import Money
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from ledger import chart
from ledger import queries as ledger_queries
from tenants.inject import Outside

_HOME = "/backoffice/partners"
_DAYS = 30


@get("/backoffice/partners/{partner_id:uuid}", permission="introducers.partner.read")
async def partner_page(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    partner_id: FromPath[UUID],
) -> Response[Any]:
    """Show one partner: terms, branch, balance, latest lines and timeline."""
    return await _show(request, session, viewer=viewer, partner_id=partner_id, form=form_state())


@post(
    "/backoffice/partners/{partner_id:uuid}/approve",
    permission="introducers.partner.approve",
    status_code=200,
)
async def approve(
    request: Request[Any, Any, Any], session: Session, ports: Outside, partner_id: FromPath[UUID]
) -> Response[Any]:
    """Make somebody who has applied a partner, and mail them their link."""
    partner = await partners.approve(session, partner_id=partner_id)
    await letters.welcome(session, partner=partner, vault=ports.vault, settings=ports.settings)
    return flash(request, see_other(f"{_HOME}/{partner_id}"), f"{partner.name} is a partner now.")


@post(
    "/backoffice/partners/{partner_id:uuid}/{verb:str}",
    permission="introducers.partner.approve",
    status_code=200,
)
async def decide(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    partner_id: FromPath[UUID],
    verb: FromPath[str],
) -> Response[Any]:
    """Refuse, suspend or resume a partner; refusing and suspending ask for a reason."""
    values = form_values(await request.form())
    reason = values.get("reason", "")
    try:
        if verb == "refuse":
            partner = await partners.refuse(session, partner_id=partner_id, reason=reason)
        elif verb == "suspend":
            partner = await partners.suspend(session, partner_id=partner_id, reason=reason)
        elif verb == "resume":
            partner = await partners.resume(session, partner_id=partner_id)
        else:
            raise NotFound
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _show(
            request, session, viewer=viewer, partner_id=partner_id, form=form, status=422
        )
    return flash(
        request, see_other(f"{_HOME}/{partner_id}"), f"{partner.name} is {partner.state} now."
    )


@post(
    "/backoffice/partners/{partner_id:uuid}/terms",
    permission="introducers.partner.change",
    status_code=200,
)
async def change_terms(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    partner_id: FromPath[UUID],
) -> Response[Any]:
    """Give a partner another plan or ratio from now on."""
    values = form_values(await request.form())
    try:
        await partners.set_terms(
            session,
            partner_id=partner_id,
            plan_code=values.get("plan_code", ""),
            ratio=_ratio(values.get("ratio", "")),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _show(
            request, session, viewer=viewer, partner_id=partner_id, form=form, status=422
        )
    return flash(
        request, see_other(f"{_HOME}/{partner_id}"), "The new terms count from this moment."
    )


@post(
    "/backoffice/partners/{partner_id:uuid}/move",
    permission="introducers.partner.change",
    status_code=200,
)
async def move(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    partner_id: FromPath[UUID],
) -> Response[Any]:
    """Move a partner with everybody below; what trades paid before stays."""
    values = form_values(await request.form())
    try:
        await tree.move(
            session, partner_id=partner_id, parent_id=_identity(values.get("parent_id", ""))
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _show(
            request, session, viewer=viewer, partner_id=partner_id, form=form, status=422
        )
    return flash(request, see_other(f"{_HOME}/{partner_id}"), "Moved, from this moment on.")


async def _show(
    request: Request[Any, Any, Any],
    session: Session,
    *,
    viewer: Seen,
    partner_id: UUID,
    form: dict[str, Any],
    status: int = 200,
) -> Response[Any]:
    currency = request.scope["state"]["tenant"].base_currency
    partner = await queries.partner(session, partner_id)
    if partner is None:
        raise NotFound
    branch = await queries.partner_rows(session, since=_since(), below=partner_id)
    balance = await ledger_queries.balance(
        session,
        code=chart.PARTNER_WALLET,
        currency=currency,
        owner=("partner", partner_id),
    )
    waiting = await queries.not_yet_posted(session, partner_id=partner_id)
    if not form["values"]:
        form["values"] = {
            "plan_code": partner.plan_code,
            "ratio": f"{partner.ratio.normalize():f}",
            "parent_id": str(partner.parent_id or ""),
        }
    return await page(
        request,
        "backoffice/partner.html",
        title=partner.name,
        active=_HOME,
        status=status,
        partner=partner,
        parent=await queries.partner(session, partner.parent_id) if partner.parent_id else None,
        own=branch[0],
        branch=branch[1:],
        plans=_choices(await queries.plans(session)),
        parents=await _parents(session, branch),
        balance=Money(balance.amount, currency),
        waiting=Money(waiting, currency),
        lines=await queries.latest_lines(session, partner_id=partner_id),
        entries=[
            {
                "icon": entry.icon,
                "fact": entry.fact,
                "line": entry.detail,
                "detail": entry.actor_label,
                "time": entry.at.strftime("%Y-%m-%d %H:%M"),
            }
            for entry in await clients_queries.timeline(session, ("partner", partner_id), limit=20)
        ],
        form=form,
        may_decide=viewer.may("introducers.partner.approve"),
        may_change=viewer.may("introducers.partner.change"),
        currency=currency,
    )


async def _parents(session: Session, branch: list[PartnerRow]) -> list[tuple[str, str]]:
    """Return who a partner can stand below: everybody who is not in their own branch."""
    inside = {row.partner.id for row in branch}
    rows = await queries.partner_rows(session, since=_since())
    return [("", "Nobody: at the top")] + [
        (str(row.partner.id), f"{row.partner.name}, {row.partner.reference}")
        for row in rows
        if row.partner.id not in inside and row.partner.state == "active"
    ]


def _choices(plans: Sequence[Plan]) -> list[tuple[str, str]]:
    newest: dict[str, str] = {}
    for plan in plans:
        newest.setdefault(plan.code, f"{plan.name} v{plan.version}")
    return list(newest.items())


def _since() -> dt.date:
    return now().date() - dt.timedelta(days=_DAYS - 1)


def _ratio(text: str) -> Decimal:
    try:
        ratio = Decimal(text or "1")
    except InvalidOperation:
        ratio = Decimal("NaN")
    if not ratio.is_finite():
        raise InvalidInput({"ratio": "Enter a ratio such as 1.2."})
    return ratio


def _identity(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput({"parent_id": "Choose one of the partners."}) from None


ROUTES: list[HTTPRouteHandler] = [
    *partner_list.ROUTES,
    *(partner_page, approve, change_terms, move, decide),
]
