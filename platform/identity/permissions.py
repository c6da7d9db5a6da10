"""What identity itself lets staff do."""

from __future__ import annotations

PERMISSIONS = {
    "identity.audit.read": "See the audit trail",
}
GRANTS = {
    "identity.audit.read": {
        "owner": "all",
        "admin": "all",
        "compliance_head": "all",
        "auditor": "all",
    },
}
