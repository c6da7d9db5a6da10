"""Every page of the partner portal."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from partners import balance, commissions, home, joining_screens, referrals, statements

ROUTES: list[HTTPRouteHandler] = [
    *joining_screens.ROUTES,
    *home.ROUTES,
    *referrals.ROUTES,
    *commissions.ROUTES,
    *balance.ROUTES,
    *statements.ROUTES,
]
