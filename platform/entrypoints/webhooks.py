"""Where providers call: verified over the raw bytes, answered after the commit."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.errors import NotFound
from kernel.failpoints import reach
from kernel.web.access import PUBLIC
from kernel.web.inject import Session
from tenants.inject import Outside
from treasury import receipts

BODY_MAX = 256 * 1024


@post("/hooks/{kind:str}/{token:str}", permission=PUBLIC, status_code=200, include_in_schema=False)
async def receive(
    request: Request[Any, Any, Any],
    session: Session,
    ports: Outside,
    kind: FromPath[str],
    token: FromPath[str],
) -> Response[str]:
    """Store a payment provider's event once; a wrong signature leaves only a refusal."""
    if kind != "payments":
        raise NotFound
    body = await request.body()
    if len(body) > BODY_MAX:
        return Response("too large", status_code=413, media_type=MediaType.TEXT)
    receipt = await receipts.receive(
        session,
        token=token,
        body=body,
        headers=dict(request.headers.items()),
        payments=ports.payments,
        vault=ports.vault,
    )
    reach("treasury.after_webhook_stored")
    return Response(receipt.outcome, status_code=receipt.status, media_type=MediaType.TEXT)


ROUTES: list[HTTPRouteHandler] = [receive]
