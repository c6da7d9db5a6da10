"""The edge of a request: its transaction and its viewer, around a surface's application.

The whole answer waits for the commit, so that nobody is told of a change that was lost;
an answer that came from an error rolls the transaction back.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from kernel.actor import VISITOR
from kernel.database import ControlSession, Database, TenantSession
from kernel.viewer import Viewer


class Authenticator(Protocol):
    """Finds out who sends a request, from its cookie or its API key."""

    async def __call__(
        self, session: TenantSession | ControlSession, scope: Scope
    ) -> Viewer | None:
        """Return the viewer, or None for a visitor."""
        ...


class _Abandoned(Exception):
    """Leaves the transaction so that it is rolled back."""


class Edge:
    """ASGI middleware: one request, one transaction, committed before the answer leaves."""

    def __init__(self, app: ASGIApp, database: Database, authenticate: Authenticator) -> None:
        """Wrap a surface's application."""
        self._app = app
        self._database = database
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the transaction, run the application, commit, then send."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        try:
            async with self._transaction(scope) as session:
                viewer = await self._authenticate(session, scope)
                scope["user"] = viewer
                scope["auth"] = None
                session.info["actor"] = viewer.actor if viewer else VISITOR
                scope["state"]["session"] = session
                await self._app(scope, receive, hold)
                if scope["state"].get("rollback"):
                    raise _Abandoned
        except _Abandoned:
            pass
        for message in held:
            await send(message)

    def _transaction(
        self, scope: Scope
    ) -> AbstractAsyncContextManager[TenantSession | ControlSession]:
        state: dict[str, Any] = scope["state"]
        request_id = state["request_id"]
        if state["tenant"] is None:
            return self._database.control(request_id=request_id)
        return self._database.tenant(state["tenant"], request_id=request_id)
