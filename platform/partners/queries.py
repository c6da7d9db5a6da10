"""Every select of the portal: one partner's own lines, and the clients of their branch.

Sums are in the brokerage's base currency; lots are those that closing deals paid for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, cast, func, or_, select

from clients.models import Client
from introducers.models import Attribution, CommissionLine, Partner, PartnerClosure, ReferralVisit
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class Figures:
    """A partner's numbers since a day."""

    clients: int
    active: int
    lots: Decimal
    commission: Decimal
    visits: int


@dataclass(frozen=True, slots=True)
class Referral:
    """A client of a partner's branch; lots and commission are the partner's own lines."""

    client: Client
    partner_id: UUID
    partner_name: str
    at: datetime
    lots: Decimal
    commission: Decimal


class Line(NamedTuple):
    """A commission line as a list shows it, with whose trade it was."""

    line: CommissionLine
    client: Client | None

    @property
    def id(self) -> UUID:
        """The line's id."""
        return self.line.id


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which lines to add up; days are the server's, both included."""

    since: dt.date
    until: dt.date


def _branch(partner_id: UUID) -> Select[UUID]:
    return select(PartnerClosure.descendant_id).where(
        PartnerClosure.ancestor_id == partner_id, PartnerClosure.valid_to.is_(None)
    )


async def figures(session: Session, partner_id: UUID, *, since: dt.date) -> Figures:
    """Return the numbers of a partner's branch since a day."""
    clients = await session.scalar(
        select(func.count())
        .select_from(Attribution)
        .where(Attribution.partner_id.in_(_branch(partner_id)))
    )
    row = (
        await session.execute(
            select(
                func.count(CommissionLine.client_id.distinct()),
                func.coalesce(func.sum(CommissionLine.lots), 0),
                func.coalesce(func.sum(CommissionLine.amount), 0),
            ).where(
                CommissionLine.partner_id == partner_id,
                CommissionLine.latest.is_(True),
                CommissionLine.day >= since,
            )
        )
    ).one()
    visits = await session.scalar(
        select(func.count())
        .select_from(ReferralVisit)
        .where(ReferralVisit.partner_id == partner_id, ReferralVisit.at >= since)
    )
    return Figures(clients or 0, row[0], row[1], row[2], visits or 0)


async def by_day(session: Session, partner_id: UUID, *, since: dt.date) -> dict[dt.date, Decimal]:
    """Return what each day since one has earned a partner."""
    statement = (
        select(CommissionLine.day, func.sum(CommissionLine.amount))
        .where(
            CommissionLine.partner_id == partner_id,
            CommissionLine.latest.is_(True),
            CommissionLine.day >= since,
        )
        .group_by(CommissionLine.day)
    )
    rows = (await session.execute(statement)).all()
    return {row[0]: row[1] for row in rows}


def _referral_source(
    partner_id: UUID, since: dt.date
) -> tuple[Select[*tuple[Any, ...]], slices.Source]:
    """Return the select of the clients of a branch, and what a list's columns are in it.

    Searched are reference and country, and names of partners below; a client's own name and
    contacts are not, because a search would give letter by letter what is masked.
    """
    lines_ = (
        select(
            CommissionLine.client_id,
            func.sum(CommissionLine.lots).label("lots"),
            func.sum(CommissionLine.amount).label("amount"),
        )
        .where(
            CommissionLine.partner_id == partner_id,
            CommissionLine.latest.is_(True),
            CommissionLine.day >= since,
        )
        .group_by(CommissionLine.client_id)
        .subquery()
    )
    lots, amount = func.coalesce(lines_.c.lots, 0), func.coalesce(lines_.c.amount, 0)
    statement = (
        select(Client, Partner.id, Partner.name, Attribution.at, lots, amount)
        .join(Attribution, Attribution.client_id == Client.id)
        .join(Partner, Partner.id == Attribution.partner_id)
        .outerjoin(lines_, lines_.c.client_id == Client.id)
        .where(Attribution.partner_id.in_(_branch(partner_id)))
    )
    source = slices.Source(
        columns={
            "client": Client.reference,
            "country": Client.country,
            "status": Client.status,
            "through": func.lower(Partner.name),
            "lots": lots,
            "commission": amount,
            "since": Attribution.at,
        },
        key=Client.id,
        search=lambda word: [
            func.lower(Client.reference).contains(word, autoescape=True),
            func.lower(Client.country) == word,
            func.lower(Partner.name).contains(word, autoescape=True),
        ],
    )
    return statement, source


