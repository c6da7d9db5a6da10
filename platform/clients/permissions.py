"""What staff may do with clients, and which roles may, after the product's role matrix.

The scope desk counts as the whole brokerage for as long as it has one sales desk.
"""

from __future__ import annotations

_MONEY = ("finance_head", "payments_officer", "dealing")
_COMPLIANCE = ("compliance_head", "kyc_officer")

PERMISSIONS = {
    "clients.client.read": "See clients' profiles and timelines",
    "clients.contact.read": "See clients' e-mail and telephone number unmasked",
    "clients.contact.reveal": "Reveal one client's masked contact, with a reason",
    "clients.client.change": "Change clients' profiles, status and owner",
    "clients.note.change": "Write notes on clients",
    "clients.owner.change": "Give clients to another owner",
    "clients.client.export": "Export clients as a file",
}
GRANTS: dict[str, dict[str, str]] = {
    "clients.client.read": {
        **dict.fromkeys(("owner", "admin", *_COMPLIANCE, *_MONEY), "all"),
        **dict.fromkeys(("marketing", "support", "auditor"), "all"),
        **dict.fromkeys(("sales_head", "partner_manager"), "desk"),
        **dict.fromkeys(("sales_agent", "retention_agent"), "own"),
    },
    "clients.contact.read": {
        **dict.fromkeys(("owner", "admin", *_COMPLIANCE, *_MONEY, "support"), "all"),
        "sales_head": "desk",
        "retention_agent": "own",
    },
    "clients.contact.reveal": {
        **dict.fromkeys(("owner", "admin", *_COMPLIANCE, "finance_head"), "all"),
        "payments_officer": "all",
        "sales_head": "desk",
        **dict.fromkeys(("sales_agent", "retention_agent", "support"), "own"),
    },
    "clients.client.change": {
        **dict.fromkeys(("admin", *_COMPLIANCE), "all"),
    },
    "clients.owner.change": {"admin": "all", "sales_head": "desk"},
    "clients.client.export": {"owner": "all", "compliance_head": "all"},
    "clients.note.change": {
        **dict.fromkeys((*_COMPLIANCE, *_MONEY, "support"), "all"),
        **dict.fromkeys(("sales_head", "partner_manager"), "desk"),
        **dict.fromkeys(("sales_agent", "retention_agent"), "own"),
    },
}
