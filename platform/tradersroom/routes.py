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
    transfer_list,
    transfer_receipts,
    transfers,
    verification,
    wallets,
    withdrawals,
)

ROUTES: list[HTTPRouteHandler] = [
    *joining_screens.ROUTES,
    *home.ROUTES,
    *wallets.ROUTES,
    *verification.ROUTES,
    *accounts.ROUTES,
    *deposits.ROUTES,
    *withdrawals.ROUTES,
    *documents.ROUTES,
    *transfers.ROUTES,
    *transfer_receipts.ROUTES,
    *transfer_list.ROUTES,
    *history.ROUTES,
]