async def referral_page(
    session: Session, partner_id: UUID, state: State, *, since: dt.date
) -> Window[Referral]:
    """Return a page of the clients of a partner's branch."""
    statement, source = _referral_source(partner_id, since)
    return await slices.page(session, statement, state, source, make=Referral)


async def referral_rows(
    session: Session, partner_id: UUID, state: State, *, since: dt.date, limit: int
) -> list[Referral]:
    """Return the first clients of a partner's branch."""
    statement, source = _referral_source(partner_id, since)
    return await slices.rows(session, statement, state, source, make=Referral, limit=limit)


async def referral_facets(
    session: Session, partner_id: UUID, state: State, *, since: dt.date
) -> slices.Facets:
    """Count the clients of a partner's branch by country and status."""
    statement, source = _referral_source(partner_id, since)
    counting = statement.with_only_columns(func.count(), maintain_column_froms=True)
    return await slices.facets(session, counting, state, source, ("country", "status"))


def _narrowed(partner_id: UUID, narrowed: Narrowed) -> list[ColumnElement[bool]]:
    return [
        CommissionLine.partner_id == partner_id,
        CommissionLine.latest.is_(True),
        CommissionLine.day.between(narrowed.since, narrowed.until),
    ]


_LINES = slices.Source(
    columns={
        "deal": cast(CommissionLine.ticket, String),
        "symbol": CommissionLine.symbol,
        "client": func.coalesce(Client.reference, ""),
        "lots": CommissionLine.lots,
        "closed": CommissionLine.closed_at,
        "day": CommissionLine.day,
        "level": CommissionLine.level,
        "commission": CommissionLine.amount,
    },
    key=CommissionLine.id,
    search=lambda word: [
        func.lower(Client.reference) == word,
        cast(CommissionLine.ticket, String).startswith(word, autoescape=True),
    ],
)


def _of_partner(statement: Select[*tuple[Any, ...]], partner_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        statement.select_from(CommissionLine)
        .outerjoin(Client, Client.id == CommissionLine.client_id)
        .where(CommissionLine.partner_id == partner_id, CommissionLine.latest.is_(True))
    )


def _line(found: CommissionLine, client: Client | None) -> Line:
    return Line(found, client)


async def latest_lines(session: Session, partner_id: UUID, *, limit: int) -> list[Line]:
    """Return a partner's newest own lines with their clients."""
    statement = _of_partner(select(CommissionLine, Client), partner_id)
    statement = statement.order_by(CommissionLine.closed_at.desc(), CommissionLine.id.desc())
    return [Line(row[0], row[1]) for row in await session.execute(statement.limit(limit))]


async def line_page(session: Session, partner_id: UUID, state: State) -> Window[Line]:
    """Return a page of a partner's own lines with their clients."""
    statement = _of_partner(select(CommissionLine, Client), partner_id)
    return await slices.page(session, statement, state, _LINES, make=_line)


async def line_rows(session: Session, partner_id: UUID, state: State, *, limit: int) -> list[Line]:
    """Return the first of a partner's own lines with their clients."""
    statement = _of_partner(select(CommissionLine, Client), partner_id)
    return await slices.rows(session, statement, state, _LINES, make=_line, limit=limit)


