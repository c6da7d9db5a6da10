"""Live updates: an open answer of server-sent events for each window of a signed-in person.

The edge holds an answer back until its transaction is committed, which an answer without an end
never is. So these go past it, as providers' calls do: each look is a short transaction of its own,
in which session and notifications are read; between looks a stream holds no connection to the
database. A stream ends with its session, whose idle limit it does not move.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs
from uuid import UUID

from litestar import get
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from identity import sessions
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.log import logger
from kernel.web.access import SELF
from kernel.web.cookies import cookie_of
from messaging import notifications, queries
from messaging.live import Windows
from messaging.models import Notification

_LOG = logger(__name__)
PATH = "/events"
# Of what is committed late, the id is older than what was seen: so far back is looked again.
_LATE_MILLISECONDS = 30_000
_AT_ONCE = 50
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@get(PATH, permission=SELF)
async def events() -> None:
    """Declare the address, and find nothing: what a browser receives, `Streams` has answered."""
    raise NotFound


ROUTES: list[HTTPRouteHandler] = [events]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many streams there may be, and how often (seconds) a silent one is looked after."""

    of_one_person: int = 8
    of_all: int = 1000
    heartbeat: float = 15.0
    sending: float = 10.0


@dataclass(slots=True)
class _Window:
    """One stream: whose it is, and how far it has told its reader."""

    tenant: TenantRef
    user_id: UUID
    cookie: str
    host: str
    surface: str
    position: UUID
    unread: int = -1
    seen: set[UUID] = field(default_factory=set)


class Streaming:
    """What the streams of a process share: who is rung, the bounds, and the end of the process."""

    def __init__(
        self, database: Database, windows: Windows, *, https: bool, bounds: Bounds | None = None
    ) -> None:
        """Take where streams read, and who rings them."""
        self.database = database
        self.windows = windows
        self.bounds = bounds or Bounds()
        self.cookie_name = sessions.cookie_name(https=https)
        self.closing = False

    def close(self) -> None:
        """End every stream: the process stops. Browsers come back to another one."""
        self.closing = True
        self.windows.wake()

    async def answer(self, scope: HTTPScope, surface: str, receive: Receive, send: Send) -> None:
        """Open a stream, or say why not."""
        window = await self._entered(scope, surface)
        if window is None:
            await _refuse(send, 401, "Sign in to continue.")
            return
        if self.closing or self.windows.count() >= self.bounds.of_all:
            await _refuse(send, 503, "Too many windows are open here. Try again in a minute.")
            return
        if self.windows.count(window.tenant, window.user_id) >= self.bounds.of_one_person:
            await _refuse(send, 429, "You have too many windows open. Close some of them.")
            return
        with self.windows.opened(window.tenant, window.user_id) as bell:
            leaving = asyncio.create_task(_left(receive))
            leaving.add_done_callback(lambda _: bell.set())
            try:
                await self._send(send, {"type": "http.response.start", "status": 200,
                                        "headers": _HEADERS})  # fmt: skip
                await self._tell(window, bell, leaving, send)
            except TimeoutError:
                return  # whoever takes nothing for so long has gone
            finally:
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)

    async def _tell(
        self,
        window: _Window,
        bell: asyncio.Event,
        leaving: asyncio.Task[None],
        send: Send,
    ) -> None:
        """Send what there is, and then whatever comes, until session, reader or process end."""
        lines = b"retry: 3000\n\n"
        bell.set()
        while not leaving.done() and not self.closing:
            try:
                pause = self.bounds.heartbeat * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
                await asyncio.wait_for(bell.wait(), pause)
            except TimeoutError:
                lines += b": \n\n"
            bell.clear()
            if leaving.done() or self.closing:
                break
            found = await self._look(window)
            if found is None:
                break
            lines += found
            if lines:
                await self._send(send, _body(lines, more=True))
            lines = b""
        if not leaving.done():
            await self._send(send, _body(b"", more=False))

    async def _send(self, send: Send, message: Message) -> None:
        await asyncio.wait_for(send(message), self.bounds.sending)

    async def _entered(self, scope: HTTPScope, surface: str) -> _Window | None:
        """Return the window of whoever asks, or None for a visitor."""
        state = scope["state"]
        cookie, tenant, host = cookie_of(scope, self.cookie_name), state["tenant"], state["host"]
        if not cookie:
            return None
        async with self.database.tenant_read(tenant) as session:
            user_id = await sessions.holder(session, value=cookie, host=host, surface=surface)
            if user_id is None:
                return None
            window = _Window(tenant, user_id, cookie, host, surface, _position(scope) or uuid7())
            for row in await queries.notifications_since(
                session, user_id=user_id, floor=_floor(window.position), limit=_AT_ONCE
            ):
                if row.id <= window.position:
                    window.seen.add(row.id)
        return window

    async def _look(self, window: _Window) -> bytes | None:
        """Return what is new for a window; None when its session has ended."""
        async with self.database.tenant_read(window.tenant) as session:
            holder = await sessions.holder(
                session, value=window.cookie, host=window.host, surface=window.surface
            )
            if holder != window.user_id:
                return None
            rows = await queries.notifications_since(
                session, user_id=holder, floor=_floor(window.position), limit=_AT_ONCE
            )
            unread = await queries.unread_count(session, user_id=holder)
        new = [row for row in rows if row.id not in window.seen]
        lines = _notifications(window, new, unread)
        if unread != window.unread and not new:
            lines += _event("unread", {"unread": unread})
        window.unread = unread
        floor = _floor(window.position)
        window.seen = {one for one in window.seen | {row.id for row in new} if one > floor}
        return lines


