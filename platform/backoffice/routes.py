"""Every page of the Back Office."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from backoffice import deposits, home, kyc, partners, receipts, revenue, trail
from backoffice.settings import brand_studio, start

ROUTES: list[HTTPRouteHandler] = [
    *home.ROUTES,
    *deposits.ROUTES,
    *receipts.ROUTES,
    *kyc.ROUTES,
    *revenue.ROUTES,
    *partners.ROUTES,
    *trail.ROUTES,
    *start.ROUTES,
    *brand_studio.ROUTES,
]
