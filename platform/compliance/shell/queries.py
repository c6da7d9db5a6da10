"""Selects on cases for the search of all rooms, for counters and for home pages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select

from clients.models import Client
from clients.shell.queries import person_matches
from compliance.models import KycCase
from identity.shell.subjects import Query, begins
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


async def search(session: Session, *, query: Query, limit: int) -> list[Any]:
    """Return cases by their reference or by their client's name or reference."""
    exact = KycCase.reference == query.upper
    statement = (
        select(
            KycCase.id,
            KycCase.reference,
            KycCase.state,
            Client.country,
            func.concat_ws(" ", Client.first_name, Client.last_name).label("person"),
            exact.label("exact"),
        )
        .join(Client, Client.id == KycCase.client_id)
        .where(
            or_(
                begins(KycCase.reference, query.upper),
                Client.reference == query.upper,
                person_matches(Client, query),
            )
        )
        .order_by(exact.desc(), func.lower(Client.last_name), KycCase.id)
        .limit(limit)
    )
    return list((await session.execute(statement)).all())


async def names(session: Session, *, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the references of cases."""
    statement = select(KycCase.id, KycCase.reference).where(KycCase.id.in_(ids))
    return {case_id: reference for case_id, reference in await session.execute(statement)}  # noqa: C416


def waiting(late_after: timedelta) -> Select[int, int]:
    """Return the statement that counts cases in review, and those in it for too long."""
    late = KycCase.submitted_at < func.now() - late_after
    return (
        select(func.count(), func.count().filter(late))
        .select_from(KycCase)
        .where(KycCase.state == "in_review")
    )


async def figures(
    session: Session, *, since: datetime, until: datetime, before: datetime, late: datetime
) -> Row[*tuple[Any, ...]]:
    """Return the state of the queue: in_review, late, collecting, decided and decided_before."""
    decided = KycCase.decided_at
    statement = select(
        func.count().filter(KycCase.state == "in_review").label("in_review"),
        func.count()
        .filter(KycCase.state == "in_review", KycCase.submitted_at < late)
        .label("late"),
        func.count().filter(KycCase.state == "collecting").label("collecting"),
        func.count().filter(decided >= since, decided < until).label("decided"),
        func.count().filter(decided >= before, decided < since).label("decided_before"),
    ).select_from(KycCase)
    return (await session.execute(statement)).one()


async def longest(session: Session, *, limit: int) -> list[Any]:
    """Return the cases that have waited longest for a decision."""
    statement = (
        select(
            KycCase.id,
            KycCase.reference,
            KycCase.submitted_at,
            Client.country,
            func.concat_ws(" ", Client.first_name, Client.last_name).label("person"),
        )
        .join(Client, Client.id == KycCase.client_id)
        .where(KycCase.state == "in_review")
        .order_by(KycCase.submitted_at, KycCase.id)
        .limit(limit)
    )
    return list((await session.execute(statement)).all())
