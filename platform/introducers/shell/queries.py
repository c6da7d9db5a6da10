"""Selects on partners for the search of all rooms and for home pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from identity.shell.subjects import Query, begins
from introducers.models import CommissionLine, Partner
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


async def search(session: Session, *, query: Query, limit: int) -> list[Any]:
    """Return partners by name, code, reference or address, exact references first."""
    exact = or_(Partner.reference == query.upper, func.upper(Partner.code) == query.upper)
    words = [func.lower(Partner.name).contains(word, autoescape=True) for word in query.words]
    statement = (
        select(
            Partner.id,
            Partner.reference,
            Partner.name,
            Partner.code,
            Partner.state,
            Partner.country,
            exact.label("exact"),
        )
        .where(
            or_(
                exact,
                begins(Partner.reference, query.upper),
                begins(func.upper(Partner.code), query.upper),
                begins(func.lower(Partner.email), query.lower),
                and_(*words),
            )
        )
        .order_by(exact.desc(), func.lower(Partner.name), Partner.id)
        .limit(limit)
    )
    return list((await session.execute(statement)).all())


async def names(session: Session, *, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of partners."""
    statement = select(Partner.id, Partner.name).where(Partner.id.in_(ids))
    return {partner_id: name for partner_id, name in await session.execute(statement)}  # noqa: C416


async def by_state(session: Session) -> dict[str, int]:
    """Return how many partners stand in each state."""
    statement = select(Partner.state, func.count()).group_by(Partner.state)
    return {state: count for state, count in await session.execute(statement)}  # noqa: C416


async def earned(
    session: Session, *, since: dt.date, until: dt.date, before: dt.date
) -> tuple[Any, Any]:
    """Return what partners earned in some days, both included, and in those from `before` on."""
    amount = func.sum(CommissionLine.amount)
    statement = select(
        func.coalesce(amount.filter(CommissionLine.day >= since), 0),
        func.coalesce(amount.filter(CommissionLine.day < since), 0),
    ).where(CommissionLine.latest.is_(True), CommissionLine.day.between(before, until))
    now_, then = (await session.execute(statement)).one()
    return now_, then


async def best(session: Session, *, since: dt.date, until: dt.date, limit: int) -> list[Any]:
    """Return who earned most in some days: id, name, lots, amount."""
    amount = func.sum(CommissionLine.amount)
    statement = (
        select(
            Partner.id,
            Partner.name,
            func.sum(CommissionLine.lots).label("lots"),
            amount.label("amount"),
        )
        .join(Partner, Partner.id == CommissionLine.partner_id)
        .where(CommissionLine.latest.is_(True), CommissionLine.day.between(since, until))
        .group_by(Partner.id, Partner.name)
        .order_by(amount.desc(), Partner.id)
        .limit(limit)
    )
    return list((await session.execute(statement)).all())


async def applied(session: Session, *, limit: int) -> list[Any]:
    """Return who has applied and waits for an answer, longest waiting first."""
    statement = (
        select(Partner.id, Partner.name, Partner.country, Partner.created_at)
        .where(Partner.state == "applied")
        .order_by(Partner.created_at, Partner.id)
        .limit(limit)
    )
    return list((await session.execute(statement)).all())
