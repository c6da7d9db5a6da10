"""The web application: every surface behind one front door."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Litestar, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from entrypoints import catalogue, routes, wiring
from entrypoints.hosts import FrontDoor
from entrypoints.static_files import StaticFiles
from entrypoints.streams import Streaming, Streams
from entrypoints.surfaces import Surface, application, edged, hand_over
from entrypoints.webhooks import Hooks
from entrypoints.wordings import Wordings
from kernel import database as kernel_database
from kernel import gate, memory
from kernel import settings as kernel_settings
from kernel.errors import ProductError
from kernel.log import configure
from kernel.web import problems
from kernel.web.access import PUBLIC, require_declared
from messaging.liquid.renderer import Renderer
from messaging.live import Windows
from tenants.ports import Ports
from tenants.resolver import Resolver
from themes import loader
from treasury.receipts import Reception

# Where signed-in people's windows are told at once what is new.
_LIVE = frozenset({"staff", "trader", "partner"})


class Web:
    """The ASGI application of a web process, with the life of its connections."""

    def __init__(
        self,
        ports: Ports,
        *,
        surfaces: tuple[Surface, ...] | None = None,
        like: Web | None = None,
    ) -> None:
        """Build every surface; raise RouteWithoutPermission when a route is silent.

        Building takes a second. `like` is an earlier application of the same settings that serves
        no more, or has the same ports: its routes are taken over instead.
        """
        self.ports = ports
        settings = ports.settings
        known = {**catalogue.permissions(), **catalogue.VENDOR}
        standing = like.apps if like else {}
        self.apps: dict[str, Litestar] = {}
        for surface in surfaces or routes.surfaces():
            if surface.name in standing:
                self.apps[surface.name] = standing[surface.name]
                hand_over(standing[surface.name], surface, ports)
            else:
                self.apps[surface.name] = application(surface, ports, known)
        # Few wait, and not for long: each request holds a connection meanwhile.
        self.rendering = Renderer(waiting=6, patience=6.0)
        for app in self.apps.values():
            app.state.rendering = self.rendering
        self.ops: Litestar = like.ops if like else _ops()
        self.ops.state.ports = ports
        front: dict[str, Any] = {name: edged(name, app, ports) for name, app in self.apps.items()}
        front["public"] = Hooks(
            front["public"], Reception(ports.database, ports.gateways, ports.vault)
        )
        self._windows = Windows(ports.redis)
        self.streaming = Streaming(ports.database, self._windows, https=settings.https)
        for name in _LIVE & front.keys():
            front[name] = Streams(front[name], name, self.streaming)
        self._resolver = Resolver(ports.database, domain=settings.domain)
        self._door = FrontDoor(
            self._resolver,
            {**front, "ops": self.ops},
            StaticFiles(loader.static_path(), loader.static_folders()),
            port=settings.port,
            https=settings.https,
            form_targets=" ".join(
                ["https:", *(f"http://{entry}" for entry in sorted(settings.egress_allow))]
            ),
            wordings=Wordings(ports.database),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in the server's start and stop."""
        if str(scope["type"]) == "lifespan":
            await self._live(receive, send)
        else:
            await self._door(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        listening: list[asyncio.Task[None]] = []
        while True:
            message: Any = await receive()
            answer: Any = {"type": f"{message['type']}.complete"}
            if message["type"] == "lifespan.startup":
                listening = [
                    asyncio.create_task(self._resolver.listen(self.ports.redis)),
                    asyncio.create_task(self._windows.listen()),
                ]
                await send(answer)
                continue
            self.streaming.close()
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
            await self.rendering.close()
            await wiring.close(self.ports)
            await send(answer)
            return


def _ops() -> Litestar:
    """Build what only this machine may ask: health, readiness and metrics."""

    @get("/healthz", permission=PUBLIC)
    async def health() -> dict[str, str]:
        """Say that the process answers, whatever it depends on."""
        return {"status": "alive"}

    @get("/readyz", permission=PUBLIC)
    async def ready(state: State) -> Response[dict[str, str]]:
        """Say whether database, Redis and object store answer."""
        ports: Ports = state.ports
        checks = {
            "database": kernel_database.check(ports.database),
            "redis": _ping(ports),
            "objects": ports.store.check(),
        }
        results = await asyncio.gather(*checks.values(), return_exceptions=True)
        found = {
            name: type(result).__name__ if isinstance(result, BaseException) else "ready"
            for name, result in zip(checks, results, strict=True)
        }
        # Without Redis logins and money still work, so it does not take the process out.
        bad = [name for name, text in found.items() if text != "ready" and name != "redis"]
        return Response(found, status_code=503 if bad else 200)

    @get("/metrics", permission=PUBLIC)
    async def metrics() -> Response[bytes]:
        """Give Prometheus its numbers."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app = Litestar(
        [health, ready, metrics],
        openapi_config=None,
        logging_config=None,
        exception_handlers={
            ProductError: problems.answer_product_error,
            HTTPException: problems.answer_http_error,
        },
    )
    require_declared(app, {})
    return app


async def _ping(ports: Ports) -> None:
    await ports.redis.ping()


def create() -> Web:
    """Build the application of one worker process; granian calls this."""
    configure("web")
    gate.wait()
    web = Web(wiring.ports(kernel_settings.load(), pool_size=12))
    memory.settle()
    return web
