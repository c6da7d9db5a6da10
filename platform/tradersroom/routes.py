"""Every page of the Trader's Room."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from tradersroom import (
    accounts,
    deposits,
    documents,
    history,
    home,
    joining_screens,
    verification,
    wallets,
)

ROUTES: list[HTTPRouteHandler] = [
    *joining_screens.ROUTES,
    *home.ROUTES,
    *wallets.ROUTES,
    *verification.ROUTES,
    *accounts.ROUTES,
    *deposits.ROUTES,
    *documents.ROUTES,
    *history.ROUTES,
]
