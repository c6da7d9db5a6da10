"""What staff may do with cases and documents; images of identities are for compliance only."""

from __future__ import annotations

PERMISSIONS = {
    "compliance.kyc.read": "See cases, typed facts and documents; every view is recorded",
    "compliance.kyc.export": "Export the list of cases, without documents",
    "compliance.kyc.approve": "Approve or reject a client's documents",
}
GRANTS: dict[str, dict[str, str]] = {
    "compliance.kyc.read": dict.fromkeys(
        ("owner", "compliance_head", "kyc_officer", "auditor"), "all"
    ),
    "compliance.kyc.export": dict.fromkeys(("owner", "compliance_head"), "all"),
    "compliance.kyc.approve": {"compliance_head": "all"},
}
