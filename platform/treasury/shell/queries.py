"""Selects on deposits for the search of all rooms, for counters and for home pages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Row, Select, and_, cast, func, or_, select

from clients.models import Client
from identity.shell.queries import the_viewer
from identity.shell.subjects import Query, begins
from kernel.database import ReadSession, TenantSession
from treasury.models import Deposit

Session = TenantSession | ReadSession


async def search(session: Session, *, query: Query, owner_id: UUID | None, limit: int) -> list[Any]:
    """Return deposits by the beginning of our or the provider's reference, exact ones first."""
    exact = or_(Deposit.reference == query.upper, Deposit.provider_reference == query.text)
    places = [
        begins(Deposit.reference, query.upper),
        begins(Deposit.provider_reference, query.text),
    ]
    statement = (
        select(
            Deposit.id,
            Deposit.reference,
            Deposit.provider_reference,
            func.coalesce(Deposit.settled_amount, Deposit.amount).label("amount"),
            Deposit.currency,
            Deposit.state,
            func.concat_ws(" ", Client.first_name, Client.last_name).label("person"),
            exact.label("exact"),
        )
        .outerjoin(Client, Client.id == Deposit.client_id)
        .where(or_(*places))
        .order_by(exact.desc(), Deposit.id.desc())
        .limit(limit)
    )
    if owner_id is not None:
        statement = statement.where(Client.owner_id == owner_id)
    return list((await session.execute(statement)).all())


async def names(
    session: Session, *, ids: Collection[UUID], owner_id: UUID | None
) -> dict[UUID, str]:
    """Return the references of deposits, of one owner's clients when one is given."""
    statement = select(Deposit.id, Deposit.reference).where(Deposit.id.in_(ids))
    if owner_id is not None:
        statement = statement.join(Client, Client.id == Deposit.client_id).where(
            Client.owner_id == owner_id
        )
    return {deposit_id: text for deposit_id, text in await session.execute(statement)}  # noqa: C416


def held(late_after: timedelta, *, own: bool) -> Select[int, int]:
    """Return the statement that counts held deposits, and those that have waited too long.

    With `own` only deposits of the viewer's own clients count.
    """
    late = Deposit.created_at < func.now() - late_after
    statement = (
        select(func.count(), func.count().filter(late))
        .select_from(Deposit)
        .where(Deposit.state == "held")
    )
    if own:
        statement = statement.join(Client, Client.id == Deposit.client_id).where(
            Client.owner_id == the_viewer()
        )
    return statement


async def figures(
    session: Session,
    *,
    currency: str,
    since: datetime,
    until: datetime,
    before: datetime,
    owner_id: UUID | None,
) -> Row[*tuple[Any, ...]]:
    """Return what was settled in a time and before it, and what waits now.

    Columns: settled, settled_before (how many, of any currency), amount, amount_before (in one
    currency), other_count (of any other), held, pending, failed (in the time).
    """
    now_ = and_(Deposit.settled_at >= since, Deposit.settled_at < until)
    then = and_(Deposit.settled_at >= before, Deposit.settled_at < since)
    ours = and_(Deposit.currency == currency, Deposit.state.in_(("settled", "credited")))
    amount = func.sum(Deposit.settled_amount)
    failed = and_(
        Deposit.state == "failed", Deposit.created_at >= since, Deposit.created_at < until
    )
    statement = select(
        func.count().filter(now_).label("settled"),
        func.count().filter(then).label("settled_before"),
        func.coalesce(amount.filter(now_, ours), 0).label("amount"),
        func.coalesce(amount.filter(then, ours), 0).label("amount_before"),
        func.count().filter(now_, Deposit.currency != currency).label("other_count"),
        func.count().filter(Deposit.state == "held").label("held"),
        func.count().filter(Deposit.state == "pending").label("pending"),
        func.count().filter(failed).label("failed"),
    ).select_from(Deposit)
    if owner_id is not None:
        statement = statement.join(Client, Client.id == Deposit.client_id).where(
            Client.owner_id == owner_id
        )
    return (await session.execute(statement)).one()


async def first_deposits(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    before: datetime,
    owner_id: UUID | None,
) -> tuple[int, int]:
    """Return how many clients paid in for the first time in a time, and in the one before it."""
    firsts = select(func.min(Deposit.settled_at).label("at")).where(Deposit.settled_at.is_not(None))
    if owner_id is not None:
        firsts = firsts.join(Client, Client.id == Deposit.client_id).where(
            Client.owner_id == owner_id
        )
    first = firsts.group_by(Deposit.client_id).subquery()
    statement = select(
        func.count().filter(first.c.at >= since),
        func.count().filter(first.c.at < since),
    ).where(first.c.at >= before, first.c.at < until)
    now_, then = (await session.execute(statement)).one()
    return now_, then


async def settled_by_day(
    session: Session, *, currency: str, since: datetime, until: datetime, owner_id: UUID | None
) -> dict[Any, Any]:
    """Return what was settled in one currency on each day, in UTC."""
    day = cast(func.timezone("UTC", Deposit.settled_at), Date)
    statement = (
        select(day, func.sum(Deposit.settled_amount))
        .where(
            Deposit.settled_at >= since, Deposit.settled_at < until, Deposit.currency == currency
        )
        .group_by(day)
    )
    if owner_id is not None:
        statement = statement.join(Client, Client.id == Deposit.client_id).where(
            Client.owner_id == owner_id
        )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def oldest(session: Session, *, state: str, owner_id: UUID | None, limit: int) -> list[Any]:
    """Return the deposits of a state that have waited longest."""
    statement = _of_state(state, owner_id).order_by(Deposit.id).limit(limit)
    return list((await session.execute(statement)).all())


async def latest(session: Session, *, state: str, owner_id: UUID | None, limit: int) -> list[Any]:
    """Return the newest deposits of a state."""
    statement = _of_state(state, owner_id).order_by(Deposit.id.desc()).limit(limit)
    return list((await session.execute(statement)).all())


def _of_state(state: str, owner_id: UUID | None) -> Select[*tuple[Any, ...]]:
    statement = (
        select(
            Deposit.id,
            Deposit.reference,
            Deposit.amount,
            Deposit.currency,
            Deposit.reason,
            Deposit.created_at,
            func.concat_ws(" ", Client.first_name, Client.last_name).label("person"),
        )
        .outerjoin(Client, Client.id == Deposit.client_id)
        .where(Deposit.state == state)
    )
    return statement if owner_id is None else statement.where(Client.owner_id == owner_id)


async def quiet(session: Session, *, owner_id: UUID | None, limit: int) -> list[Any]:
    """Return clients who have paid in, by how long ago they last did, longest first."""
    last = func.max(Deposit.settled_at)
    statement = (
        select(
            Client.id,
            func.concat_ws(" ", Client.first_name, Client.last_name).label("person"),
            Client.country,
            last.label("last"),
            func.count().label("deposits"),
        )
        .join(Deposit, Deposit.client_id == Client.id)
        .where(Deposit.settled_at.is_not(None))
        .group_by(Client.id)
        .order_by(last, Client.id)
        .limit(limit)
    )
    if owner_id is not None:
        statement = statement.where(Client.owner_id == owner_id)
    return list((await session.execute(statement)).all())