async def line_sums(
    session: Session, partner_id: UUID, state: State
) -> tuple[int, Decimal, Decimal]:
    """Return number, lots and amount of all lines that a list holds."""
    sums = select(
        func.count(),
        func.coalesce(func.sum(CommissionLine.lots), 0),
        func.coalesce(func.sum(CommissionLine.amount), 0),
    )
    statement = slices.narrowed(_of_partner(sums, partner_id), state, _LINES)
    row = (await session.execute(statement)).one()
    return row[0], row[1], row[2]


async def totals(
    session: Session, partner_id: UUID, narrowed: Narrowed
) -> tuple[int, Decimal, Decimal]:
    """Return number, lots and amount of all lines that match."""
    statement = (
        select(
            func.count(),
            func.coalesce(func.sum(CommissionLine.lots), 0),
            func.coalesce(func.sum(CommissionLine.amount), 0),
        )
        .select_from(CommissionLine)
        .outerjoin(Client, Client.id == CommissionLine.client_id)
        .where(*_narrowed(partner_id, narrowed))
    )
    row = (await session.execute(statement)).one()
    return row[0], row[1], row[2]


async def symbols(session: Session, partner_id: UUID) -> Sequence[str]:
    """Return the instruments of a partner's lines."""
    statement = (
        select(CommissionLine.symbol)
        .where(CommissionLine.partner_id == partner_id, CommissionLine.latest.is_(True))
        .distinct()
        .order_by(CommissionLine.symbol)
    )
    return (await session.scalars(statement)).all()


async def line(
    session: Session, partner_id: UUID, line_id: UUID
) -> tuple[CommissionLine, Client | None, str] | None:
    """Return one of a partner's own lines with its client and who the client came through."""
    statement = (
        select(CommissionLine, Client, func.coalesce(Partner.name, ""))
        .outerjoin(Client, Client.id == CommissionLine.client_id)
        .outerjoin(Attribution, Attribution.client_id == CommissionLine.client_id)
        .outerjoin(Partner, Partner.id == Attribution.partner_id)
        .where(CommissionLine.id == line_id, CommissionLine.partner_id == partner_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return (row[0], row[1], row[2]) if row is not None else None


async def revisions(session: Session, found: CommissionLine) -> Sequence[CommissionLine]:
    """Return what the same deal paid the same partner before, newest first."""
    statement = (
        select(CommissionLine)
        .where(
            CommissionLine.server_id == found.server_id,
            CommissionLine.ticket == found.ticket,
            CommissionLine.partner_id == found.partner_id,
            CommissionLine.id != found.id,
        )
        .order_by(CommissionLine.created_at.desc())
    )
    return (await session.scalars(statement)).all()


async def shares(session: Session, partner_id: UUID, *, since: dt.date) -> dict[UUID, Decimal]:
    """Return what a partner earned through each branch since a day, by the branch's partner.

    A partner of the branch stands for everybody below them too; the viewer's own entry is what
    their own clients brought.
    """
    lines_ = (
        select(Attribution.partner_id, func.sum(CommissionLine.amount).label("amount"))
        .join(Attribution, Attribution.client_id == CommissionLine.client_id)
        .where(
            CommissionLine.partner_id == partner_id,
            CommissionLine.latest.is_(True),
            CommissionLine.day >= since,
        )
        .group_by(Attribution.partner_id)
        .subquery()
    )
    statement = (
        select(PartnerClosure.ancestor_id, func.sum(lines_.c.amount))
        .join(lines_, lines_.c.partner_id == PartnerClosure.descendant_id)
        .where(
            PartnerClosure.ancestor_id.in_(_branch(partner_id)),
            PartnerClosure.valid_to.is_(None),
            or_(PartnerClosure.ancestor_id != partner_id, PartnerClosure.depth == 0),
        )
        .group_by(PartnerClosure.ancestor_id)
    )
    rows = (await session.execute(statement)).all()
    return {row[0]: row[1] for row in rows}
