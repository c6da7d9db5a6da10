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
    "treasury.rate_file.change": "Import and enter exchange rates",
    "treasury.rate.change": "Set mark-ups, and how long rates and quotes are good",
    "treasury.transfer.read": "See transfers and conversions",
    "treasury.transfer.change": "Set whether and how much clients may send each other",
    "treasury.adjustment.read": "See adjustments, bonuses and chargebacks",
    "treasury.adjustment.request": "Ask for adjustments, credits, fees and bonuses",
    "treasury.adjustment.approve": "Approve what somebody else asked for, above the limit",
    "treasury.dispute.approve": "Claim charged-back money and close disputes",
    "treasury.bank.read": "See bank accounts, statements and what each line is for",
    "treasury.bank_file.change": "Import statements and match their lines",
    "treasury.bank.change": "Keep bank accounts and how providers' settlements are known",
    "treasury.bank.approve": "Release money from suspense that somebody else has asked for",
    "treasury.bank.export": "Export statement lines",
    "treasury.reconciliation.read": "See clients' money, runs and breaks",
    "treasury.reconciliation.request": "Reconcile, take breaks over and ask to write them off",
    "treasury.reconciliation.approve": "Write off and top up what somebody else has asked for",
    "treasury.reconciliation.export": "Export breaks",
    "treasury.withdrawal.read": "See withdrawals, their parts and payouts",
    "treasury.withdrawal.change": "Hold withdrawals and say what was paid by hand",
    "treasury.withdrawal.export": "Export withdrawals",
    "treasury.withdrawal.approve": "Approve withdrawals, and confirm payouts made by hand",
    "treasury.withdrawal_check.approve": "Approve withdrawals: the first look",
    "treasury.withdrawal_risk.approve": "Approve withdrawals: flags and risks",
    "treasury.withdrawal_large.approve": "Approve withdrawals: the largest",
    "treasury.withdrawal_rule.read": "See who approves withdrawals, and what they cost",
    "treasury.withdrawal_rule.change": "Change who approves withdrawals, and what they cost",
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
    "treasury.rate_file.change": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.rate.change": {"owner": "all", "finance_head": "all"},
    "treasury.transfer.read": dict.fromkeys((*_FINANCE, "support"), "all"),
    "treasury.transfer.change": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.adjustment.read": dict.fromkeys(_FINANCE, "all"),
    "treasury.adjustment.request": dict.fromkeys(
        ("owner", "admin", "finance_head", "payments_officer"), "all"
    ),
    "treasury.adjustment.approve": {"owner": "all", "finance_head": "all"},
    "treasury.dispute.approve": {"owner": "all", "finance_head": "all", "payments_officer": "all"},
    "treasury.bank.read": dict.fromkeys(_FINANCE, "all"),
    "treasury.bank_file.change": dict.fromkeys(
        ("owner", "finance_head", "payments_officer"), "all"
    ),
    "treasury.bank.change": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.bank.approve": {"owner": "all", "finance_head": "all"},
    "treasury.bank.export": dict.fromkeys(("owner", "finance_head", "auditor"), "all"),
    "treasury.reconciliation.read": dict.fromkeys(_FINANCE, "all"),
    "treasury.reconciliation.request": dict.fromkeys(
        ("owner", "finance_head", "payments_officer"), "all"
    ),
    "treasury.reconciliation.approve": {"owner": "all", "finance_head": "all"},
    "treasury.reconciliation.export": dict.fromkeys(("owner", "finance_head", "auditor"), "all"),
    "treasury.withdrawal.read": {
        **dict.fromkeys(
            ("owner", "admin", "finance_head", "payments_officer", "compliance_head"), "all"
        ),
        **dict.fromkeys(("dealing", "auditor", "support"), "all"),
        "sales_head": "desk",
        **dict.fromkeys(("sales_agent", "retention_agent"), "own"),
    },
    "treasury.withdrawal.change": dict.fromkeys(
        ("owner", "finance_head", "payments_officer", "compliance_head"), "all"
    ),
    "treasury.withdrawal.export": dict.fromkeys(("owner", "finance_head", "auditor"), "all"),
    "treasury.withdrawal.approve": dict.fromkeys(("owner", "finance_head"), "all"),
    "treasury.withdrawal_check.approve": dict.fromkeys(
        ("owner", "finance_head", "payments_officer"), "all"
    ),
    "treasury.withdrawal_risk.approve": dict.fromkeys(("owner", "compliance_head"), "all"),
    "treasury.withdrawal_large.approve": {"owner": "all"},
    "treasury.withdrawal_rule.read": dict.fromkeys(
        ("owner", "admin", "finance_head", "auditor"), "all"
    ),
    "treasury.withdrawal_rule.change": dict.fromkeys(("owner", "finance_head"), "all"),
    "treasury.connection.read": {"owner": "all", "admin": "all", "finance_head": "all"},
    "treasury.connection.change": {"owner": "all", "admin": "all"},
}
