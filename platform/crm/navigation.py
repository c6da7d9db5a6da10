"""The CRM's navigation: groups are verbs."""

from __future__ import annotations

NAVIGATION = [
    (
        "Sell",
        [
            ("Leads", "/crm/leads", "user-plus", "crm.lead.read"),
            ("Clients", "/crm/clients", "users", "clients.client.read"),
            ("Trading accounts", "/crm/accounts", "chart-candle", "trading.account.read"),
            ("Assignment rules", "/crm/rules", "route", "crm.rule.read"),
        ],
    ),
]
