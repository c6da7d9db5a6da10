"""What staff may do with deposits and provider connections."""

from __future__ import annotations

_FINANCE = (
    *("owner", "admin", "finance_head", "payments_officer"),
    *("compliance_head", "dealing", "auditor"),
)
PERMISSIONS = {
    "treasury.deposit.read": "See deposits and what providers said about them",
    "treasury.deposit.request": "Start a deposit for a client",
    "treasury.deposit.approve": "Decide about deposits that are held",
    "treasury.deposit.export": "Export deposits",
    "treasury.rate.read": "See exchange rates and mark-ups",
    "treasury.rate.import": "Import and enter exchange rates",
    "treasury.rate.change": "Set mark-ups, and how long rates and quotes are good",
    "treasury.transfer.read": "See transfers and conversions",
    "treasury.transfer.change": "Set whether and how much clients may send each other",
    "treasury.adjustment.read": "See adjustments, bonuses and chargebacks",
    "treasury.adjustment.request": "Ask for adjustments, credits, fees and bonuses",
    "treasury.adjustment.approve": "Approve what somebody else asked for, above the limit",
    "treasury.dispute.decide": "Claim charged-back money and close disputes",
    "treasury.connection.read": "See the connections to payment providers",
    "treasury.connection.change": "Connect payment providers and set limits",
}
GRANTS = {
    "treasury.deposit.read": {
        "owner": "all",
        "admin": "all",
        "finance_head": "all",
        "payments_officer": "all",
        "compliance_head": "all",
        "kyc_officer": "all",
        "auditor": "all",
        "support": "all",
        "sales_head": "desk",
        "sales_agent": "own",
        "retention_agent": "own",
    },
    "treasury.deposit.request": {"owner": "all", "admin": "all", "payments_officer": "all"},
    "treasury.deposit.approve": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.deposit.export": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.rate.read": dict.fromkeys(_FINANCE, "all"),
    "treasury.rate.import": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.rate.change": {"owner": "all", "finance_head": "all"},
    "treasury.transfer.read": dict.fromkeys((*_FINANCE, "support"), "all"),
    "treasury.transfer.change": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.adjustment.read": dict.fromkeys(_FINANCE, "all"),
    "treasury.adjustment.request": dict.fromkeys(
        ("owner", "admin", "finance_head", "payments_officer"), "all"
    ),
    "treasury.adjustment.approve": {"owner": "all", "finance_head": "all"},
    "treasury.dispute.decide": {"owner": "all", "finance_head": "all", "payments_officer": "all"},
    "treasury.connection.read": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.connection.change": {"owner": "all", "admin": "all"},
}
