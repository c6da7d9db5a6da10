"""Plans and their versions: a version is added, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from identity import audit
from introducers import queries
from introducers.models import Plan
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.ids import uuid7


async def add(
    session: TenantSession,
    *,
    code: str,
    name: str,
    structure: str,
    joining: str,
    auto_approve: bool,
    terms: dict[str, Any],
    version: int | None = None,
    effective_from: datetime | None = None,
) -> Plan:
    """Add a version of a plan, in force from a moment on; the next number when none is given.

    An existing version is returned as it stands. Raises InvalidInput when the existing version
    has other terms.
    """
    tenant: TenantRef = session.info["tenant"]
    known = await queries.plan_versions(session, code)
    number = version or (known[-1].version + 1 if known else 1)
    for plan in known:
        if plan.version == number:
            if plan.terms != terms:
                raise InvalidInput({"version": f"Version {number} is in force: add another one."})
            return plan
    made = Plan(
        id=uuid7(),
        code=code,
        version=number,
        name=name,
        structure=structure,
        joining=joining,
        auto_approve=auto_approve,
        currency=tenant.base_currency,
        terms=terms,
        effective_from=effective_from or now(),
    )
    session.add(made)
    await session.flush()
    audit.record(
        session,
        "introducers.plan.add",
        subject=("plan", made.id),
        after={"code": code, "version": number, "structure": structure},
    )
    return made
