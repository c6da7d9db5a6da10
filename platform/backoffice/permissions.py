"""What the Back Office itself lets staff do; most of its pages ask for a domain's permission."""

from __future__ import annotations

PERMISSIONS = {
    "backoffice.home.read": "Open the Back Office's front page",
    "backoffice.brand.change": "Change and publish the brand",
    "backoffice.text.read": "Read the product's texts and your own",
    "backoffice.text.change": "Word the product's texts yourself",
}
_ROLES = (
    *("owner", "admin", "compliance_head", "kyc_officer", "finance_head", "payments_officer"),
    *("dealing", "partner_manager", "auditor", "support"),
)
GRANTS = {
    "backoffice.home.read": dict.fromkeys(_ROLES, "all"),
    "backoffice.brand.change": {"owner": "all", "admin": "all"},
    "backoffice.text.read": {"owner": "all", "admin": "all", "support": "all"},
    "backoffice.text.change": {"owner": "all", "admin": "all"},
}
