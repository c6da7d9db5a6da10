"""Every select on partners, their tree, plans and attributions, for the verbs of this room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all

from introducers.models import (
    Attribution,
    CommissionLine,
    CommissionPosting,
    LeadAttribution,
    Partner,
    PartnerClosure,
    Plan,
    ReferralVisit,
)
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class Unposted:
    """A partner's day whose lines and postings differ; `sequence` is the next posting's."""

    partner_id: UUID
    day: dt.date
    currency: str
    amount: Decimal
    sequence: int
    user_id: UUID


async def partner(session: Session, partner_id: UUID) -> Partner | None:
    """Return one partner."""
    return await session.get(Partner, partner_id)


async def partner_for_update(session: TenantSession, partner_id: UUID) -> Partner | None:
    """Return one partner, locked to the end of the transaction."""
    return await session.scalar(select(Partner).where(Partner.id == partner_id).with_for_update())


async def partner_of_user(session: Session, user_id: UUID) -> Partner | None:
    """Return the partner who signs in as that person."""
    return await session.scalar(select(Partner).where(Partner.user_id == user_id))


async def partner_by_code(session: Session, code: str) -> Partner | None:
    """Return the partner of a link's code, in whatever case it is written."""
    statement = select(Partner).where(func.upper(Partner.code) == code.strip().upper()[:24])
    return await session.scalar(statement)


async def plan_versions(session: Session, code: str) -> Sequence[Plan]:
    """Return a plan's versions, oldest first."""
    statement = select(Plan).where(Plan.code == code).order_by(Plan.version)
    return (await session.scalars(statement)).all()


