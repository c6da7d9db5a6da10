"""What staff may do with partners, and who may."""

from __future__ import annotations

_READERS = ("owner", "admin", "compliance_head", "finance_head", "partner_manager", "auditor")

PERMISSIONS = {
    "introducers.partner.read": "See partners, their tree, plans and commissions",
    "introducers.partner.export": "Export the list of partners",
    "introducers.partner.approve": "Approve, refuse, suspend and resume partners",
    "introducers.partner.change": "Move partners in the tree and give them other terms",
}
GRANTS: dict[str, dict[str, str]] = {
    "introducers.partner.read": dict.fromkeys(_READERS, "all"),
    "introducers.partner.export": dict.fromkeys(("owner", "partner_manager"), "all"),
    "introducers.partner.approve": dict.fromkeys(
        ("owner", "finance_head", "partner_manager"), "all"
    ),
    "introducers.partner.change": dict.fromkeys(("owner", "partner_manager"), "all"),
}
