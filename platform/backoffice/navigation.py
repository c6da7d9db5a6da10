"""The Back Office's navigation: groups are verbs."""

from __future__ import annotations

NAVIGATION = [
    (
        "Comply",
        [
            ("KYC queue", "/backoffice/kyc", "shield-check", "compliance.kyc.read"),
            ("Audit trail", "/backoffice/audit", "history", "identity.audit.read"),
        ],
    ),
    (
        "Move money",
        [
            ("Treasury", "/backoffice/treasury", "coins", "treasury.reconciliation.read"),
            ("Deposits", "/backoffice/deposits", "cash", "treasury.deposit.read"),
            (
                "Withdrawals",
                "/backoffice/withdrawals",
                "arrow-up-right",
                "treasury.withdrawal.read",
            ),
            ("Transfers", "/backoffice/transfers", "transfer", "treasury.transfer.read"),
            ("Adjustments", "/backoffice/adjustments", "adjustments", "treasury.adjustment.read"),
            ("Disputes", "/backoffice/disputes", "gavel", "treasury.adjustment.read"),
        ],
    ),
    (
        "Account for it",
        [
            ("Daily revenue", "/backoffice/revenue", "chart-bar", "revenue.line.read"),
            ("The book", "/backoffice/book", "book", "ledger.entry.read"),
            (
                "Reconciliation",
                "/backoffice/reconciliation",
                "scale",
                "treasury.reconciliation.read",
            ),
            ("Banks", "/backoffice/banks", "building-bank", "treasury.bank.read"),
        ],
    ),
    (
        "Partner",
        [("Partners", "/backoffice/partners", "affiliate", "introducers.partner.read")],
    ),
    (
        "Settings",
        [
            ("Payment providers", "/backoffice/connections", "plug", "treasury.connection.read"),
            (
                "Withdrawal rules",
                "/backoffice/withdrawals/rules",
                "list-check",
                "treasury.withdrawal_rule.read",
            ),
            ("Exchange rates", "/backoffice/rates", "arrows-exchange", "treasury.rate.read"),
            ("Brand", "/settings/brand", "palette", "backoffice.brand.change"),
            ("Roles", "/settings/roles", "users", "identity.role.read"),
            ("Staff sign-in", "/settings/access", "shield-lock", "identity.second_factor.change"),
            ("Mail", "/settings/mail", "mail", "messaging.server.change"),
            ("Mail log", "/settings/mail/log", "mail-check", "messaging.log.read"),
            ("Templates", "/settings/templates", "template", "messaging.template.read"),
            ("Texts", "/settings/texts", "language", "backoffice.text.read"),
        ],
    ),
]
