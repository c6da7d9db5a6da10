"""Builders of partners and of clients who came through them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from identity import users
from introducers import attributions, partners, queries
from introducers.models import Partner
from introducers.provisioning import add_plans
from kernel.database import TenantSession
from tests.factories import people
from tests.factories.trading import NOON

LONG_AGO = NOON - timedelta(days=30)
PASSWORD = "partners like long passwords"


async def partner(
    session: TenantSession,
    name: str,
    *,
    plan: str = "SILVER",
    parent: Partner | None = None,
    ratio: str = "1",
    at: datetime = LONG_AGO,
    email: str = "",
    **fields: Any,
) -> Partner:
    """Make an active partner who has been on a plan for a month."""
    await add_plans(session)
    email = email or f"{name.lower().replace(' ', '.')}@partner.example"
    user = await users.create(session, kind="partner", email=email, name=name, password=PASSWORD)
    chosen = await queries.plan_at(session, plan, at)
    assert chosen is not None
    made = await partners.enrol(
        session,
        user_id=user.id,
        name=name,
        email=email,
        country="AE",
        parent=parent,
        plan=chosen,
        at=at,
        **fields,
    )
    made.ratio = Decimal(ratio)
    return await partners.approve(session, partner_id=made.id, at=at)


async def client_of(session: TenantSession, partner: Partner, **fields: str) -> UUID:
    """Make a client who came through a partner a month ago; return their id."""
    made = await people.client(session, **fields)
    await attributions.attribute(
        session, client_id=made.id, partner=partner, source="link", at=LONG_AGO
    )
    return made.id
