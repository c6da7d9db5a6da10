"""What staff may do with trading accounts and operations on the servers, and who may."""

from __future__ import annotations

_MONEY = ("finance_head", "payments_officer", "dealing")
_COMPLIANCE = ("compliance_head", "kyc_officer")

PERMISSIONS = {
    "trading.account.read": "See trading accounts, their positions and deals",
    "trading.account.export": "Export the list of trading accounts",
    "trading.account.request": "Ask for a trading account for a client",
    "trading.operation.read": "See operations on the trading servers and their timelines",
    "trading.operation.approve": "Decide about an operation whose outcome a person has to settle",
    "trading.server.read": "See how the connections to the trading servers do",
    "trading.server.change": "Bring groups and instruments of a trading server up to date",
}
GRANTS: dict[str, dict[str, str]] = {
    "trading.account.read": {
        **dict.fromkeys(("owner", "admin", *_COMPLIANCE, *_MONEY), "all"),
        **dict.fromkeys(("support", "auditor"), "all"),
        **dict.fromkeys(("sales_head", "partner_manager"), "desk"),
        **dict.fromkeys(("sales_agent", "retention_agent"), "own"),
    },
    "trading.account.export": dict.fromkeys(("owner", "finance_head", "dealing"), "all"),
    "trading.account.request": {
        **dict.fromkeys(("owner", "admin", "dealing", "support"), "all"),
        "sales_head": "desk",
        **dict.fromkeys(("sales_agent", "retention_agent"), "own"),
    },
    "trading.operation.read": dict.fromkeys(("owner", "admin", *_MONEY, "auditor"), "all"),
    "trading.operation.approve": dict.fromkeys(("owner", "finance_head"), "all"),
    "trading.server.read": dict.fromkeys(("owner", "admin", *_MONEY, "auditor"), "all"),
    "trading.server.change": dict.fromkeys(("owner", "admin", "dealing"), "all"),
}
