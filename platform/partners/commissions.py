"""The partner's own commission lines: listed, exported, and each with its arithmetic."""

from __future__ import annotations

import csv
import datetime as dt
import io
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients.models import Client
from identity import audit
from introducers import queries as introducer_queries
from introducers import rules
from kernel.errors import NotFound
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page
from partners import people, queries, statements
from partners.queries import Narrowed
from partners.referrals import cursor

_PAGE = 50
_EXPORT_MAX = 20_000


@get("/commissions", permission=SELF)
async def commissions(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """List the viewer's lines, newest first, narrowed by days, instrument and client."""
    partner = await people.open_partner(session, viewer)
    narrowed = _narrowed(request)
    found = await queries.lines(
        session, partner.id, narrowed, after=cursor(request), limit=_PAGE + 1
    )
    last = found[_PAGE - 1][0] if len(found) > _PAGE else None
    count, lots, amount = await queries.totals(session, partner.id, narrowed)
    return await page(
        request,
        "partner/commissions.html",
        title=gettext("Commissions"),
        active="/commissions",
        rows=[{"line": line, "client": _masked(client)} for line, client in found[:_PAGE]],
        after=f"{last.closed_at.isoformat()}~{last.id}" if last else None,
        symbols=await queries.symbols(session, partner.id),
        count=count,
        lots=lots,
        amount=Money(amount, tenant.base_currency),
        narrowed=narrowed,
        months=statements.months(),
        reason=rules.reason_text,
        currency=tenant.base_currency,
    )


@get("/commissions/export", permission=SELF)
async def export(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[str]:
    """Give the narrowed list as CSV, at most 20,000 lines; the export is audited."""
    partner = await people.open_partner(session, viewer)
    narrowed = _narrowed(request)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        (
            *("deal", "closed_utc", "day", "client", "symbol", "lots", "level", "plan_version"),
            *("amount", "currency", "reason"),
        )
    )
    count, after = 0, None
    while count < _EXPORT_MAX:
        found = await queries.lines(session, partner.id, narrowed, after=after, limit=1000)
        for line, client in found:
            writer.writerow(
                (
                    line.ticket,
                    line.closed_at.strftime("%Y-%m-%d %H:%M:%S"),
                    line.day.isoformat(),
                    client.reference if client else "",
                    line.symbol,
                    f"{line.lots:.2f}",
                    line.level,
                    line.plan_version,
                    f"{line.amount:.2f}",
                    line.currency,
                    line.reason,
                )
            )
        count += len(found)
        if len(found) < 1000:
            break
        after = (found[-1][0].closed_at, found[-1][0].id)
    audit.record(
        session,
        "partners.commissions.export",
        subject=("partner", partner.id),
        after={"rows": count},
    )
    return Response(
        text.getvalue(),
        media_type=MediaType.TEXT,
        headers={
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": 'attachment; filename="commissions.csv"',
        },
    )


@get("/commissions/{line_id:uuid}", permission=SELF)
async def commission(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, line_id: FromPath[UUID]
) -> Response[Any]:
    """Show how one line came about, step by step; somebody else's line is not there."""
    partner = await people.open_partner(session, viewer)
    found = await queries.line(session, partner.id, line_id)
    if found is None:
        raise NotFound
    line, client, through = found
    plan = await introducer_queries.plan(session, line.plan_id)
    return await page(
        request,
        "partner/commission.html",
        title=gettext("Commission of deal %s") % line.ticket,
        active="/commissions",
        line=line,
        client=_masked(client),
        client_reference=client.reference if client else "",
        through=through if through != partner.name else "",
        plan=plan,
        reason=rules.reason_text,
        amount=Money(line.amount, line.currency),
        steps=rules.steps(line.arithmetic, symbol=line.symbol, currency=line.currency),
        checks=rules.checks(line.arithmetic, currency=line.currency),
        revisions=await queries.revisions(session, line),
        closed=datetime.fromisoformat(line.arithmetic["closed_at"]).replace(tzinfo=dt.UTC),
    )


def _masked(client: Client | None) -> str:
    return rules.masked_name(client.first_name, client.last_name) if client else "–"


def _narrowed(request: Request[Any, Any, Any]) -> Narrowed:
    get_value = request.query_params.get
    return Narrowed(
        since=_date(get_value("since")),
        until=_date(get_value("until")),
        symbol=(get_value("symbol") or "")[:40],
        client=(get_value("q") or "").strip()[:16],
    )


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None


ROUTES: list[HTTPRouteHandler] = [commissions, export, commission]
