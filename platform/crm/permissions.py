"""What staff may do with leads and routing, and which roles may, after the role matrix."""

from __future__ import annotations

PERMISSIONS = {
    "crm.lead.read": "See leads and their timelines",
    "crm.lead.create": "Add leads, also through the API",
    "crm.lead.change": "Write notes, move stages and convert leads to clients",
    "crm.lead.export": "Export leads as a file",
    "crm.owner.change": "Give a lead to somebody else",
    "crm.contact.read": "See leads' e-mail and telephone number unmasked",
    "crm.rule.read": "See the rules that route leads",
    "crm.rule.change": "Change the rules that route leads",
}
GRANTS: dict[str, dict[str, str]] = {
    "crm.lead.read": {
        **dict.fromkeys(("owner", "admin", "compliance_head", "sales_head", "marketing"), "all"),
        **dict.fromkeys(("support", "partner_manager", "auditor"), "all"),
        "sales_agent": "own",
    },
    "crm.lead.create": dict.fromkeys(("admin", "sales_head"), "all"),
    "crm.lead.change": {**dict.fromkeys(("admin", "sales_head"), "all"), "sales_agent": "own"},
    "crm.lead.export": dict.fromkeys(("owner", "sales_head"), "all"),
    "crm.owner.change": dict.fromkeys(("admin", "sales_head"), "all"),
    "crm.contact.read": {
        **dict.fromkeys(("owner", "admin", "compliance_head", "sales_head", "support"), "all"),
        "sales_agent": "own",
    },
    "crm.rule.read": dict.fromkeys(
        ("owner", "admin", "sales_head", "partner_manager", "auditor"), "all"
    ),
    "crm.rule.change": dict.fromkeys(("admin", "sales_head"), "all"),
}
