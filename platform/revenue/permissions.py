"""What staff may do with revenue, and who may."""

from __future__ import annotations

_READERS = ("owner", "compliance_head", "finance_head", "payments_officer", "dealing", "auditor")

PERMISSIONS = {
    "revenue.line.read": "See revenue by day, instrument and deal, with its arithmetic",
    "revenue.line.export": "Download revenue as a table",
}
GRANTS: dict[str, dict[str, str]] = {
    "revenue.line.read": dict.fromkeys(_READERS, "all"),
    "revenue.line.export": dict.fromkeys(("owner", "finance_head", "dealing"), "all"),
}
