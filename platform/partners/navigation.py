"""The places of the partner portal."""

from __future__ import annotations

from kernel.language import marked

NAVIGATION: list[tuple[str, list[tuple[str, str, str, str | None]]]] = [
    (
        "",
        [
            (marked("Home"), "/", "home", None),
            (marked("Commissions"), "/commissions", "coins", None),
            (marked("Clients"), "/referrals", "users", None),
            (marked("Balance"), "/balance", "wallet", None),
        ],
    )
]
