"""Every page of the Back Office."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from backoffice import brand_studio, deposits, home, kyc, partners, revenue, trail

ROUTES: list[HTTPRouteHandler] = [
    *home.ROUTES,
    *deposits.ROUTES,
    *kyc.ROUTES,
    *revenue.ROUTES,
    *partners.ROUTES,
    *trail.ROUTES,
    *brand_studio.ROUTES,
]
