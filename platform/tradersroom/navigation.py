"""The places of the Trader's Room."""

from __future__ import annotations

from kernel.language import marked

NAVIGATION: list[tuple[str, list[tuple[str, str, str, str | None]]]] = [
    (
        "",
        [
            (marked("Home"), "/", "home", None),
            (marked("Accounts"), "/accounts", "chart-candle", None),
            (marked("Wallets"), "/wallets", "wallet", None),
            (marked("Deposit"), "/deposit", "plus", None),
            (marked("Withdraw"), "/withdraw", "arrow-up-right", None),
            (marked("Transfer"), "/transfer", "transfer", None),
            (marked("History"), "/history", "history", None),
            (marked("Verification"), "/verification", "id", None),
        ],
    )
]
