"""Daily revenue: days with their sources and rebates, a day's deals, one deal's arithmetic."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice import deal_list
from identity import audit
from introducers import queries as introducer_queries
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.money import Money
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page
from revenue import queries, rules
from revenue.models import RevenueLine
from revenue.queries import Earned
from trading import queries as trading_queries

_HOME = "/backoffice/revenue"
_PERIODS = (("7", "7 days"), ("14", "14 days"), ("30", "30 days"), ("90", "90 days"))
_DEFAULT = 14
_LONGEST = 366
_ZERO = Decimal(0)
_KINDS = (
    ("markup", "Mark-up", "chart-1"),
    ("commission", "Commission", "chart-2"),
    ("swap", "Swap", "chart-3"),
    ("fee", "Fees", "chart-4"),
)


@get("/backoffice/revenue", permission="revenue.line.read")
async def overview(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show the days of a period: what each earned, what partners got of it, what is kept."""
    since, until = await _period(request, session)
    days = await queries.by_day(session, since=since, until=until)
    rebates = await introducer_queries.rebates_by_day(session, since=since, until=until)
    length = (until - since).days + 1
    before = (since - dt.timedelta(days=length), since - dt.timedelta(days=1))
    earlier = queries.total(await queries.by_day(session, since=before[0], until=before[1]))
    earlier_rebates = await introducer_queries.rebates_by_day(
        session, since=before[0], until=before[1]
    )
    rows = [_day_row(day, rebates.get(day.key, _ZERO)) for day in days]
    total = queries.total(days)
    rebate = sum(rebates.values(), _ZERO)
    return await page(
        request,
        "backoffice/revenue.html",
        title="Daily revenue",
        active=_HOME,
        rows=rows,
        total=total,
        rebate=rebate,
        net=total.gross - rebate,
        kept=_share(total.gross - rebate, total.gross),
        currency=tenant.base_currency,
        kpis=_kpis(
            tenant.base_currency,
            days,
            rebates,
            earlier,
            sum(earlier_rebates.values(), _ZERO),
            basis=f"vs. {length} days before",
        ),
        chart=_chart(days, rebates),
        legend=[{"label": label, "colour": colour} for _, label, colour in _KINDS]
        + [{"label": "Net after rebates", "colour": "ink"}],
        periods=[
            {"label": label, "href": f"{_HOME}?days={days_}", "active": length == int(days_)}
            for days_, label in _PERIODS
        ],
        since=since,
        until=until,
        may_export=viewer.may("revenue.line.export"),
    )


@get("/backoffice/revenue/export", permission="revenue.line.export")
async def export(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant
) -> Response[str]:
    """Give the days of a period as CSV; the export is audited."""
    since, until = await _period(request, session)
    days = await queries.by_day(session, since=since, until=until)
    rebates = await introducer_queries.rebates_by_day(session, since=since, until=until)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        (
            *("day", "lots_closed", "deals", "markup", "commission", "swap", "fees", "gross"),
            *("rebates", "net", "currency"),
        )
    )
    for day in days:
        rebate = rebates.get(day.key, _ZERO)
        figures = (day.markup, day.commission, day.swap, day.fee, day.gross, rebate)
        writer.writerow(
            (
                day.key.isoformat(),
                f"{day.lots:.2f}",
                day.deals,
                *(f"{figure:.2f}" for figure in (*figures, day.gross - rebate)),
                tenant.base_currency,
            )
        )
    audit.record(
        session,
        "revenue.line.export",
        subject=("list", "revenue"),
        after={"since": since.isoformat(), "until": until.isoformat(), "rows": len(days)},
    )
    return Response(
        text.getvalue(),
        media_type=MediaType.TEXT,
        headers={
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": f'attachment; filename="revenue-{since}-{until}.csv"',
        },
    )


@get("/backoffice/revenue/{day:date}", permission="revenue.line.read")
async def day_page(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, day: FromPath[dt.date]
) -> Response[Any]:
    """Show one day by instrument and offer; the list of its deals is one link away."""
    symbols = await queries.by_symbol(session, since=day, until=day)
    if not symbols:
        raise NotFound
    rebates = await introducer_queries.rebates_by_day(session, since=day, until=day)
    total, rebate = queries.total(symbols), rebates.get(day, _ZERO)
    return await page(
        request,
        "backoffice/revenue_day.html",
        title=f"Revenue of {day.isoformat()}",
        active=_HOME,
        day=day,
        symbols=symbols,
        offers=await queries.by_account_type(session, since=day, until=day),
        deals_href=deal_list.TABLE.read({"day_from": str(day), "day_to": str(day)}),
        total=total,
        rebate=rebate,
        net=total.gross - rebate,
        currency=tenant.base_currency,
    )


