"""Every select on revenue: days, instruments, offers, clients, and one deal's arithmetic.

Sums are in the brokerage's base currency and count latest lines; lots are those closed, so
that a trade counts once. Lines that wait for a rate are counted apart and are in no sum.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, case, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from clients.models import Client
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State
from revenue.models import KINDS, RevenueLine

Session = TenantSession | ReadSession
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Earned:
    """What a group of deals earned; `key` is the day, instrument, offer or client."""

    key: Any
    lots: Decimal
    deals: int
    markup: Decimal
    commission: Decimal
    swap: Decimal
    fee: Decimal
    restated: int
    without_rate: int

    @property
    def gross(self) -> Decimal:
        """The sum of all kinds."""
        return self.markup + self.commission + self.swap + self.fee


@dataclass(frozen=True, slots=True)
class DealRevenue:
    """What one deal earned, with the figures that name it."""

    server_id: UUID
    ticket: int
    day: dt.date
    login: int
    client_id: UUID
    client_reference: str
    account_type: str
    symbol: str
    lots: Decimal
    version: int
    markup: Decimal
    commission: Decimal
    swap: Decimal
    fee: Decimal

    @property
    def gross(self) -> Decimal:
        """The sum of all kinds."""
        return self.markup + self.commission + self.swap + self.fee


def _of_kind(kind: str) -> ColumnElement[Any]:
    total = func.sum(RevenueLine.amount_base).filter(RevenueLine.kind == kind)
    return func.coalesce(total, 0).label(kind)


_CLOSED_LOTS = func.coalesce(
    func.sum(
        case(
            (RevenueLine.arithmetic["entry"].astext == "0", 0),
            else_=RevenueLine.lots,
        )
    ).filter(RevenueLine.kind == "markup"),
    0,
)


async def _earned(
    session: Session,
    key: InstrumentedAttribute[Any],
    conditions: Sequence[ColumnElement[bool]],
    *,
    limit: int | None = None,
    by_key: bool = False,
) -> list[Earned]:
    gross = func.coalesce(func.sum(RevenueLine.amount_base), 0)
    statement = (
        select(
            key,
            _CLOSED_LOTS,
            func.count().filter(RevenueLine.kind == "markup"),
            *(_of_kind(kind) for kind in KINDS),
            func.count().filter(RevenueLine.kind == "markup", RevenueLine.version > 1),
            func.count().filter(RevenueLine.amount_base.is_(None)),
        )
        .where(RevenueLine.latest.is_(True), *conditions)
        .group_by(key)
        .order_by(key.desc() if by_key else gross.desc(), key)
        .limit(limit)
    )
    return [Earned(*row) for row in await session.execute(statement)]


def _between(since: dt.date, until: dt.date) -> list[ColumnElement[bool]]:
    return [RevenueLine.day.between(since, until)]


async def newest_day(session: Session) -> dt.date | None:
    """Return the latest day that has earned anything, by its trading server's calendar."""
    return await session.scalar(
        select(func.max(RevenueLine.day)).where(RevenueLine.latest.is_(True))
    )


async def by_day(session: Session, *, since: dt.date, until: dt.date) -> list[Earned]:
    """Return each day with revenue, newest first; both ends are included."""
    return await _earned(session, RevenueLine.day, _between(since, until), by_key=True)


async def by_symbol(session: Session, *, since: dt.date, until: dt.date) -> list[Earned]:
    """Return what each instrument earned, most first."""
    return await _earned(session, RevenueLine.symbol, _between(since, until))


async def by_account_type(session: Session, *, since: dt.date, until: dt.date) -> list[Earned]:
    """Return what each offer earned, most first."""
    return await _earned(session, RevenueLine.account_type, _between(since, until))


def _deals() -> tuple[Select[*tuple[Any, ...]], slices.Source]:
    """Return the select of deals with what each earned, and what a list's columns are in it."""
    same = (
        RevenueLine.server_id,
        RevenueLine.ticket,
        RevenueLine.day,
        RevenueLine.login,
        RevenueLine.client_id,
        func.coalesce(Client.reference, "").label("client_reference"),
        RevenueLine.account_type,
        RevenueLine.symbol,
        RevenueLine.lots,
        RevenueLine.version,
    )
    deals = (
        select(*same, *(_of_kind(kind) for kind in KINDS))
        .outerjoin(Client, Client.id == RevenueLine.client_id)
        .where(RevenueLine.latest.is_(True))
        .group_by(*same)
        .subquery()
    )
    ticket, login = cast(deals.c.ticket, String), cast(deals.c.login, String)
    source = slices.Source(
        columns={
            **{name: deals.c[name] for name in ("day", "symbol", "lots", *KINDS)},
            "deal": ticket,
            "client": deals.c.client_reference,
            "login": login,
            "offer": deals.c.account_type,
            "gross": deals.c.markup + deals.c.commission + deals.c.swap + deals.c.fee,
        },
        # No two servers share both their id and a ticket: of both comes a key.
        key=cast(func.md5(func.concat(deals.c.server_id, ":", ticket)), Uuid),
        # Numbers as text are in their order when they are of one length.
        orders={"deal": func.lpad(ticket, 20, "0"), "login": func.lpad(login, 20, "0")},
        search=lambda word: [
            ticket.startswith(word, autoescape=True),
            login.startswith(word, autoescape=True),
            deals.c.client_reference == word.upper(),
            func.lower(deals.c.symbol).contains(word, autoescape=True),
        ],
    )
    return select(*deals.c), source


async def deal_page(session: Session, state: State) -> Window[DealRevenue]:
    """Return a page of deals with what each earned."""
    statement, source = _deals()
    return await slices.page(session, statement, state, source, make=DealRevenue)


async def deal_rows(session: Session, state: State, *, limit: int) -> list[DealRevenue]:
    """Return the first deals of a whole list."""
    statement, source = _deals()
    return await slices.rows(session, statement, state, source, make=DealRevenue, limit=limit)


async def deal_facets(session: Session, state: State) -> slices.Facets:
    """Count a list of deals by instrument and offer."""
    statement, source = _deals()
    counting = statement.with_only_columns(func.count(), maintain_column_froms=True)
    return await slices.facets(session, counting, state, source, ("symbol", "offer"))


async def lines_of(session: Session, *, server_id: UUID, ticket: int) -> Sequence[RevenueLine]:
    """Return a deal's lines of all versions, newest version first."""
    statement = (
        select(RevenueLine)
        .where(RevenueLine.server_id == server_id, RevenueLine.ticket == ticket)
        .order_by(RevenueLine.version.desc(), RevenueLine.kind)
    )
    return (await session.scalars(statement)).all()


def total(rows: Sequence[Earned]) -> Earned:
    """Return the sum of rows, without a key."""
    return Earned(
        None,
        sum((row.lots for row in rows), _ZERO),
        sum(row.deals for row in rows),
        sum((row.markup for row in rows), _ZERO),
        sum((row.commission for row in rows), _ZERO),
        sum((row.swap for row in rows), _ZERO),
        sum((row.fee for row in rows), _ZERO),
        sum(row.restated for row in rows),
        sum(row.without_rate for row in rows),
    )
