"""The staff roles every brokerage starts with, and what rooms grant them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy.dialects.postgresql import insert

from identity import audit, queries
from identity.models import KnownPermission, RolePermission
from kernel.database import TenantSession

OWNER = "owner"
ROLES = {
    OWNER: "Owner",
    "admin": "Administrator",
    "compliance_head": "Head of compliance",
    "kyc_officer": "KYC officer",
    "finance_head": "Head of finance",
    "payments_officer": "Payments officer",
    "dealing": "Dealing and risk",
    "sales_head": "Head of sales",
    "sales_agent": "Sales agent",
    "retention_agent": "Retention agent",
    "marketing": "Marketing",
    "support": "Support",
    "partner_manager": "Partner manager",
    "auditor": "Auditor",
}
# Who works together. The scope desk of what belongs to people, not to records, ends here: sales
# must not read in a colleague's task that compliance looks into a client.
DESKS = (
    frozenset({"compliance_head", "kyc_officer"}),
    frozenset({"finance_head", "payments_officer"}),
    frozenset({"sales_head", "sales_agent", "retention_agent"}),
    *(frozenset({role}) for role in ("dealing", "marketing", "support", "partner_manager")),
    *(frozenset({role}) for role in ("owner", "admin", "auditor")),
)
# permission -> {role: scope}
Grants = Mapping[str, Mapping[str, str]]


async def seed(session: TenantSession, grants: Grants) -> int:
    """Write the default grants of permissions that are new here; return how many there are.

    A permission is new once: what a brokerage took away from a role later stays away, whatever
    version it runs.
    """
    known = await queries.known_permissions(session)
    fresh = [permission for permission in grants if permission not in known]
    rows = [
        {"role": role, "permission": permission, "scope": scope}
        for permission in fresh
        for role, scope in grants[permission].items()
    ]
    if rows:
        await session.execute(insert(RolePermission).on_conflict_do_nothing(), rows)
    if fresh:
        names = [{"permission": permission} for permission in fresh]
        await session.execute(insert(KnownPermission).on_conflict_do_nothing(), names)
        audit.record(
            session,
            "identity.permission.seed",
            subject=("role", "defaults"),
            after={"permissions": fresh},
        )
    return len(rows)


def desks(roles: Collection[str]) -> frozenset[str]:
    """Return the roles of everybody who works at a desk with a holder of these roles.

    A role that the brokerage made itself is a desk of its own.
    """
    seeded = frozenset(role for desk in DESKS if desk & set(roles) for role in desk)
    return seeded | (frozenset(roles) - ROLES.keys())
