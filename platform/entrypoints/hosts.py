"""The front door: one Host header, an exact place, a request id, headers, log and metrics."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from entrypoints import languages, streams
from entrypoints.wordings import Wordings
from kernel.ids import token
from kernel.language import speaking
from kernel.log import logger
from kernel.web.pages import trace
from tenants.resolver import Place, Resolver, canonical
from themes.loader import render_bare

_LOG = logger("request")
_REQUESTS = Counter("marque_requests_total", "Requests answered.", ("surface", "method", "status"))
_SECONDS = Histogram("marque_request_seconds", "Time to answer.", ("surface",))


class FrontDoor:
    """ASGI application that sends each request to its surface's application."""

    def __init__(
        self,
        resolver: Resolver,
        surfaces: Mapping[str, ASGIApp],
        static: ASGIApp,
        *,
        port: int,
        https: bool,
        form_targets: str,
        wordings: Wordings,
    ) -> None:
        """Take the surfaces' applications; `form_targets` may be posted to besides self."""
        self._resolver = resolver
        self._wordings = wordings
        self._surfaces = surfaces
        self._static = static
        self._port = port
        self._https = https
        self._form_targets = form_targets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            return
        started = time.perf_counter()
        place = await self._place(scope)
        if place is None or place.state == "archived":
            await _answer_bare(send, 421, render_bare("errors/unknown_host.html"))
            return
        if place.state == "provisioning":
            await _answer_bare(send, 503, "This brokerage is being set up. Try again in a minute.")
            return
        request_id = token(9)
        scope["state"] = {
            **(scope.get("state") or {}),
            "place": place,
            "tenant": place.tenant,
            "surface": place.surface,
            "host": place.host,
            "request_id": request_id,
            "nonce": token(12),
            "language": languages.spoken(scope, place),
        }
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=request_id,
            surface=place.surface,
            tenant=place.tenant.slug if place.tenant else "",
        )
        status = [0]
        sender = self._with_headers(scope, place, send, status)
        try:
            plainly = not languages.translated(scope, place)
            own = await self._wordings.of(place.tenant)
            with speaking(scope["state"]["language"], own=own, plainly=plainly):
                await self._app(scope, place)(scope, receive, sender)
        except Exception as error:  # noqa: BLE001 - the last resort: a commit that failed, say
            _LOG.error("request failed", error=type(error).__name__, exception=trace(error))
            if not status[0]:
                text = f"Something failed on our side. Nothing was changed. {request_id}"
                await _answer_bare(sender, 500, text)
        self._note(scope, place, status[0], time.perf_counter() - started)

    async def _place(self, scope: Scope) -> Place | None:
        headers = [value for name, value in scope["headers"] if name == b"host"]
        if len(headers) != 1:
            return None
        try:
            host = canonical(headers[0].decode("ascii"), port=self._port)
        except UnicodeDecodeError:
            return None
        return await self._resolver.place(host) if host else None

    def _app(self, scope: Scope, place: Place) -> ASGIApp:
        if scope["path"].startswith("/static/"):
            return self._static
        surface = place.surface
        if surface == "ops" and not _from_here(scope):
            surface = "nothing"
        return self._surfaces.get(surface, _nothing)

    def _with_headers(self, scope: Scope, place: Place, send: Send, status: list[int]) -> Send:
        embedded = scope["path"].startswith("/embed/")
        extra = self._security_headers(scope, place, embedded=embedded)
        if chosen := languages.asked(scope):
            extra.append((b"set-cookie", languages.cookie(chosen, https=self._https)))

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                headers = list(message.get("headers", ()))
                if scope["path"].startswith("/static/") and b"v=" in scope["query_string"]:
                    headers = [pair for pair in headers if pair[0].lower() != b"cache-control"]
                    headers.append((b"cache-control", b"public, max-age=31536000, immutable"))
                message = {**message, "headers": [*headers, *extra]}
            await send(message)

        return sender

    def _security_headers(
        self, scope: Scope, place: Place, *, embedded: bool
    ) -> list[tuple[bytes, bytes]]:
        state: dict[str, Any] = scope["state"]
        forms = f"'self' {self._form_targets}" if place.surface == "trader" else "'self'"
        policy = (
            f"default-src 'self'; script-src 'self' 'nonce-{state['nonce']}';"
            " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none';"
            " connect-src 'self'; worker-src 'self'; manifest-src 'self';"
            f" base-uri 'none'; form-action {forms};"
            f" frame-ancestors {'*' if embedded else chr(39) + 'self' + chr(39)}"
        )
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "x-request-id": state["request_id"],
            "permissions-policy": "camera=(self), geolocation=(), microphone=()",
            "cross-origin-opener-policy": "same-origin",
        }
        if self._https:
            headers["strict-transport-security"] = "max-age=31536000"
        return [(name.encode(), value.encode()) for name, value in headers.items()]

    def _note(self, scope: HTTPScope, place: Place, status: int, seconds: float) -> None:
        _REQUESTS.labels(place.surface, scope["method"], status).inc()
        if scope["path"] != streams.PATH:  # as long as somebody stays
            _SECONDS.labels(place.surface).observe(seconds)
        if scope["path"].startswith("/static/"):
            return
        handler = scope.get("route_handler")
        route = getattr(handler, "handler_name", "") if handler is not None else ""
        _LOG.info(
            "request",
            method=scope["method"],
            route=str(route),
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )


def _from_here(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is None or ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await _answer_bare(send, 404, "There is nothing at this address.")


async def _answer_bare(send: Send, status: int, text: str) -> None:
    kind = b"text/html; charset=utf-8" if text.lstrip().startswith("<") else b"text/plain"
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), (b"cache-control", b"no-store")],
        }
    )
    await send({"type": "http.response.body", "body": text.encode(), "more_body": False})
