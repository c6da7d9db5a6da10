"""Periods of the book: closed up to a day, and opened again for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from backoffice.book.trial import HERE
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from ledger import periods, queries
from ledger.errors import BookBusy, PeriodUnchanged

_HERE = f"{HERE}/periods"
_CHANGE = "ledger.period.change"


@get(_HERE, permission="ledger.entry.read")
async def show(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Show up to where the book is closed, and every act that closed or opened it."""
    return await _page(request, session, viewer, form_state({}))


@post(f"{_HERE}/close", permission=_CHANGE, status_code=200)
async def close(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Close the book up to the end of a day: nothing may be dated into it any more."""
    values = form_values(await request.form())
    try:
        day = _day(values, "until")
        await periods.close(
            session,
            before=_midnight(day + timedelta(days=1)),
            reason=values.get("reason", ""),
        )
    except InvalidInput as error:
        return await _page(request, session, viewer, form_state(values, error.fields, error.text))
    except (PeriodUnchanged, BookBusy) as error:
        return flash(request, see_other(_HERE), error.text, kind="negative")
    return flash(request, see_other(_HERE), f"The book is closed up to {day.isoformat()}.")


@post(f"{_HERE}/reopen", permission=_CHANGE, status_code=200)
async def reopen(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Open the book again from a day on, or all of it, for a reason that stays in the list."""
    values = form_values(await request.form())
    try:
        day = _day(values, "from") if values.get("from") else None
        await periods.reopen(
            session,
            before=_midnight(day) if day else None,
            reason=values.get("why", ""),
        )
    except InvalidInput as error:
        fields = {("why" if name == "reason" else name): text for name, text in _fields(error)}
        return await _page(request, session, viewer, form_state(values, fields, error.text))
    except (PeriodUnchanged, BookBusy) as error:
        return flash(request, see_other(_HERE), error.text, kind="negative")
    told = f"from {day.isoformat()} on" if day else "in whole"
    return flash(request, see_other(_HERE), f"The book is open again {told}.")


async def _page(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, form: dict[str, Any]
) -> Response[Any]:
    closed = await queries.closed_before(session)
    return await page(
        request,
        "backoffice/book_periods.html",
        title="Periods",
        active=HERE,
        status=422 if form["errors"] else 200,
        form=form,
        closed_until=(closed - timedelta(days=1)).date() if closed else None,
        yesterday=now().date() - timedelta(days=1),
        acts=await queries.period_acts(session),
        may_change=viewer.may(_CHANGE),
    )


def _fields(error: InvalidInput) -> list[tuple[str, str]]:
    return list(error.fields.items())


def _day(values: Mapping[str, str], name: str) -> date:
    """Return the day that was typed; raise InvalidInput for none, or one that is not over."""
    try:
        found = date.fromisoformat(values.get(name, ""))
    except ValueError:
        raise InvalidInput({name: "Choose a day."}) from None
    if found.year < 2000 or found >= now().date():
        raise InvalidInput({name: "Choose a day that is over."})
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


ROUTES: list[HTTPRouteHandler] = [show, close, reopen]
