"""One Litestar application for each surface, alike but for routes, navigation and people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar, Request, Response, Router, get
from litestar.config.compression import CompressionConfig
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath, SkipValidation
from litestar.types import ASGIApp, Scope

from entrypoints import catalogue, languages
from entrypoints.rendering import Navigation, PageRenderer, brand_at
from identity import api_keys, sessions
from identity.shell.parts import Parts
from kernel.database import ControlSession, TenantSession
from kernel.errors import NotFound, ProductError
from kernel.images import Picture
from kernel.viewer import Viewer
from kernel.web import problems
from kernel.web.access import PUBLIC, check_permission, require_declared
from kernel.web.cookies import cookie_of, header_of
from kernel.web.edge import Authenticator, Edge
from kernel.web.pages import CSRF_COOKIE
from messaging import live
from tenants.ports import Ports
from themes.drawings import favicon_svg
from themes.tokens import derive, theme_css

BODY_MAX = 11 * 1024 * 1024
# What a dependency names only so that it is found after that one.
_Known = NamedDependency[SkipValidation[object]]
# Finds out what a page of the surface shows beside its own, before it is rendered.
Prepare = Callable[[Request[Any, Any, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Surface:
    """What makes one surface different from the others."""

    name: str
    title: str
    routes: Sequence[HTTPRouteHandler]
    navigation: Navigation = ()
    apps: Sequence[tuple[str, str, str]] = ()
    shell: Parts | None = None
    prepare: Prepare | None = None
    api: bool = False
    places: Mapping[str, Sequence[tuple[str, str, str, str | None]]] = field(default_factory=dict)


@get("/theme.css", permission=PUBLIC)
async def theme(request: Request[Any, Any, Any]) -> Response[str]:
    """Serve the brand's tokens; the address carries their version."""
    brand = brand_at(request.scope["state"]["place"])
    return Response(
        theme_css(derive(brand.colours)),
        media_type="text/css",
        headers={"cache-control": _kept(request, brand.css_version)},
    )


@get("/favicon.svg", permission=PUBLIC)
async def favicon(request: Request[Any, Any, Any]) -> Response[Any]:
    """Serve the brand's mark: the icon of its square logo, or one drawn from its initials."""
    place = request.scope["state"]["place"]
    brand = brand_at(place)
    headers = {"cache-control": _kept(request, brand.css_version)}
    entry = ((place.brand or {}).get("files") or {}).get("icon-32")
    if entry is None:
        return Response(favicon_svg(brand), media_type="image/svg+xml", headers=headers)
    data = await request.app.state.ports.store.get(place.tenant, entry["key"])
    return Response(data, media_type=entry["media_type"], headers=headers)


@get("/brand/{part:str}", permission=PUBLIC)
async def brand_picture(request: Request[Any, Any, Any], part: FromPath[str]) -> Response[bytes]:
    """Serve a logo or an icon of the brand that is worn; nothing in it can act."""
    place = request.scope["state"]["place"]
    entry = ((place.brand or {}).get("files") or {}).get(part)
    if entry is None or place.tenant is None:
        raise NotFound
    data = await request.app.state.ports.store.get(place.tenant, entry["key"])
    picture = Picture(data, entry["media_type"], entry["extension"])
    headers = {**picture.headers, "cache-control": _kept(request, entry["sha"])}
    return Response(data, media_type=picture.media_type, headers=headers)


def _kept(request: Request[Any, Any, Any], version: str) -> str:
    """Let only what was asked for by its own version be kept: pages may be older than brands."""
    if request.query_params.get("v", version) == version:
        return "public, max-age=86400"
    return "no-store"


