"""Every page of the Back Office."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from backoffice import deposits, home, trail

ROUTES: list[HTTPRouteHandler] = [
    *home.ROUTES,
    *deposits.ROUTES,
    *trail.ROUTES,
]
