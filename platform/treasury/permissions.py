"""What staff may do with deposits and provider connections."""

from __future__ import annotations

PERMISSIONS = {
    "treasury.deposit.read": "See deposits and what providers said about them",
    "treasury.deposit.request": "Start a deposit for a client",
    "treasury.deposit.approve": "Decide about deposits that are held",
    "treasury.deposit.export": "Export deposits",
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
    "treasury.connection.read": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.connection.change": {"owner": "all", "admin": "all"},
}
