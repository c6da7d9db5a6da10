"""Every route says who may use it; an application with a silent route does not start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler

from kernel.errors import Forbidden, Unauthenticated
from kernel.viewer import Viewer

# Open to everybody who reaches the host.
PUBLIC = "PUBLIC"
# Open to any signed-in person of the surface, for what is their own.
SELF = "SELF"


class RouteWithoutPermission(Exception):
    """A route declares no permission, or one that no room has registered."""


def require_declared(app: Litestar, permissions: Mapping[str, str]) -> int:
    """Return the number of routes, each with a known permission; raise RouteWithoutPermission."""
    count = 0
    for path, handler in declared_routes(app):
        permission = handler.opt.get("permission")
        if permission not in (PUBLIC, SELF) and permission not in permissions:
            raise RouteWithoutPermission(
                f"{sorted(handler.http_methods)} {path}: permission={permission!r} is not one of"
                " PUBLIC, SELF or a room's PERMISSIONS"
            )
        count += 1
    return count


def declared_routes(app: Litestar) -> Iterable[tuple[str, HTTPRouteHandler]]:
    """Yield each path with its handler, without the framework's own OPTIONS answers."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods != {"OPTIONS"}:
                yield route.path, handler


async def check_permission(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let the request through, or raise Unauthenticated or Forbidden, before the handler runs."""
    permission = handler.opt.get("permission")
    if permission == PUBLIC or permission is None:
        return
    viewer = connection.scope.get("user")
    if not isinstance(viewer, Viewer):
        raise Unauthenticated
    if permission != SELF and not viewer.may(permission):
        raise Forbidden
    if permission == SELF and viewer.kind == "api":
        raise Forbidden