@get("/backoffice/revenue/deals/{server_id:uuid}/{ticket:int}", permission="revenue.line.read")
async def deal_page(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    server_id: FromPath[UUID],
    ticket: FromPath[int],
) -> Response[Any]:
    """Show one deal: each kind of revenue with its steps, earlier versions, and the rebates."""
    if not 0 < ticket < 2**63:
        raise NotFound
    lines = await queries.lines_of(session, server_id=server_id, ticket=ticket)
    deal = await trading_queries.deal(session, server_id=server_id, ticket=ticket)
    if not lines or deal is None:
        raise NotFound
    latest = [_explained(line) for line in lines if line.latest]
    return await page(
        request,
        "backoffice/revenue_deal.html",
        title=f"Deal {ticket}",
        active=_HOME,
        deal=deal,
        first=lines[0],
        latest=latest,
        earlier=[_explained(line) for line in lines if not line.latest],
        gross=sum((line.amount_base or _ZERO for line in lines if line.latest), _ZERO),
        rebates=await introducer_queries.rebates_of_deal(
            session, server_id=server_id, ticket=ticket
        ),
        side={0: "Opens", 1: "Closes", 2: "Turns round", 3: "Closed by another"}.get(deal.entry),
        currency=tenant.base_currency,
    )


def _explained(line: RevenueLine) -> dict[str, Any]:
    label = next(label for kind, label, _ in _KINDS if kind == line.kind)
    base = Money(line.amount_base, line.base_currency) if line.amount_base is not None else None
    return {
        "label": label,
        "version": line.version,
        "amount": Money(line.amount, line.currency),
        "base": base,
        "steps": rules.steps(line.kind, line.arithmetic, symbol=line.symbol),
        "booked_at": line.created_at,
    }


async def _period(
    request: Request[Any, Any, Any], session: TenantSession
) -> tuple[dt.date, dt.date]:
    """Return the days asked for, both included; what can't be read falls back to two weeks.

    They end with the newest day of any trading server, whose clock may be a day ahead of UTC.
    """
    try:
        length = min(max(int(request.query_params.get("days", _DEFAULT)), 1), _LONGEST)
    except ValueError:
        length = _DEFAULT
    until = _date(request.query_params.get("until"))
    if until is None:
        until = max(now().date(), await queries.newest_day(session) or dt.date.min)
    since = _date(request.query_params.get("since")) or until - dt.timedelta(days=length - 1)
    if since > until:
        since, until = until, since
    return max(since, until - dt.timedelta(days=_LONGEST)), until


def _date(text: str | None) -> dt.date | None:
    try:
        found = dt.date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _day_row(day: Earned, rebate: Decimal) -> dict[str, Any]:
    state = "closed"
    if day.restated:
        state = "restated"
    if day.key >= now().date():
        state = "live"
    net = day.gross - rebate
    return {
        "day": day.key,
        "earned": day,
        "state": state,
        "rebate": rebate,
        "net": net,
        "kept": _share(net, day.gross),
    }


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return part * 100 / whole if whole > 0 else None


def _kpis(
    currency: str,
    days: Sequence[Earned],
    rebates: Mapping[dt.date, Decimal],
    earlier: Earned,
    earlier_rebate: Decimal,
    *,
    basis: str,
) -> list[dict[str, Any]]:
    total, rebate = queries.total(days), sum(rebates.values(), _ZERO)
    ordered = sorted(days, key=lambda day: day.key)
    figures: list[tuple[str, list[Decimal], Decimal, Decimal, bool | None, str]] = [
        ("Gross revenue", [day.gross for day in ordered], total.gross, earlier.gross, True, ""),
        (
            "Rebates to partners",
            [rebates.get(day.key, _ZERO) for day in ordered],
            rebate,
            earlier_rebate,
            None,
            "",
        ),
        (
            "Net revenue",
            [day.gross - rebates.get(day.key, _ZERO) for day in ordered],
            total.gross - rebate,
            earlier.gross - earlier_rebate,
            True,
            "",
        ),
        ("Lots closed", [day.lots for day in ordered], total.lots, earlier.lots, True, "lots"),
    ]
    return [
        {
            "label": label,
            "value": f"{value:,.2f}",
            "unit": unit or currency,
            "spark": [float(one) for one in row] if len(row) > 1 else None,
            **_delta(value, before, up_is_good=good, basis=basis),
        }
        for label, row, value, before, good, unit in figures
    ]


def _delta(
    value: Decimal, before: Decimal, *, up_is_good: bool | None, basis: str
) -> dict[str, Any]:
    if before <= 0:
        return {"basis": "nothing to compare with before"}
    change = (value - before) * 100 / before
    up = change >= 0
    found: dict[str, Any] = {
        "delta": f"{abs(change):.1f}\N{NO-BREAK SPACE}%",
        "direction": "up" if up else "down",
        "basis": basis,
    }
    if up_is_good is not None:
        found["good"] = up == up_is_good
    return found


def _chart(days: Sequence[Earned], rebates: Mapping[dt.date, Decimal]) -> dict[str, Any]:
    ordered = sorted(days, key=lambda day: day.key)
    series: list[dict[str, Any]] = [
        {
            "name": label,
            "type": "bar",
            "data": [float(getattr(day, kind)) for day in ordered],
            "c": colour,
        }
        for kind, label, colour in _KINDS
    ]
    series.append(
        {
            "name": "Net after rebates",
            "type": "tick",
            "data": [float(day.gross - rebates.get(day.key, _ZERO)) for day in ordered],
            "c": "ink",
        }
    )
    return {"x": [day.key.strftime("%-d %b") for day in ordered], "series": series}


ROUTES: list[HTTPRouteHandler] = [*deal_list.ROUTES, overview, export, day_page, deal_page]
