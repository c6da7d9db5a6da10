"""Selects on leads, routing rules and the people who work on them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select

from crm.models import CaptureKey, Lead, RoutingRule
from crm.rules import Colleague
from identity.models import StaffRole, UserAccount
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession
SALES_ROLES = ("sales_agent", "sales_head", "retention_agent")


async def lead(session: Session, lead_id: UUID) -> Lead | None:
    """Return the lead of that id."""
    return await session.get(Lead, lead_id)


async def lead_for_update(session: TenantSession, lead_id: UUID) -> Lead | None:
    """Return the lead of that id, locked to the end of the transaction."""
    return await session.scalar(
        select(Lead)
        .where(Lead.id == lead_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def leads_by_id(
    session: TenantSession, ids: Sequence[UUID], *, owned_by: UUID | None, lock: bool
) -> Sequence[Lead]:
    """Return leads in the order of their ids, one owner's or anybody's; locked when asked for."""
    statement = select(Lead).where(Lead.id.in_(ids)).order_by(Lead.id)
    if owned_by is not None:
        statement = statement.where(Lead.owner_id == owned_by)
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement.with_for_update() if lock else statement)).all()


async def lead_like(session: TenantSession, *, email: str, phone_digits: str) -> Lead | None:
    """Return the lead with that address, else the one with that number, locked."""
    statement = (
        select(Lead)
        .where(or_(func.lower(Lead.email) == email.lower(), Lead.phone_digits == phone_digits))
        .order_by((func.lower(Lead.email) == email.lower()).desc(), Lead.id)
        .limit(1)
        .with_for_update()
    )
    return await session.scalar(statement)


async def routing_rules(session: Session) -> Sequence[RoutingRule]:
    """Return the rules in the order in which they are tried."""
    statement = select(RoutingRule).order_by(RoutingRule.position, RoutingRule.id)
    return (await session.scalars(statement)).all()


async def routing_rule_for_update(session: TenantSession, rule_id: UUID) -> RoutingRule | None:
    """Return one rule as it is now, locked to the end of the transaction."""
    statement = (
        select(RoutingRule)
        .where(RoutingRule.id == rule_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def sales_people(session: Session, *, roles: Sequence[str] = SALES_ROLES) -> list[Colleague]:
    """Return active staff who hold one of the sales roles, in a stable order."""
    statement = (
        select(UserAccount.id, UserAccount.name)
        .where(
            UserAccount.kind == "staff",
            UserAccount.state == "active",
            UserAccount.id.in_(select(StaffRole.user_id).where(StaffRole.role.in_(roles))),
        )
        .order_by(UserAccount.id)
    )
    return [Colleague(user_id, name) for user_id, name in await session.execute(statement)]


async def active_staff(session: Session) -> list[Colleague]:
    """Return all active staff, in a stable order: a rule may name anybody."""
    statement = (
        select(UserAccount.id, UserAccount.name)
        .where(UserAccount.kind == "staff", UserAccount.state == "active")
        .order_by(UserAccount.id)
    )
    return [Colleague(user_id, name) for user_id, name in await session.execute(statement)]


async def capture_key(session: TenantSession, key: str) -> CaptureKey | None:
    """Return what a repeated call of the API made at its first time."""
    return await session.get(CaptureKey, key)
