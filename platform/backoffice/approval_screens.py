"""Requests that wait for other eyes: what waits for me, what I asked for, and each with its chain.

Rooms say what their requests are called and where their subjects stand; `WORDS` and `SUBJECTS`
are the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from approvals import queries, requests
from approvals.models import Approval, ApprovalDecision
from approvals.queries import Reader
from approvals.requests import AlreadyDecided, SamePerson
from identity.listings.listing import Cells, Found, Listing
from identity.shell.counters import Counter
from identity.shell.queries import the_viewer
from kernel.database import TenantSession
from kernel.errors import Forbidden, InvalidInput, NotFound, ProductError
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other
from kernel.web.table import Column, State, Table

AnyRequest = Request[Any, Any, Any]
_READ = "approvals.request.read"
_HERE = "/approvals"
# Somebody should look within half a working day.
_PATIENCE = timedelta(hours=4)
_STATES = {
    "open": "Waiting",
    "granted": "Approved",
    "rejected": "Rejected",
    "voided": "Void",
}
_PLACES = {"waiting": "Waiting for me", "asked": "Asked by me"}
# Where a subject stands, by its kind; a page that somebody may not see answers them as always.
SUBJECTS = {
    "withdrawal": "/backoffice/withdrawals/{}",
    "adjustment": "/backoffice/adjustments/{}",
}
TABLE = Table(
    name="approvals",
    path=_HERE,
    columns=(
        Column("summary", "Request", pinned=True),
        Column("kind", "Kind", "choice", filtered=True, pattern="[a-z_]{1,40}", wide=True),
        Column("asked", "Asked by", sortable=True, filtered=True, wide=True),
        Column("step", "Step", "number", end=True, wide=True),
        Column("opened", "Asked", "date", sortable=True, filtered=True, end=True, wide=True),
        Column("state", "State", "choice", filtered=True, end=True, choices=tuple(_STATES.items())),
        Column("closed", "Closed", "date", filtered=True, shown=False),
        Column("reason", "Reason", shown=False),
        Column(
            "place",
            "Asked as",
            "choice",
            filtered=True,
            shown=False,
            choices=tuple(_PLACES.items()),
        ),
    ),
    sort="-opened",
    opening="place=waiting",
)
_CELLS: dict[str, Callable[[Approval], Cells]] = {
    "summary": lambda row: row.summary,
    "kind": lambda row: kind_words(row.kind),
    "asked": lambda row: row.maker_label,
    "step": lambda row: f"{row.step} of {row.steps}",
    "opened": lambda row: row.opened_at,
    "state": lambda row: _STATES[row.state],
    "closed": lambda row: row.closed_at,
    "reason": lambda row: row.reason,
    "place": lambda row: row.maker_kind.capitalize(),
}


def kind_words(kind: str) -> str:
    """Return what a kind of request is called."""
    return kind.replace("_", " ").capitalize()


def _reader(viewer: Viewer, permission: str = _READ) -> Reader:
    whole = viewer.owner(_READ) is None and viewer.owner(permission) is None
    return Reader(viewer.id, tuple(viewer.grants), whole=whole)


async def _find(
    request: AnyRequest, session: TenantSession, viewer: Viewer, state: State
) -> Found[Approval]:
    reader = _reader(viewer)
    current = state.choices.get("place", "")
    tabs = [
        {
            "label": label,
            "href": state.address(place=place or None),
            "active": current == place,
            "hot": place == "waiting",
            "count": await queries.count(
                session, TABLE.read({"place": place} if place else {}), reader=reader
            ),
        }
        for place, label in (*_PLACES.items(), ("", "All that I see"))
    ]
    named = [(kind, kind_words(kind)) for kind in await queries.kinds(session)]
    context = {
        "tabs": tabs,
        "picks": [{"name": "kind", "label": "Kind", "options": named}],
        "kind_words": kind_words,
        "words": _STATES,
    }
    total = await queries.count(session, state, reader=reader)
    return Found(await queries.page(session, state, reader=reader), total, context)


async def _rows(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    state: State,
    *,
    limit: int,
    permission: str,
) -> list[Approval]:
    return await queries.rows(session, state, reader=_reader(viewer, permission), limit=limit)


async def _count(session: TenantSession, viewer: Viewer, state: State) -> int:
    return await queries.count(session, state, reader=_reader(viewer))


@get("/approvals/{approval_id:uuid}", permission=_READ)
async def show(
    request: AnyRequest, session: Session, viewer: Seen, approval_id: FromPath[UUID]
) -> Response[Any]:
    """Show one request: what exactly is asked, its chain, and the decision where it is mine."""
    return await _page(request, session, viewer, approval_id, form_state())


@post("/approvals/{approval_id:uuid}/decision", permission=_READ, status_code=200)
async def decide(
    request: AnyRequest, session: Session, viewer: Seen, approval_id: FromPath[UUID]
) -> Response[Any]:
    """Give one's word on the step that waits."""
    values = form_values(await request.form())
    if not await queries.is_seen(session, approval_id, reader=_reader(viewer)):
        raise NotFound
    approve = values.get("verdict") == "approve"
    try:
        asked = await requests.decide(
            session,
            approval_id=approval_id,
            viewer=viewer,
            approve=approve,
            reason=values.get("reason", ""),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
        return await _page(request, session, viewer, approval_id, form, status=422)
    except (SamePerson, AlreadyDecided, Forbidden) as error:
        form = form_state(message=error.text)
        return await _page(request, session, viewer, approval_id, form, status=error.status)
    told = "approved" if approve else "rejected"
    rest = f" Step {asked.step} of {asked.steps} waits now." if asked.state == "open" else ""
    return flash(request, see_other(_HERE), f"“{asked.summary}” {told}.{rest}")


async def _page(
    request: AnyRequest,
    session: TenantSession,
    viewer: Viewer,
    approval_id: UUID,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    asked = await queries.approval(session, approval_id)
    if asked is None or not await queries.is_seen(session, approval_id, reader=_reader(viewer)):
        raise NotFound
    given = await queries.decisions(session, approval_id)
    subject = SUBJECTS.get(asked.subject_kind)
    return await page(
        request,
        "backoffice/approval.html",
        title=asked.summary,
        active=_HERE,
        status=status,
        asked=asked,
        kind=kind_words(asked.kind),
        words=_STATES,
        content=[(kind_words(name), _shown(value)) for name, value in asked.content.items()],
        chain=chain(request.app.state.permissions, asked, given),
        decisions=given,
        subject=subject.format(asked.subject_id) if subject else "",
        blocked=await blocked(session, viewer, asked),
        form=form,
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{kind_words(str(name))} {_shown(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(_shown(one) for one in value) or "–"
    return "–" if value in (None, "") else str(value)


def chain(
    permissions: dict[str, str], asked: Approval, given: Sequence[ApprovalDecision]
) -> list[dict[str, Any]]:
    """Return a stop for each step: who decided it, who may, and which is next."""
    by_step = {one.step: one for one in given}
    stops: list[dict[str, Any]] = []
    for step, permission in enumerate(asked.permissions, start=1):
        word = by_step.get(step)
        may = f"Somebody who may: {permissions.get(permission, permission)}"
        if word is not None:
            state = "ok" if word.approve else "bad"
            verdict = "Approved by" if word.approve else "Rejected by"
            line = f"{verdict} {word.label}" + (f": {word.reason}" if word.reason else "")
            stops.append(
                {"state": state, "label": f"Step {step}", "line": line, "time": word.decided_at}
            )
        else:
            waits = asked.state == "open" and step == asked.step
            stops.append(
                {"state": "now" if waits else "todo", "label": f"Step {step}", "line": may}
            )
    return stops


async def blocked(session: TenantSession, viewer: Viewer, asked: Approval) -> str:
    """Return why this viewer does not decide the step that waits; empty when they may."""
    if asked.state != "open":
        return f"This request is {_STATES[asked.state].lower()}."
    refusal: type[ProductError] | None = None
    if not viewer.may(asked.permissions[asked.step - 1]):
        return "Your role does not decide this step."
    if await queries.is_concerned(session, asked, viewer.id):
        refusal = SamePerson
    elif await queries.has_decided(session, asked, viewer.id):
        return "You have given your word. Somebody else decides the next step."
    return str(refusal.message) if refusal else ""


LISTING = Listing(
    table=TABLE,
    title="Approvals",
    template="backoffice/approvals.html",
    permission=_READ,
    find=_find,
    cells=_CELLS,
    heads={"opened": ("Asked (UTC)",), "closed": ("Closed (UTC)",)},
    export="approvals.request.export",
    rows=_rows,
    count=_count,
)
COUNTER = Counter(_HERE, _READ, lambda _own: queries.waiting(_PATIENCE, viewer_id=the_viewer()))
ROUTES: list[HTTPRouteHandler] = [*LISTING.routes(), show, decide]