async def plan_at(session: Session, code: str, at: datetime) -> Plan | None:
    """Return the version of a plan that is in force at a moment."""
    statement = (
        select(Plan)
        .where(Plan.code == code, Plan.effective_from <= at)
        .order_by(Plan.effective_from.desc(), Plan.version.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def plans(session: Session) -> Sequence[Plan]:
    """Return all versions of all plans, by code, newest first."""
    statement = select(Plan).order_by(Plan.code, Plan.version.desc())
    return (await session.scalars(statement)).all()


async def plan(session: Session, plan_id: UUID) -> Plan | None:
    """Return one version of a plan."""
    return await session.get(Plan, plan_id)


async def lock_tree(session: TenantSession) -> None:
    """Let one change of the tree follow the other, to the end of the transaction."""
    await _lock(session, " partner tree")


async def lock_postings(session: TenantSession) -> None:
    """Let one daily close follow the other, to the end of the transaction."""
    await _lock(session, " commission postings")


async def _lock(session: TenantSession, name: str) -> None:
    key = func.hashtextextended(func.current_schema().concat(name), 0)
    await session.execute(select(func.pg_advisory_xact_lock(key)))


async def ancestors(session: Session, partner_id: UUID) -> Sequence[PartnerClosure]:
    """Return who stands above a partner now, themselves first."""
    statement = (
        select(PartnerClosure)
        .where(PartnerClosure.descendant_id == partner_id, PartnerClosure.valid_to.is_(None))
        .order_by(PartnerClosure.depth)
    )
    return (await session.scalars(statement)).all()


async def descendants(session: Session, partner_id: UUID) -> Sequence[PartnerClosure]:
    """Return who stands below a partner now, themselves first."""
    statement = (
        select(PartnerClosure)
        .where(PartnerClosure.ancestor_id == partner_id, PartnerClosure.valid_to.is_(None))
        .order_by(PartnerClosure.depth, PartnerClosure.descendant_id)
    )
    return (await session.scalars(statement)).all()


async def links_from_above(session: Session, inside: list[UUID]) -> Sequence[PartnerClosure]:
    """Return the present links into a subtree from outside it."""
    statement = select(PartnerClosure).where(
        PartnerClosure.descendant_id.in_(inside),
        PartnerClosure.ancestor_id.not_in(inside),
        PartnerClosure.valid_to.is_(None),
    )
    return (await session.scalars(statement)).all()


async def attribution(session: Session, client_id: UUID) -> Attribution | None:
    """Return whose client somebody is."""
    return await session.get(Attribution, client_id)


async def lead_attribution(session: Session, lead_id: UUID) -> LeadAttribution | None:
    """Return which partner a lead came through first."""
    return await session.get(LeadAttribution, lead_id)


async def first_visit(session: Session, *, visitor: str, since: datetime) -> ReferralVisit | None:
    """Return the first visit by a partner's link that a visitor made since a moment."""
    statement = (
        select(ReferralVisit)
        .where(ReferralVisit.visitor == visitor, ReferralVisit.at >= since)
        .order_by(ReferralVisit.at, ReferralVisit.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def lines_of(
    session: Session, *, server_id: UUID, ticket: int, latest: bool = True
) -> Sequence[CommissionLine]:
    """Return what a deal pays, nearest partner first; or what it paid before."""
    statement = (
        select(CommissionLine)
        .where(
            CommissionLine.server_id == server_id,
            CommissionLine.ticket == ticket,
            CommissionLine.latest.is_(latest),
        )
        .order_by(CommissionLine.level, CommissionLine.revision)
    )
    return (await session.scalars(statement)).all()


async def unposted(
    session: Session,
    *,
    before: dt.date,
    positive: bool,
    limit: int,
    partner_id: UUID | None = None,
) -> list[Unposted]:
    """Return active partners' days before a day that the book does not have, oldest first."""
    both = union_all(_accrued(before, partner_id), _posted(before, partner_id)).subquery()
    total = func.sum(both.c.amount)
    statement = (
        select(
            both.c.partner_id,
            both.c.day,
            both.c.currency,
            total,
            func.coalesce(func.max(both.c.sequence), 0) + 1,
            Partner.user_id,
        )
        .join(Partner, Partner.id == both.c.partner_id)
        .where(Partner.state == "active")
        .group_by(both.c.partner_id, both.c.day, both.c.currency, Partner.user_id)
        .having(total > 0 if positive else total < 0)
        .order_by(both.c.day, both.c.partner_id)
        .limit(limit)
    )
    return [Unposted(*row) for row in await session.execute(statement)]


async def not_yet_posted(session: Session, *, partner_id: UUID) -> Decimal:
    """Return what a partner's lines have earned that the book does not have yet."""
    both = union_all(_accrued(None, partner_id), _posted(None, partner_id)).subquery()
    return await session.scalar(select(func.coalesce(func.sum(both.c.amount), 0))) or Decimal(0)


def _accrued(
    before: dt.date | None, partner_id: UUID | None
) -> Select[UUID, dt.date, str, Decimal, int]:
    conditions: list[ColumnElement[bool]] = [CommissionLine.latest.is_(True)]
    if before is not None:
        conditions.append(CommissionLine.day < before)
    if partner_id is not None:
        conditions.append(CommissionLine.partner_id == partner_id)
    return (
        select(
            CommissionLine.partner_id,
            CommissionLine.day,
            CommissionLine.currency,
            func.sum(CommissionLine.amount).label("amount"),
            literal(0).label("sequence"),
        )
        .where(*conditions)
        .group_by(CommissionLine.partner_id, CommissionLine.day, CommissionLine.currency)
    )


def _posted(
    before: dt.date | None, partner_id: UUID | None
) -> Select[UUID, dt.date, str, Decimal, int]:
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(CommissionPosting.day < before)
    if partner_id is not None:
        conditions.append(CommissionPosting.partner_id == partner_id)
    return (
        select(
            CommissionPosting.partner_id,
            CommissionPosting.day,
            CommissionPosting.currency,
            (-func.sum(CommissionPosting.amount)).label("amount"),
            func.max(CommissionPosting.sequence).label("sequence"),
        )
        .where(*conditions)
        .group_by(CommissionPosting.partner_id, CommissionPosting.day, CommissionPosting.currency)
    )


@dataclass(frozen=True, slots=True)
class Rebate:
    """What one deal pays one partner, as staff see it."""

    line_id: UUID
    partner_id: UUID
    partner_name: str
    level: int
    amount: Decimal
    currency: str
    reason: str


async def rebates_by_day(
    session: Session, *, since: dt.date, until: dt.date
) -> dict[dt.date, Decimal]:
    """Return what partners earned on each day; both ends are included."""
    statement = (
        select(CommissionLine.day, func.sum(CommissionLine.amount))
        .where(CommissionLine.latest.is_(True), CommissionLine.day.between(since, until))
        .group_by(CommissionLine.day)
    )
    rows = (await session.execute(statement)).all()
    return {row[0]: row[1] for row in rows}


async def rebates_of_deal(session: Session, *, server_id: UUID, ticket: int) -> list[Rebate]:
    """Return what a deal pays its partners, nearest first."""
    statement = (
        select(
            CommissionLine.id,
            Partner.id,
            Partner.name,
            CommissionLine.level,
            CommissionLine.amount,
            CommissionLine.currency,
            CommissionLine.reason,
        )
        .join(Partner, Partner.id == CommissionLine.partner_id)
        .where(
            CommissionLine.server_id == server_id,
            CommissionLine.ticket == ticket,
            CommissionLine.latest.is_(True),
        )
        .order_by(CommissionLine.level)
    )
    return [Rebate(*row) for row in await session.execute(statement)]


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner in the tree; `level` is 1 at the top, commission is of the days asked for."""

    partner: Partner
    level: int
    clients: int
    subs: int
    lots: Decimal
    commission: Decimal


async def partner_rows(
    session: Session, *, since: dt.date, below: UUID | None = None
) -> list[PartnerRow]:
    """Return partners with their figures in the order of the tree, all or one's branch.

    Lots and commission are each partner's own lines since a day.
    """
    clients = (
        select(Attribution.partner_id, func.count().label("count"))
        .group_by(Attribution.partner_id)
        .subquery()
    )
    lines = (
        select(
            CommissionLine.partner_id,
            func.sum(CommissionLine.lots).label("lots"),
            func.sum(CommissionLine.amount).label("amount"),
        )
        .where(CommissionLine.latest.is_(True), CommissionLine.day >= since)
        .group_by(CommissionLine.partner_id)
        .subquery()
    )
    statement = (
        select(
            Partner,
            func.coalesce(clients.c.count, 0),
            func.coalesce(lines.c.lots, 0),
            func.coalesce(lines.c.amount, 0),
        )
        .outerjoin(clients, clients.c.partner_id == Partner.id)
        .outerjoin(lines, lines.c.partner_id == Partner.id)
        .order_by(Partner.created_at, Partner.id)
    )
    if below is not None:
        inside = select(PartnerClosure.descendant_id).where(
            PartnerClosure.ancestor_id == below, PartnerClosure.valid_to.is_(None)
        )
        statement = statement.where(Partner.id.in_(inside))
    rows: Sequence[Any] = (await session.execute(statement)).all()
    return _in_tree_order(rows, below)


def _in_tree_order(rows: Sequence[Any], top: UUID | None) -> list[PartnerRow]:
    children: dict[UUID | None, list[Any]] = {}
    for row in rows:
        parent = None if row[0].id == top else row[0].parent_id
        children.setdefault(parent, []).append(row)
    ordered: list[PartnerRow] = []
    waiting = [(row, 1) for row in reversed(children.get(None, []))]
    while waiting:
        (found, count, lots, amount), level = waiting.pop()
        below = children.get(found.id, [])
        ordered.append(PartnerRow(found, level, count, len(below), lots, amount))
        waiting.extend((row, level + 1) for row in reversed(below))
    return ordered


async def latest_lines(
    session: Session, *, partner_id: UUID, limit: int = 20
) -> Sequence[CommissionLine]:
    """Return a partner's newest lines."""
    statement = (
        select(CommissionLine)
        .where(CommissionLine.partner_id == partner_id, CommissionLine.latest.is_(True))
        .order_by(CommissionLine.closed_at.desc(), CommissionLine.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()
