"""The partner's front page: balance, link, numbers of 30 days, and their branch."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from introducers import letters, rules
from introducers import queries as introducer_queries
from kernel.clock import now
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page
from ledger import chart
from ledger import queries as ledger_queries
from partners import people, queries

_DAYS = 30
_BRANCH = 12
_RECENT = 5


@get("/", permission=SELF)
async def home(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show how the partnership does; before it is active, what is missing."""
    found = await people.me(session, viewer)
    if not found.is_open:
        return await page(
            request,
            "partner/waiting.html",
            title=gettext("Your partnership"),
            active="/",
            me=found,
        )
    partner = found.partner
    today = now().date()
    since = today - dt.timedelta(days=_DAYS - 1)
    figures = await queries.figures(session, partner.id, since=since)
    days = await queries.by_day(session, partner.id, since=since)
    branch = await introducer_queries.partner_rows(session, since=since, below=partner.id)
    recent = await queries.latest_lines(session, partner.id, limit=_RECENT)
    plan = await introducer_queries.plan_at(session, partner.plan_code, now())
    balance = await ledger_queries.balance(
        session,
        code=chart.PARTNER_WALLET,
        currency=tenant.base_currency,
        owner=("partner", partner.id),
    )
    waiting = await introducer_queries.not_yet_posted(session, partner_id=partner.id)
    series = [float(days.get(since + dt.timedelta(days=n), Decimal(0))) for n in range(_DAYS)]
    links = letters.links(request.app.state.settings, tenant, partner.code)
    return await page(
        request,
        "partner/home.html",
        title=gettext("Home"),
        active="/",
        partner=partner,
        plan=plan,
        balance=Money(balance.available, tenant.base_currency),
        waiting=Money(waiting, tenant.base_currency),
        link=links.referral,
        join_link=links.joining,
        figures=figures,
        series=series,
        shares=await queries.shares(session, partner.id, since=since),
        branch=branch[: _BRANCH + 1],
        more=max(0, len(branch) - _BRANCH - 1),
        recent=recent,
        currency=tenant.base_currency,
        reason=rules.reason_text,
    )


ROUTES: list[HTTPRouteHandler] = [home]
