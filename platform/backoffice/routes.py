"""Every page of the Back Office."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from backoffice import deposits, home, kyc, trail

ROUTES: list[HTTPRouteHandler] = [
    *home.ROUTES,
    *deposits.ROUTES,
    *kyc.ROUTES,
    *trail.ROUTES,
]
