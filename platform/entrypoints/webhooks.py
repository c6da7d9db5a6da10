"""Where providers call: verified over the raw bytes, answered after the commit."""

from __future__ import annotations

from litestar import route
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from connectors.payments.engine.port import Answering, Call
from kernel.errors import NotFound
from kernel.web.access import PUBLIC
from treasury.receipts import Reception

BODY_MAX = 256 * 1024
_PAYMENTS = "/hooks/payments/"
_METHODS = ("GET", "POST")
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@route(
    "/hooks/{kind:str}/{token:str}",
    http_method=["GET", "POST"],
    permission=PUBLIC,
    status_code=200,
    include_in_schema=False,
)
async def receive_webhook(kind: FromPath[str], token: FromPath[str]) -> None:
    """Declare the address, and find nothing: what somebody receives, `Hooks` has answered."""
    del kind, token
    raise NotFound


ROUTES: list[HTTPRouteHandler] = [receive_webhook]


class Hooks:
    """ASGI middleware that answers `/hooks/payments/TOKEN[/NAME]` without the framework.

    Providers send storms of these, most by POST and some by GET. Whatever else is asked for goes
    on to the site's own application, and so does a token that nobody has.
    """

    def __init__(self, app: ASGIApp, reception: Reception) -> None:
        """Wrap the application of the public site."""
        self._app = app
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store a provider's event once; a wrong signature leaves only a refusal."""
        token, name = _token(scope) if scope["type"] == ScopeType.HTTP else ("", "")
        if scope["type"] == ScopeType.HTTP and token:
            # The log names the route by its handler.
            scope["route_handler"] = receive_webhook
            body = await _whole(receive)
            if body is None:
                await _answer(send, Answering(413, _PLAIN, b"too large"))
                return
            try:
                answering = await self._receive(scope, token, name, body)
            except NotFound:
                pass
            else:
                await _answer(send, answering)
                return
        await self._app(scope, receive, send)

    async def _receive(self, scope: HTTPScope, token: str, name: str, body: bytes) -> Answering:
        call = Call(
            body=body,
            headers={
                name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]
            },
            query=scope["query_string"].decode("latin-1"),
            method=scope["method"],
            path=scope["path"],
        )
        tenant = scope["state"]["tenant"]
        if name:
            address = scope["client"][0] if scope["client"] else ""
            return await self._reception.called(
                tenant, token=token, name=name, call=call, address=address
            )
        return (await self._reception.receive(tenant, token=token, call=call)).answering


def _token(scope: HTTPScope) -> tuple[str, str]:
    """Return the token of a provider's call, and the name of our address behind it, if any.

    Only a provider that calls us has named addresses. Both are empty for any other request.
    """
    path = scope["path"]
    if scope["method"] not in _METHODS or not path.startswith(_PAYMENTS):
        return "", ""
    rest = path[len(_PAYMENTS) :].removesuffix("/")
    token, _, name = rest.partition("/")
    return (token, name) if "/" not in name and not rest.endswith("/") else ("", "")


async def _whole(receive: Receive) -> bytes | None:
    """Read the body; None for one that is too large or never ends."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        size += len(message["body"])
        if size > BODY_MAX:
            return None
        if not message["more_body"]:
            return b"".join(parts)


async def _answer(send: Send, answering: Answering) -> None:
    headers = [
        (name.lower().encode("latin-1"), text.encode("latin-1"))
        for name, text in answering.headers.items()
    ]
    headers.append((b"content-length", b"%d" % len(answering.body)))
    await send({"type": "http.response.start", "status": answering.status, "headers": headers})
    await send({"type": "http.response.body", "body": answering.body, "more_body": False})
