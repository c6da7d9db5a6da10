"""Tasks of staff: one's own and the team's, overdue first; written, done, taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity.shell import queries, staff_tasks
from identity.shell.parts import Parts
from identity.shell.queries import TaskFilter, TaskRow
from identity.shell.staff_tasks import CHANGE, READ
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.viewer import Viewer
from kernel.web.cursors import cursor, read_cursor
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other

_HERE = "/tasks"
_PAGE = 50
_STATES = (("open", "Open"), ("late", "Late"), ("done", "Done"))


@get(_HERE, permission=READ)
async def show_tasks(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """List the viewer's tasks or the team's, with the form for a new one."""
    return await _page(request, session, viewer)


async def _page(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    *,
    form: dict[str, Any] | None = None,
) -> Response[Any]:
    query = dict(request.query_params.items()) if form is None else {}
    people = await staff_tasks.visible(session, viewer)
    alone = frozenset({viewer.id})
    team = query.get("of") == "team" and people != alone
    state = query.get("state", "open")
    narrowed = TaskFilter(
        people=people,
        reader=viewer.id,
        assignee_id=None if team else viewer.id,
        state=state if state in dict(_STATES) else "open",
        search=query.get("q", "")[:80],
    )
    moment = now()
    at = read_cursor(query.get("after", "")[:600], "date")
    place = (at.value, at.id) if at and isinstance(at.value, datetime) else None
    rows = await queries.tasks(
        session, narrowed=narrowed, moment=moment, after=place, limit=_PAGE + 1
    )
    counts = await queries.task_counts(session, narrowed=narrowed, moment=moment)
    kept = {name: query[name] for name in ("of", "q") if query.get(name)}
    subject = (
        _subject(query.get("about", ""))
        if form is None
        else _subject(form["values"].get("about", ""))
    )
    return await page(
        request,
        "shell/tasks.html",
        title="Tasks",
        active=_HERE,
        status=200 if form is None else 422,
        rows=await _shown(request, session, viewer, rows[:_PAGE]),
        count=counts[narrowed.state],
        tabs=_tabs(kept, narrowed.state, counts),
        whose=[
            {"label": "Mine", "href": _HERE, "active": not team},
            {"label": "Team’s", "href": f"{_HERE}?of=team", "active": team},
        ]
        if people != alone
        else [],
        team=team,
        next_href=_further(kept, narrowed.state, rows) if len(rows) > _PAGE else None,
        searched=narrowed.search,
        form=form or form_state(_blank(viewer, query)),
        opened=form is not None or "new" in query or subject is not None,
        about=await _about(request, session, viewer, subject),
        people=[
            (str(person_id), name)
            for person_id, name in await staff_tasks.assignable(session, viewer)
        ]
        if viewer.may(CHANGE)
        else [],
        may_change=viewer.may(CHANGE),
        chosen=query.get("task", ""),
        moment=moment,
    )


@post(_HERE, permission=CHANGE, status_code=200)
async def add(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Write a task, perhaps about a record that the viewer may see."""
    values = form_values(await request.form())
    subject = _subject(values.get("about", ""))
    parts: Parts = request.app.state.shell
    if subject and not await parts.catalogue.named(session, viewer, [subject]):
        raise NotFound
    try:
        await staff_tasks.create(
            session,
            viewer=viewer,
            title=values.get("title", ""),
            due_at=_moment(values.get("due", "")),
            assignee_id=_identity(values.get("assignee_id", "")) or viewer.id,
            subject=subject,
        )
    except InvalidInput as error:
        return await _page(
            request, session, viewer, form=form_state(values, error.fields, error.text)
        )
    href = parts.catalogue.href(viewer, *subject) if subject else ""
    return flash(request, see_other(href or _HERE), "The task is written.")


@post("/tasks/{task_id:uuid}/{verb:str}", permission=CHANGE, status_code=200)
async def mark(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Seen,
    task_id: FromPath[UUID],
    verb: FromPath[str],
) -> Response[Any]:
    """Mark a task as done, or take that back."""
    values = form_values(await request.form())
    back = values.get("next", _HERE)
    if verb == "done":
        task = await staff_tasks.finish(session, viewer=viewer, task_id=task_id)
        return flash(request, see_other(back), f"Done: {task.title}")
    if verb == "open":
        task = await staff_tasks.reopen(session, viewer=viewer, task_id=task_id)
        return flash(request, see_other(back), f"Open again: {task.title}", kind="info")
    raise NotFound


def _tabs(kept: dict[str, str], state: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "href": f"{_HERE}?{urlencode({**kept, 'state': name})}",
            "active": state == name,
            "count": counts[name],
            "hot": name == "late" and counts["late"] > 0,
        }
        for name, label in _STATES
    ]


async def _shown(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Viewer, rows: list[TaskRow]
) -> list[dict[str, Any]]:
    """Return the rows with what their subjects are called, for those the viewer may see."""
    parts: Parts = request.app.state.shell
    subjects = {row.subject for row in rows if row.subject}
    names = await parts.catalogue.named(session, viewer, subjects)
    shown = []
    for row in rows:
        source = parts.catalogue.source(row.subject_kind or "")
        name = names.get(row.subject) if row.subject else None
        href = parts.catalogue.href(viewer, *row.subject) if row.subject and name else ""
        # An account is shown on its client's page, which a kind and an id do not lead to.
        shown.append(
            {"task": row, "about": name, "href": href, "icon": source.icon if source else ""}
        )
    return shown


async def _about(
    request: Request[Any, Any, Any],
    session: TenantSession,
    viewer: Viewer,
    subject: tuple[str, UUID] | None,
) -> dict[str, str] | None:
    if subject is None:
        return None
    parts: Parts = request.app.state.shell
    name = (await parts.catalogue.named(session, viewer, [subject])).get(subject)
    return {"name": name, "value": f"{subject[0]}:{subject[1]}"} if name else None


def _blank(viewer: Viewer, query: dict[str, str]) -> dict[str, str]:
    due = now() + timedelta(days=1)
    return {
        "title": query.get("title", "")[:160],
        "due": due.replace(hour=16, minute=0).strftime("%Y-%m-%dT%H:%M"),
        "assignee_id": str(viewer.id),
    }


def _further(kept: dict[str, str], state: str, rows: list[TaskRow]) -> str:
    last = rows[_PAGE - 1]
    mark_ = cursor((last.done_at if state == "done" else None) or last.due_at, last.id, _PAGE)
    return f"{_HERE}?{urlencode({**kept, 'state': state, 'after': mark_})}"


def _subject(text: str) -> tuple[str, UUID] | None:
    kind, _, record_id = text.partition(":")
    found = _identity(record_id)
    return (kind, found) if found and kind else None


def _identity(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    """Read what a field for a day and a time sends; times are UTC, as on all pages of staff."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


ROUTES: list[HTTPRouteHandler] = [show_tasks, add, mark]
