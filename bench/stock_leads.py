"""The references of leads-page that render the whole page: raw ASGI, and FastAPI.

Each process asks the shipped application once, in itself, for what the page is rendered with:
the page's shell, the list's state, its filters and tabs. From then on a request costs one
statement for the 50 rows and one rendering of the shipped templates by Jinja2 as it comes, with
nothing of ours kept between two requests: no session, no permission, no transaction, no log.
`raw` is a bare ASGI function on granian, `fastapi` is FastAPI with its Jinja2Templates on
uvicorn (uvloop, httptools). Settings come from the environment, BENCH_COOKIE signs in.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.requests import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from granian import Granian
from granian.constants import Interfaces, Loops
from litestar import Request as LitestarRequest
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.bare_leads import SQL
from crm.lead_list import LeadRow
from entrypoints import wiring
from entrypoints.application import Web
from entrypoints.rendering import PageRenderer
from kernel import settings as kernel_settings
from kernel.language import speaking
from themes.loader import templates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEMPLATE = "crm/leads.html"


class _Listener:
    """Stands in the renderer's place and remembers what it was to render."""

    def __init__(self, renderer: PageRenderer) -> None:
        self.context: dict[str, Any] = {}
        self._renderer = renderer

    def __call__(
        self, request: LitestarRequest[Any, Any, Any], template: str, context: dict[str, Any]
    ) -> str:
        assert template == TEMPLATE, template
        page, values = self._renderer.prepared(request, template, context)
        self.context = {**values, "page": page, "brand": page.brand}
        return ""


async def _context() -> dict[str, Any]:
    """Ask the shipped application for the page, and return what it was rendered with."""
    web = Web(wiring.ports(kernel_settings.load(), pool_size=2))
    state = web.apps["staff"].state
    listener = _Listener(state.renderer)
    state.renderer = listener
    transport = httpx.ASGITransport(cast("Any", web))
    headers = {"host": os.environ["BENCH_HOST"], "cookie": os.environ["BENCH_COOKIE"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        answer = await client.get("/crm/leads", headers=headers)
        assert answer.status_code == 200, answer.status_code
    await wiring.close(web.ports)
    return listener.context


class Stock:
    """The page, its rows read anew and rendered anew at each request."""

    def __init__(self) -> None:
        """Take the stock environment; `open` comes before the first page."""
        self.environment = templates(fragments=False)
        self.context: dict[str, Any] = {}
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connect, and learn what surrounds the rows."""
        self.context = await _context()
        self._pool = await asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            max_size=12,
            server_settings={"search_path": os.environ["BENCH_SCHEMA"], "jit": "off"},
        )

    async def rows(self) -> list[LeadRow]:
        """Read the 50 newest leads."""
        assert self._pool is not None
        return [LeadRow(**row, sort_value=row["created_at"]) for row in await self._pool.fetch(SQL)]


def raw() -> ASGIApp:
    """Build the raw ASGI application; granian calls this."""
    stock = Stock()
    template = stock.environment.get_template(TEMPLATE)
    opening: list[asyncio.Task[None]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if not opening:
            opening.append(asyncio.create_task(stock.open()))
        await opening[0]
        rows = await stock.rows()
        with speaking("en"):
            body = template.render({**stock.context, "rows": rows}).encode()
        headers = [(b"content-type", b"text/html; charset=utf-8"),
                   (b"content-length", str(len(body)).encode())]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def fastapi() -> FastAPI:
    """Build the FastAPI application; uvicorn calls this."""
    stock = Stock()
    pages = Jinja2Templates(env=stock.environment)

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        await stock.open()
        yield

    application = FastAPI(lifespan=live, openapi_url=None)

    @application.get("/leads", response_class=HTMLResponse)
    async def leads(request: Request) -> HTMLResponse:
        rows = await stock.rows()
        return pages.TemplateResponse(request, TEMPLATE, {**stock.context, "rows": rows})

    return application


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "raw":
        Granian(
            "bench.stock_leads:raw",
            factory=True,
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            workers=1,
            log_access=False,
            websockets=False,
        ).serve()
    else:
        uvicorn.run(
            "bench.stock_leads:fastapi",
            factory=True,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_level="warning",
        )
