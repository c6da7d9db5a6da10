"""The trial balance of a period, as a page and as a file, and the proof that the book is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from backoffice.book.queries import NAMES
from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput
from kernel.viewer import Viewer
from kernel.web import export
from kernel.web.inject import Seen, Session
from kernel.web.pages import form_state, form_values, page
from ledger import queries, trial_balance, verification
from ledger.chart import natural_sign
from ledger.trial_balance import Row, TrialBalance
from ledger.verification import Verification

HERE = "/backoffice/book"
_GROUPS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}
# Every line is read: more than one at once in a process would only wait for each other.
_PROVING = asyncio.Semaphore(1)
_HEADS = ("Account", "Code", "Currency", "Opening", "Debit", "Credit", "Closing")


class AlreadyProving(Conflict):
    """Somebody else is having a book verified by this process."""

    code = "already_proving"
    message = "A book is being verified right now. Try again in a moment."


@get(HERE, permission="ledger.entry.read")
async def trial(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Show what each account of the chart has, had and moved, for each currency."""
    return await _page(request, session, viewer)


@post(f"{HERE}/verify", permission="ledger.entry.read", status_code=200)
async def verify(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Check every promise of the book over all its lines and show the outcome."""
    if _PROVING.locked():
        raise AlreadyProving
    async with _PROVING:
        proof = await verification.verify(session)
    audit.record(
        session,
        "ledger.verified",
        subject=("book", "book"),
        after={"ok": proof.ok, "summary": proof.summary[:400]},
    )
    return await _page(request, session, viewer, proof=proof)


@post(f"{HERE}/export", permission="ledger.entry.export", status_code=200)
async def exported(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Give the trial balance as CSV or XLSX, for a reason that stands in the trail."""
    values = form_values(await request.form())
    since, until = _period(values)
    try:
        kind, reason = export.wanted(values)
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await _page(request, session, viewer, form=form)
    found = await _balance(session, since, until)
    rows = [_cells(row) for total in found.totals for row in (*_of(found, total.currency), total)]
    audit.record(
        session,
        "ledger.entry.export",
        subject=("list", "trial_balance"),
        after={"rows": len(rows), "format": kind, "since": _day(since), "until": _day(until)},
        reason=reason,
    )
    name = f"trial-balance-{until.isoformat()}"
    return await export.file(name, kind, _HEADS, rows)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    *,
    form: dict[str, Any] | None = None,
    proof: Verification | None = None,
) -> Response[Any]:
    since, until = _period(form["values"] if form else request.query_params)
    found = await _balance(session, since, until)
    entries, accounts, holds = await queries.count_entries(session)
    closed = await queries.closed_before(session)
    return await page(
        request,
        "backoffice/book.html",
        title="The book",
        active=HERE,
        status=422 if form else 200,
        since=since,
        until=until,
        books=[_book(found, total) for total in found.totals],
        balanced=found.balanced,
        size={"entries": entries, "accounts": accounts, "holds": holds},
        closed_until=(closed - timedelta(days=1)).date() if closed else None,
        form=form or form_state({"since": _day(since), "until": _day(until)}),
        opened=form is not None,
        may_export=viewer.may("ledger.entry.export"),
        proof=_shown(proof) if proof else None,
    )


def _shown(proof: Verification) -> dict[str, Any]:
    """Return the outcome of a verification as a table: each promise and what broke it."""
    size, *lines = proof.lines
    promises = []
    for line in lines:
        text, _, found = line[4:].strip().rpartition(": ")
        promises.append({"text": text, "found": found, "ok": line.startswith("ok")})
    return {"ok": proof.ok, "size": size, "promises": promises}


async def _balance(session: TenantSession, since: date | None, until: date) -> TrialBalance:
    start = _midnight(since) if since else None
    return await trial_balance.at(session, since=start, until=_midnight(until + timedelta(days=1)))


def _book(found: TrialBalance, total: Row) -> dict[str, Any]:
    """Return one currency's accounts in the groups of the chart, in their natural signs."""
    rows = sorted(_of(found, total.currency), key=lambda row: list(_GROUPS).index(_group(row)))
    groups = []
    for name, members in groupby(rows, key=_group):
        lines = [_line(row) for row in members]
        closing = sum((line["closing"] for line in lines), Decimal(0))
        groups.append({"label": _GROUPS[name], "rows": lines, "closing": closing})
    return {"currency": total.currency, "groups": groups, "total": total}


def _line(row: Row) -> dict[str, Any]:
    sign = natural_sign(row.code)
    return {
        "code": row.code,
        "name": NAMES.get(row.code, row.code),
        "opening": sign * row.opening,
        "debits": row.debits,
        "credits": row.credits,
        "closing": sign * row.closing,
        "href": f"{HERE}/accounts?account={row.code}&currency={row.currency}",
    }


def _cells(row: Row) -> tuple[export.Cell, ...]:
    """Return a row of the file: signed as it is posted, debit positive."""
    name = NAMES.get(row.code, "") if row.code else "Total"
    return (name, row.code, row.currency, row.opening, row.debits, row.credits, row.closing)


def _of(found: TrialBalance, currency: str) -> list[Row]:
    return [row for row in found.rows if row.currency == currency]


def _group(row: Row) -> str:
    return row.code.split(".", 1)[0]


def _period(values: Mapping[str, str]) -> tuple[date | None, date]:
    """Return the first day, None for the whole book, and the last one, today without it."""
    until = _typed(values.get("until")) or now().date()
    since = _typed(values.get("since"))
    if since is not None and since > until:
        since, until = until, since
    return since, until


def _typed(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


ROUTES: list[HTTPRouteHandler] = [trial, verify, exported]
