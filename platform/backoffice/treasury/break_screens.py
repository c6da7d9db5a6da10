"""One break and what people do about it; runs, and a run on demand."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from approvals import queries as approval_queries
from backoffice.treasury.break_list import (
    KIND_WORDS,
    LISTING,
    PATH,
    READ,
    SIDE_WORDS,
    STATE_WORDS,
    entry_of,
)
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from treasury.reconciliation import breaks, queries, runs

AnyRequest = Request[Any, Any, Any]
_REQUEST = "treasury.reconciliation.request"
_RUNS = f"{PATH}/runs"
_ONE = f"{PATH}/{{break_id:uuid}}"


@get(_RUNS, permission=READ)
async def run_page(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Show the runs, and what each of them found."""
    return await _runs(request, session, viewer, form_state())


@post(_RUNS, permission=_REQUEST, status_code=200)
async def run_now(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Compare the books as of the end of a day, now."""
    values = form_values(await request.form())
    try:
        day = dt.date.fromisoformat(values.get("day", ""))
    except ValueError:
        form = form_state(values, {"day": "Choose a day."})
        return await _runs(request, session, viewer, form, status=422)
    try:
        done = await runs.reconcile(session, day=day)
    except InvalidInput as error:
        return await _runs(request, session, viewer, form_state(values, error.fields), status=422)
    run = done.run
    said = (
        f"Compared: {run.matched} match. New breaks: {run.opened}, gone: {run.closed},"
        f" open: {run.broken}."
    )
    return flash(request, see_other(PATH), said)


async def _runs(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    found = await queries.runs(session, limit=60)
    ordered = sorted(found[:30], key=lambda one: one.id)
    chart = {
        "x": [one.finished_at.strftime("%-d %b %H:%M") for one in ordered],
        "series": [
            {"name": "Open", "type": "bar", "data": [r.broken for r in ordered], "c": "chart-1"},
            {
                "name": "In transit",
                "type": "bar",
                "data": [one.in_transit for one in ordered],
                "c": "chart-2",
            },
        ],
    }
    return await page(
        request,
        "backoffice/reconciliation_runs.html",
        title="Runs",
        active=PATH,
        status=status,
        form=form,
        rows=found,
        chart=chart,
        today=now().date(),
        may_run=viewer.may(_REQUEST),
    )


@get(_ONE, permission=READ)
async def break_page(
    request: AnyRequest, session: Session, viewer: Seen, break_id: FromPath[UUID]
) -> Response[Any]:
    """Show a break: what each side says, what would mend it, and its whole way."""
    return await _break(request, session, viewer, break_id, form_state())


@post(f"{_ONE}/take", permission=_REQUEST, status_code=200)
async def take(
    request: AnyRequest, session: Session, viewer: Seen, break_id: FromPath[UUID]
) -> Response[Any]:
    """Make the viewer the break's owner."""
    await breaks.take_over(session, break_id=break_id, viewer=viewer)
    return flash(request, see_other(f"{PATH}/{break_id}"), "It is yours now.")


@post(f"{_ONE}/remark", permission=_REQUEST, status_code=200)
async def remark(
    request: AnyRequest, session: Session, viewer: Seen, break_id: FromPath[UUID]
) -> Response[Any]:
    """Add what somebody found out."""
    values = form_values(await request.form())
    try:
        await breaks.remark(session, break_id=break_id, text=values.get("text", ""))
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _break(request, session, viewer, break_id, form, status=422)
    return flash(request, see_other(f"{PATH}/{break_id}"), "Added.")


@post(f"{_ONE}/write-off", permission=_REQUEST, status_code=200)
async def write_off(
    request: AnyRequest, session: Session, viewer: Seen, break_id: FromPath[UUID]
) -> Response[Any]:
    """Ask somebody else to give the difference up."""
    values = form_values(await request.form())
    try:
        await breaks.ask_write_off(session, break_id=break_id, reason=values.get("reason", ""))
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _break(request, session, viewer, break_id, form, status=422)
    said = "Asked. It is written off when somebody else agrees."
    return flash(request, see_other(f"{PATH}/{break_id}"), said)


async def _break(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    break_id: UUID,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    row = await queries.one_break(session, break_id)
    if row is None:
        raise NotFound
    subject = ("reconciliation_break", row.id)
    asked = await approval_queries.of_subject(session, breaks.KIND, subject)
    word, kind = STATE_WORDS[row.state]
    return await page(
        request,
        "backoffice/reconciliation_break.html",
        title=row.reference,
        active=PATH,
        status=status,
        form=form,
        row=row,
        kind=KIND_WORDS[row.kind],
        sides=[
            (SIDE_WORDS["ledger"], row.amount_ledger),
            (SIDE_WORDS["platform"], row.amount_platform),
            (SIDE_WORDS["psp"], row.amount_psp),
        ],
        state_word=word,
        state_kind=kind,
        entry=entry_of(row),
        trail=await queries.steps(session, break_id),
        asked=asked[0] if asked else None,
        mine=row.owner_id == viewer.id,
        may_act=viewer.may(_REQUEST) and row.state == "open",
    )


ROUTES: list[HTTPRouteHandler] = [
    *LISTING.routes(),
    run_page,
    run_now,
    break_page,
    take,
    remark,
    write_off,
]