def application(surface: Surface, ports: Ports, permissions: Mapping[str, str]) -> Litestar:
    """Build a surface's application; raise RouteWithoutPermission when a route is silent."""
    settings = ports.settings
    app = Litestar(
        route_handlers=[*surface.routes, theme, favicon, brand_picture],
        guards=[check_permission],
        # Each names the one before: several at once would be run as tasks of their own.
        dependencies={
            "session": Provide(_session, sync_to_thread=False),
            "viewer": Provide(_viewer, sync_to_thread=False),
            "tenant": Provide(_tenant, sync_to_thread=False),
            "ports": Provide(_ports, sync_to_thread=False),
        },
        exception_handlers={
            ProductError: problems.answer_product_error,
            HTTPException: problems.answer_http_error,
            Exception: problems.answer_failure,
        },
        csrf_config=CSRFConfig(
            secret=ports.vault.derive("csrf").hex(),
            cookie_name=CSRF_COOKIE,
            cookie_secure=settings.https,
            cookie_httponly=True,
            cookie_samesite="lax",
            exclude=["^/api/", "^/hooks/"],
        ),
        compression_config=CompressionConfig(
            backend="brotli", brotli_gzip_fallback=True, brotli_quality=2, minimum_size=1024
        ),
        openapi_config=_openapi(surface) if surface.api else None,
        request_max_body_size=BODY_MAX,
        logging_config=None,
        state=State(_state(surface, ports)),
    )
    require_declared(app, permissions)
    return app


def hand_over(app: Litestar, surface: Surface, ports: Ports) -> None:
    """Let an application that stands serve other ports of the same settings from now on."""
    app.state.clear()
    app.state.update(_state(surface, ports))


def _state(surface: Surface, ports: Ports) -> dict[str, Any]:
    return {
        "settings": ports.settings,
        "ports": ports,
        "renderer": PageRenderer(surface.navigation, surface.apps),
        "places": surface.places,
        "permissions": catalogue.permissions(),
        "grants": catalogue.grants(),
        "flash_key": ports.vault.derive("flash"),
        "shell": surface.shell,
        "prepare": surface.prepare,
        "logins_per_minute": 30,
    }


def edged(surface: str, app: ASGIApp, ports: Ports) -> ASGIApp:
    """Put a surface's application behind its transaction and its people."""
    return Edge(app, ports.database, _authenticator(surface, ports))


def _authenticator(surface: str, ports: Ports) -> Authenticator:
    name = sessions.cookie_name(https=ports.settings.https)

    async def authenticate(session: TenantSession | ControlSession, scope: Scope) -> Viewer | None:
        if scope["path"].startswith("/api/") and isinstance(session, TenantSession):
            bearer = header_of(scope, b"authorization").removeprefix("Bearer ")
            return await api_keys.viewer(session, bearer=bearer) if bearer else None
        value = cookie_of(scope, name)
        host = scope["state"]["host"]
        if not value:
            return None
        if isinstance(session, TenantSession):
            viewer = await sessions.viewer(
                session, value=value, host=host, surface=surface, unread=live.UNREAD
            )
            if viewer is not None:
                await languages.follow(session, scope, viewer)
            return viewer
        return await sessions.vendor_viewer(
            session, value=value, host=host, permissions=tuple(catalogue.VENDOR)
        )

    return authenticate


def _session(request: Request[Any, Any, Any]) -> object:
    return request.scope["state"]["session"]


def _viewer(request: Request[Any, Any, Any], session: _Known) -> object:
    del session
    return request.scope.get("user")


def _tenant(request: Request[Any, Any, Any], viewer: _Known) -> object:
    del viewer
    return request.scope["state"]["tenant"]


def _ports(request: Request[Any, Any, Any], tenant: _Known) -> object:
    del tenant
    return request.app.state.ports


def _openapi(surface: Surface) -> OpenAPIConfig:
    return OpenAPIConfig(
        title=f"Marque API, {surface.title}",
        version="1",
        create_examples=False,
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        openapi_router=Router("/api/v1", route_handlers=[], opt={"permission": PUBLIC}),
        components=Components(
            security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
        ),
    )
