"""What identity itself lets staff do."""

from __future__ import annotations

PERMISSIONS = {
    "identity.audit.read": "See the audit trail",
    "identity.audit.export": "Export the audit trail",
    "identity.second_factor.change": "Reset the second factor of a colleague who lost theirs",
    "identity.role.read": "See roles, who holds them, and pages as a role sees them",
    "identity.role.change": "Change what roles may do, and give and take roles",
    "identity.task.read": "See tasks: one's own, one's desk's or everybody's",
    "identity.task.change": "Write tasks, give them to colleagues and mark them as done",
}
_DESKS = (
    *("kyc_officer", "finance_head", "payments_officer", "dealing", "sales_head", "support"),
    "partner_manager",
)
_AGENTS = ("sales_agent", "retention_agent", "marketing")
GRANTS: dict[str, dict[str, str]] = {
    "identity.audit.read": {
        "owner": "all",
        "admin": "all",
        "compliance_head": "all",
        "auditor": "all",
    },
    "identity.audit.export": dict.fromkeys(("owner", "compliance_head", "auditor"), "all"),
    "identity.second_factor.change": dict.fromkeys(("owner", "admin"), "all"),
    "identity.role.read": dict.fromkeys(("owner", "admin"), "all"),
    "identity.role.change": dict.fromkeys(("owner", "admin"), "all"),
    # A desk's tasks may say what colleagues of other desks must not know.
    "identity.task.read": {
        **dict.fromkeys(("owner", "admin", "compliance_head", "auditor"), "all"),
        **dict.fromkeys(_DESKS, "desk"),
        **dict.fromkeys(_AGENTS, "own"),
    },
    "identity.task.change": {
        "compliance_head": "all",
        **dict.fromkeys(_DESKS, "desk"),
        **dict.fromkeys(("owner", "admin", *_AGENTS), "own"),
    },
}
