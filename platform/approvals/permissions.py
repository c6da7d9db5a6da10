"""Who sees requests at all; what each step asks for is the permission of the room that asked."""

from __future__ import annotations

from identity.roles import ROLES

PERMISSIONS = {
    "approvals.request.read": "See requests that wait for approval, and what became of them",
    "approvals.request.export": "Export requests and decisions",
}
# Everybody may ask for something, so everybody sees what they asked for; deciding needs more.
GRANTS = {
    "approvals.request.read": {
        role: "all"
        if role in ("owner", "admin", "compliance_head", "finance_head", "auditor")
        else "own"
        for role in ROLES
    },
    "approvals.request.export": dict.fromkeys(
        ("owner", "compliance_head", "finance_head", "auditor"), "all"
    ),
}
