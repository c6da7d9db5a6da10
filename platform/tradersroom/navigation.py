"""The places of the Trader's Room."""

from __future__ import annotations

NAVIGATION: list[tuple[str, list[tuple[str, str, str, str | None]]]] = [
    (
        "",
        [
            ("Home", "/", "home", None),
            ("Accounts", "/accounts", "chart-candle", None),
            ("Deposit", "/deposit", "plus", None),
            ("History", "/history", "history", None),
            ("Verification", "/verification", "id", None),
        ],
    )
]