class Streams:
    """ASGI middleware that answers `GET /events` of one surface outside of its application."""

    def __init__(self, app: ASGIApp, surface: str, streaming: Streaming) -> None:
        """Wrap a surface's application."""
        self._app = app
        self._surface = surface
        self._streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == ScopeType.HTTP and scope["path"] == PATH and scope["method"] == "GET":
            # The log names the route by its handler.
            scope["route_handler"] = events
            await self._streaming.answer(scope, self._surface, receive, send)
            return
        await self._app(scope, receive, send)


def _notifications(window: _Window, new: Sequence[Notification], unread: int) -> bytes:
    lines = b""
    for row in new:
        window.position = max(window.position, row.id)
        told = notifications.told(row)
        body = {
            "kind": told.kind,
            "title": told.title,
            "body": told.body,
            "href": f"/notifications/{told.id}",
            "unread": unread,
        }
        lines += _event("notification", body, window.position)
    for kind in sorted({row.kind for row in new}):
        lines += _event("refresh", {"what": kind})
    return lines


def _event(name: str, body: dict[str, object], position: UUID | None = None) -> bytes:
    number = f"id: {position}\n" if position else ""
    return f"event: {name}\n{number}data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _position(scope: HTTPScope) -> UUID | None:
    """Return the last event that the browser has, from its header or, in a new window, `after`."""
    text = Headers.from_scope(scope).get("last-event-id", "")
    text = text or parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]
    try:
        return UUID(text)
    except ValueError:
        return None


def _floor(position: UUID) -> UUID:
    """Return the smallest id of a moment a little before another id."""
    milliseconds = max(0, (position.int >> 80) - _LATE_MILLISECONDS)
    return UUID(int=milliseconds << 80)


async def _left(receive: Receive) -> None:
    """Return when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(data: bytes, *, more: bool) -> Message:
    return cast("Message", {"type": "http.response.body", "body": data, "more_body": more})


async def _refuse(send: Send, status: int, text: str) -> None:
    title = HTTPStatus(status).phrase
    body = {"type": "urn:marque:problem:stream", "title": title, "status": status, "detail": text}
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
        *([(b"retry-after", b"60")] if status in (429, 503) else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode(),
                "more_body": False})  # fmt: skip
