"""Every select of the list of partners: the tree with its figures, a page at a time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, String, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute

from introducers.models import Attribution, CommissionLine, Partner, PartnerClosure
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State

Session = TenantSession | ReadSession


class PartnerFigures(NamedTuple):
    """A partner as a list shows them: level 1 is the top, sums are since a day."""

    partner: Partner
    level: int
    clients: int
    subs: int
    lots: Decimal
    commission: Decimal

    @property
    def id(self) -> UUID:
        """The partner's id."""
        return self.partner.id


def _partner_source(since: dt.date) -> tuple[Select[*tuple[Any, ...]], slices.Source]:
    """Return the select of a list of partners, and what its columns are."""
    clients = _count_of(Attribution.partner_id)
    subs = _count_of(Partner.parent_id)
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
    above = (
        select(
            PartnerClosure.descendant_id,
            func.count().label("level"),
            # Ids are in order of time: joined from the top they are in the order of the tree.
            func.string_agg(
                cast(PartnerClosure.ancestor_id, String),
                aggregate_order_by(literal("/"), PartnerClosure.depth.desc()),
            ).label("path"),
        )
        .where(PartnerClosure.valid_to.is_(None))
        .group_by(PartnerClosure.descendant_id)
        .subquery()
    )
    zero = Decimal(0)
    own = {
        "level": func.coalesce(above.c.level, 1),
        "clients": func.coalesce(clients.c.count, 0),
        "below": func.coalesce(subs.c.count, 0),
        "lots": func.coalesce(lines.c.lots, zero),
        "commission": func.coalesce(lines.c.amount, zero),
    }
    statement = (
        select(Partner, *own.values())
        .outerjoin(above, above.c.descendant_id == Partner.id)
        .outerjoin(clients, clients.c.of == Partner.id)
        .outerjoin(subs, subs.c.of == Partner.id)
        .outerjoin(lines, lines.c.partner_id == Partner.id)
    )
    source = slices.Source(
        columns={
            **own,
            "name": func.lower(Partner.name),
            "plan": Partner.plan_code,
            "country": Partner.country,
            "state": Partner.state,
            "since": Partner.created_at,
            "code": Partner.code,
        },
        key=Partner.id,
        orders={"tree": func.coalesce(above.c.path, cast(Partner.id, String))},
        search=lambda word: [
            column.icontains(word, autoescape=True)
            for column in (Partner.name, Partner.reference, Partner.code, Partner.email)
        ],
    )
    return statement, source


def _count_of(column: InstrumentedAttribute[Any]) -> Any:  # noqa: ANN401 - a subquery's columns
    counting = select(column.label("of"), func.count().label("count"))
    return counting.group_by(column).subquery()


async def partner_page(session: Session, state: State, *, since: dt.date) -> Window[PartnerFigures]:
    """Return a page of partners with their figures since a day."""
    statement, source = _partner_source(since)
    return await slices.page(session, statement, state, source, make=PartnerFigures)


async def partner_figures(
    session: Session, state: State, *, since: dt.date, limit: int
) -> list[PartnerFigures]:
    """Return the first partners of a whole list with their figures since a day."""
    statement, source = _partner_source(since)
    return await slices.rows(session, statement, state, source, make=PartnerFigures, limit=limit)


async def partner_facets(session: Session, state: State, *, since: dt.date) -> slices.Facets:
    """Count a list of partners by state, country and plan."""
    statement, source = _partner_source(since)
    counting = statement.with_only_columns(func.count(), maintain_column_froms=True)
    return await slices.facets(session, counting, state, source, ("state", "country", "plan"))


async def partner_sums(session: Session, *, since: dt.date) -> tuple[Decimal, Decimal, int, int]:
    """Return commission and lots closed since a day, referred clients, and active partners."""
    lines = select(
        func.coalesce(func.sum(CommissionLine.amount), 0),
        func.coalesce(func.sum(CommissionLine.lots).filter(CommissionLine.level == 1), 0),
    ).where(CommissionLine.latest.is_(True), CommissionLine.day >= since)
    amount, lots = (await session.execute(lines)).one()
    clients = await session.scalar(select(func.count()).select_from(Attribution))
    active = select(func.count()).select_from(Partner).where(Partner.state == "active")
    return amount, lots, clients or 0, await session.scalar(active) or 0
