"""What people can be told of, by who they are; the words stand beside the switch for pushes."""

from __future__ import annotations

from kernel.language import marked

_SECURITY = {"security": marked("Sign-ins and security")}
CLIENT = {
    "deposit": marked("Deposits"),
    "withdrawal": marked("Withdrawals"),
    "verification": marked("Verification"),
    "account": marked("Trading accounts"),
    **_SECURITY,
}
PARTNER = {
    "commission": marked("Commissions"),
    "referral": marked("New referrals"),
    **_SECURITY,
}
STAFF = {
    "lead": "Leads given to me",
    "kyc": "Verifications that wait for a decision",
    "deposit": "Deposits that need a person",
    "approval": "Requests that wait for my approval, and what became of mine",
    "task": "Tasks",
    "list": "Changes to many rows",
    "mail": "Mail that can't be sent",
    "template": "Templates that fail",
    "partner": "Partners",
    **_SECURITY,
}
BY_AUDIENCE = {"client": CLIENT, "partner": PARTNER, "staff": STAFF}
ALL = frozenset().union(*BY_AUDIENCE.values())
ICONS = {
    "deposit": "cash",
    "withdrawal": "building-bank",
    "verification": "id",
    "account": "chart-candle",
    "commission": "coins",
    "referral": "user-plus",
    "lead": "user-plus",
    "kyc": "id",
    "approval": "list-check",
    "task": "checkbox",
    "list": "list-check",
    "mail": "mail",
    "template": "template",
    "partner": "affiliate",
    "security": "shield-lock",
}
