"""Builders of leads."""

from __future__ import annotations

from typing import Any

from crm import leads, routing
from crm.models import Lead, RoutingRule
from kernel.database import TenantSession
from tests.factories.people import details


async def lead(session: TenantSession, *, source: str = "form", **fields: Any) -> Lead:
    """Capture a lead as the public form does."""
    extra = {
        name: fields.pop(name) for name in ("campaign", "utm", "referral_code") if name in fields
    }
    return await leads.capture(session, source=source, **details(**fields), **extra)


async def sales_desk(session: TenantSession) -> RoutingRule:
    """Add the rule that every brokerage starts with."""
    return await routing.add_rule(session, name="Sales desk", countries=[], languages=[], pool=[])
