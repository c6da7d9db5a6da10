"""Selects on trading accounts for the search of all rooms and for home pages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, or_, select

from clients.models import Client
from identity.shell.subjects import Query, begins
from kernel.database import ReadSession, TenantSession
from trading.models import TradingAccount

Session = TenantSession | ReadSession
# Logins have at most so many digits here; more is no login.
_DIGITS_MAX = 12


def login_begins(number: str) -> ColumnElement[bool]:
    """Return the condition that a login begins with those digits, as ranges an index answers."""
    ranges = []
    for further in range(_DIGITS_MAX + 1 - len(number)):
        low = int(number) * 10**further
        ranges.append(TradingAccount.login.between(low, low + 10**further - 1))
    return or_(*ranges)


async def search(session: Session, *, query: Query, owner_id: UUID | None, limit: int) -> list[Any]:
    """Return accounts by the beginning of login or reference, exact ones first."""
    exact: ColumnElement[bool] = TradingAccount.reference == query.upper
    places = [begins(TradingAccount.reference, query.upper)]
    if query.number and len(query.number) <= _DIGITS_MAX and query.number[0] != "0":
        exact = or_(exact, TradingAccount.login == int(query.number))
        places.append(login_begins(query.number))
    statement = (
        select(
            TradingAccount.id,
            TradingAccount.reference,
            TradingAccount.login,
            TradingAccount.group_name,
            TradingAccount.currency,
            TradingAccount.state,
            TradingAccount.client_id,
            func.concat_ws(" ", Client.first_name, Client.last_name).label("person"),
            exact.label("exact"),
        )
        .outerjoin(Client, Client.id == TradingAccount.client_id)
        .where(or_(*places))
        .order_by(exact.desc(), TradingAccount.login, TradingAccount.id)
        .limit(limit)
    )
    if owner_id is not None:
        statement = statement.where(Client.owner_id == owner_id)
    return list((await session.execute(statement)).all())


async def names(
    session: Session, *, ids: Collection[UUID], owner_id: UUID | None
) -> dict[UUID, str]:
    """Return logins, or references while there is none, of one owner's clients when given."""
    name = func.coalesce(cast(TradingAccount.login, String), TradingAccount.reference)
    statement = select(TradingAccount.id, name).where(TradingAccount.id.in_(ids))
    if owner_id is not None:
        statement = statement.join(Client, Client.id == TradingAccount.client_id).where(
            Client.owner_id == owner_id
        )
    return {account_id: text for account_id, text in await session.execute(statement)}  # noqa: C416
