"""What staff may do with the book."""

from __future__ import annotations

PERMISSIONS = {
    "ledger.entry.read": "See the book: balances, statements and entries",
    "ledger.entry.export": "Export the book",
    "ledger.entry.change": "Reverse entries",
    "ledger.period.change": "Close and reopen periods of the book",
}
GRANTS = {
    "ledger.entry.read": {
        "owner": "all",
        "admin": "all",
        "finance_head": "all",
        "payments_officer": "all",
        "auditor": "all",
    },
    "ledger.entry.export": {"owner": "all", "finance_head": "all", "auditor": "all"},
    "ledger.entry.change": {"owner": "all", "finance_head": "all"},
    "ledger.period.change": {"owner": "all", "finance_head": "all"},
}
