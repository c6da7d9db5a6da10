"""What somebody was told: the list behind the bell, the same on every surface with people.

They stand here because the room of messages, below, knows no web framework.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.database import TenantSession
from kernel.errors import NotFound, ProductError
from kernel.language import current, gettext
from kernel.viewer import Viewer
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_values, page, see_other
from messaging import kinds, notifications, pushes, queries
from tenants.inject import Outside

AnyRequest = Request[Any, Any, Any]
_HOME = "/notifications"
_PAGE = 25


@get(_HOME, permission=SELF)
async def show_notifications(
    request: AnyRequest, session: Session, viewer: Seen, ports: Outside
) -> Response[Any]:
    """List what the viewer was told, newest first: all of it, or what is unread."""
    only_unread = request.query_params.get("show") == "unread"
    before = _uuid(request.query_params.get("before", ""))
    rows = await queries.notifications(
        session, user_id=viewer.id, unread=only_unread, before=before, limit=_PAGE + 1
    )
    muted = await queries.push_mutes(session, [viewer.id])
    return await page(
        request,
        "notifications/list.html",
        title=gettext("Notifications"),
        active=_HOME,
        rows=[notifications.told(row) for row in rows[:_PAGE]],
        only_unread=only_unread,
        unread=await queries.unread_count(session, user_id=viewer.id),
        older=str(rows[_PAGE - 1].id) if len(rows) > _PAGE else "",
        is_first=before is None,
        kinds=[
            (name, gettext(label), (viewer.id, name) not in muted)
            for name, label in kinds.BY_AUDIENCE.get(viewer.kind, {}).items()
        ],
        browsers=len(await queries.push_subscriptions(session, [viewer.id])),
        push_key=await pushes.public_key(session, vault=ports.vault),
    )


@get("/notifications/{notification_id:uuid}", permission=SELF)
async def open_notification(
    session: Session, viewer: Seen, notification_id: FromPath[UUID]
) -> Response[None]:
    """Go where a notification leads; it counts as read from now on."""
    row = await queries.notification(session, notification_id, user_id=viewer.id)
    if row is None:
        raise NotFound
    await notifications.mark_read(session, user_id=viewer.id, ids=[row.id])
    return see_other(row.href or _HOME)


@post("/notifications/read", permission=SELF, status_code=200)
async def read_notifications(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Mark one notification as read, or all of them; it comes back to where it was."""
    form = await request.form()
    only = _uuid(str(form.get("id") or ""))
    if form.get("id") and only is None:
        raise NotFound
    count = await notifications.mark_read(
        session, user_id=viewer.id, ids=[only] if only is not None else None
    )
    show = "?show=unread" if form.get("show") == "unread" else ""
    response = see_other(f"{_HOME}{show}")
    if only is None and count:
        flash(request, response, gettext("Everything is marked as read."))
    return response


@post("/notifications/preferences", permission=SELF, status_code=200)
async def choose(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Keep which kinds are pushed; in the product everything is told."""
    form = await request.form()
    await notifications.choose_pushes(
        session, user_id=viewer.id, audience=viewer.kind, wanted=_wanted(form)
    )
    return flash(request, see_other(_HOME), gettext("Your choice is saved."))


@post("/notifications/push", permission=SELF, status_code=200)
async def subscribe(
    request: AnyRequest, session: Session, viewer: Seen, ports: Outside
) -> Response[dict[str, str]]:
    """Remember the browser that asks; only a script can, since only it knows the browser's keys."""
    values = form_values(await request.form())
    try:
        await pushes.subscribe(
            session,
            user_id=viewer.id,
            endpoint=values.get("endpoint", ""),
            public_key=values.get("p256dh", ""),
            secret=values.get("auth", ""),
            language=current(),
            vault=ports.vault,
        )
    except ProductError as error:
        text = next(iter(error.fields.values()), error.text)
        return Response({"detail": gettext(text)}, status_code=error.status)
    return Response({"detail": gettext("This browser shows notifications from now on.")})


@post("/notifications/push/remove", permission=SELF, status_code=200)
async def unsubscribe(request: AnyRequest, session: Session, viewer: Seen) -> Response[Any]:
    """Forget one browser of the viewer, by its address, or all of them."""
    values = form_values(await request.form())
    gone = await _forget(session, viewer, values.get("endpoint", ""))
    if "text/html" not in request.headers.get("accept", ""):
        return Response({"detail": gettext("This browser shows no notifications any more.")})
    text = gettext("No browser shows notifications any more.") if gone else ""
    response = see_other(_HOME)
    return flash(request, response, text) if text else response


async def _forget(session: TenantSession, viewer: Viewer, endpoint: str) -> int:
    return await pushes.unsubscribe(session, user_id=viewer.id, endpoint=endpoint)


def _wanted(form: FormMultiDict) -> list[str]:
    return [str(value) for value in form.getall("push", [])]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES: list[HTTPRouteHandler] = [
    show_notifications,
    open_notification,
    read_notifications,
    choose,
    subscribe,
    unsubscribe,
]
