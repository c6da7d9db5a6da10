"""The places of the partner portal."""

from __future__ import annotations

NAVIGATION: list[tuple[str, list[tuple[str, str, str, str | None]]]] = [
    (
        "",
        [
            ("Home", "/", "home", None),
            ("Commissions", "/commissions", "coins", None),
            ("Clients", "/referrals", "users", None),
            ("Balance", "/balance", "wallet", None),
        ],
    )
]
