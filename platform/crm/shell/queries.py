"""Selects on leads for the search of all rooms and for home pages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from clients.shell.queries import person_matches
from crm.models import Lead
from identity.models import UserAccount
from identity.shell.subjects import Query, begins
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession
OPEN_STAGES = ("new", "contacted", "qualified", "nurture")


async def search(
    session: Session,
    *,
    query: Query,
    owner_id: UUID | None,
    contact_of: UUID | None,
    by_contact: bool,
    limit: int,
) -> list[Any]:
    """Return leads by the beginning of name, reference, address or number, exact ones first.

    `owner_id` leaves only one owner's leads; `contact_of` lets addresses and numbers be searched
    for that owner's only, `by_contact` says whether at all.
    """
    places: list[ColumnElement[bool]] = [person_matches(Lead, query)]
    exact = Lead.reference == query.upper
    places.append(begins(Lead.reference, query.upper))
    if by_contact:
        contacts = [begins(func.lower(Lead.email), query.lower)]
        if query.number:
            contacts.append(begins(Lead.phone_digits, query.number))
        reached = Lead.owner_id == contact_of if contact_of else None
        places.append(or_(*contacts) if reached is None else and_(or_(*contacts), reached))
    statement = select(
        Lead.id,
        Lead.reference,
        Lead.first_name,
        Lead.last_name,
        Lead.email,
        Lead.country,
        Lead.stage,
        Lead.owner_id,
        exact.label("exact"),
    ).where(or_(*places))
    if owner_id is not None:
        statement = statement.where(Lead.owner_id == owner_id)
    statement = statement.order_by(
        exact.desc(), func.lower(Lead.last_name), func.lower(Lead.first_name), Lead.id
    )
    return list((await session.execute(statement.limit(limit))).all())


async def names(
    session: Session, *, ids: Collection[UUID], owner_id: UUID | None
) -> dict[UUID, str]:
    """Return the names of leads, of one owner's when one is given."""
    name = func.concat_ws(" ", Lead.first_name, Lead.last_name)
    statement = select(Lead.id, name).where(Lead.id.in_(ids))
    if owner_id is not None:
        statement = statement.where(Lead.owner_id == owner_id)
    return {lead_id: text for lead_id, text in await session.execute(statement)}  # noqa: C416


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
