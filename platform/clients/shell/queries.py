"""Selects on clients for the search of all rooms and for home pages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from clients.models import Client
from identity.shell.subjects import Query, begins
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


class Named(Protocol):
    """A table whose rows are people with an owner among the staff."""

    id: Any
    reference: Any
    first_name: Any
    last_name: Any
    email: Any
    country: Any
    owner_id: Any


def person_matches(table: type[Named], query: Query) -> ColumnElement[bool]:
    """Return the condition that a person's name begins with what was typed.

    One word begins the first or the last name; two and more are both of them, in either order.
    """
    first, last = func.lower(table.first_name), func.lower(table.last_name)
    word, *others = query.words
    if not others:
        return or_(begins(first, word), begins(last, word))
    rest = " ".join(others)
    return or_(
        and_(begins(first, word), begins(last, rest)),
        and_(begins(last, word), begins(first, rest)),
        begins(first, query.lower),
        begins(last, query.lower),
    )


async def search(
    session: Session,
    table: type[Named],
    *,
    state: InstrumentedAttribute[str],
    number: ColumnElement[bool] | None,
    query: Query,
    owner_id: UUID | None,
    contact_of: UUID | None,
    by_contact: bool,
    limit: int,
) -> list[Any]:
    """Return people by the beginning of name, reference, address or number, exact ones first.

    `owner_id` leaves only one owner's people; `contact_of` lets addresses and numbers (the
    condition `number`, when one was typed) be searched for that owner's only, `by_contact` says
    whether at all. Rows carry `state`, whatever the table calls it.
    """
    exact = table.reference == query.upper
    places = [person_matches(table, query), begins(table.reference, query.upper)]
    if by_contact:
        contacts = [begins(func.lower(table.email), query.lower)]
        if number is not None:
            contacts.append(number)
        reached = table.owner_id == contact_of if contact_of else None
        places.append(or_(*contacts) if reached is None else and_(or_(*contacts), reached))
    statement = select(
        table.id,
        table.reference,
        table.first_name,
        table.last_name,
        table.email,
        table.country,
        state.label("state"),
        table.owner_id,
        exact.label("exact"),
    ).where(or_(*places))
    if owner_id is not None:
        statement = statement.where(table.owner_id == owner_id)
    statement = statement.order_by(
        exact.desc(), func.lower(table.last_name), func.lower(table.first_name), table.id
    )
    return list((await session.execute(statement.limit(limit))).all())


async def names(
    session: Session, table: type[Named], *, ids: Collection[UUID], owner_id: UUID | None
) -> dict[UUID, str]:
    """Return the names of people, of one owner's when one is given."""
    name = func.concat_ws(" ", table.first_name, table.last_name)
    statement = select(table.id, name).where(table.id.in_(ids))
    if owner_id is not None:
        statement = statement.where(table.owner_id == owner_id)
    return {row_id: text for row_id, text in await session.execute(statement)}  # noqa: C416


async def registered(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    before: datetime,
    owner_id: UUID | None,
) -> tuple[int, int]:
    """Return how many clients came in a time, and how many from `before` to its beginning."""
    statement = select(
        func.count().filter(Client.created_at >= since),
        func.count().filter(Client.created_at < since),
    ).where(Client.created_at >= before, Client.created_at < until)
    if owner_id is not None:
        statement = statement.where(Client.owner_id == owner_id)
    now_, then = (await session.execute(statement)).one()
    return now_, then


async def by_status(session: Session, *, owner_id: UUID | None) -> dict[str, int]:
    """Return how many clients have each status."""
    statement = select(Client.status, func.count()).group_by(Client.status)
    if owner_id is not None:
        statement = statement.where(Client.owner_id == owner_id)
    return {status: count for status, count in await session.execute(statement)}  # noqa: C416
