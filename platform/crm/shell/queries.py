"""Selects on leads for the search of all rooms and for home pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select

from crm.models import Lead
from identity.models import UserAccount
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession
OPEN_STAGES = ("new", "contacted", "qualified", "nurture")


async def figures(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    before: datetime,
    owner_id: UUID | None,
) -> Row[*tuple[Any, ...]]:
    """Return leads by what was and is: came, came before, of those converted, and open ones.

    Columns: came, came_before, converted, converted_before, waiting (new ones, whenever they
    came), unassigned (open ones of nobody).
    """
    now_, then = Lead.created_at >= since, Lead.created_at < since
    in_time = and_(Lead.created_at >= before, Lead.created_at < until)
    converted = Lead.stage == "converted"
    statement = select(
        func.count().filter(in_time, now_).label("came"),
        func.count().filter(in_time, then).label("came_before"),
        func.count().filter(in_time, now_, converted).label("converted"),
        func.count().filter(in_time, then, converted).label("converted_before"),
        func.count().filter(Lead.stage == "new").label("waiting"),
        func.count().filter(Lead.stage == "new", Lead.owner_id.is_(None)).label("unassigned"),
    ).select_from(Lead)
    if owner_id is not None:
        statement = statement.where(Lead.owner_id == owner_id)
    return (await session.execute(statement)).one()


async def by_source(
    session: Session, *, since: datetime, until: datetime, owner_id: UUID | None
) -> list[Any]:
    """Return leads that came in a time by source: source, how many, how many converted."""
    statement = (
        select(
            Lead.source,
            func.count().label("came"),
            func.count().filter(Lead.stage == "converted").label("converted"),
        )
        .where(Lead.created_at >= since, Lead.created_at < until)
        .group_by(Lead.source)
        .order_by(func.count().desc(), Lead.source)
    )
    if owner_id is not None:
        statement = statement.where(Lead.owner_id == owner_id)
    return list((await session.execute(statement)).all())


async def by_campaign(
    session: Session, *, since: datetime, until: datetime, limit: int
) -> list[Any]:
    """Return leads that came in a time by campaign, most first: campaign, came, converted."""
    statement = (
        select(
            Lead.campaign,
            func.count().label("came"),
            func.count().filter(Lead.stage == "converted").label("converted"),
        )
        .where(Lead.created_at >= since, Lead.created_at < until, Lead.campaign.is_not(None))
        .group_by(Lead.campaign)
        .order_by(func.count().desc(), Lead.campaign)
        .limit(limit)
    )
    return list((await session.execute(statement)).all())


async def by_owner(session: Session, *, since: datetime, until: datetime) -> list[Any]:
    """Return leads that came in a time by owner: id, name, came, converted, still new."""
    statement = (
        select(
            Lead.owner_id,
            UserAccount.name,
            func.count().label("came"),
            func.count().filter(Lead.stage == "converted").label("converted"),
            func.count().filter(Lead.stage == "new").label("waiting"),
        )
        .outerjoin(UserAccount, UserAccount.id == Lead.owner_id)
        .where(Lead.created_at >= since, Lead.created_at < until)
        .group_by(Lead.owner_id, UserAccount.name)
        .order_by(func.count().filter(Lead.stage == "converted").desc(), UserAccount.name)
        .limit(12)
    )
    return list((await session.execute(statement)).all())


async def longest_new(session: Session, *, owner_id: UUID | None, limit: int) -> list[Any]:
    """Return the new leads that have waited longest for a first contact."""
    statement = (
        select(Lead.id, Lead.first_name, Lead.last_name, Lead.country, Lead.score, Lead.created_at)
        .where(Lead.stage == "new")
        .order_by(Lead.created_at, Lead.id)
        .limit(limit)
    )
    if owner_id is not None:
        statement = statement.where(Lead.owner_id == owner_id)
    return list((await session.execute(statement)).all())
