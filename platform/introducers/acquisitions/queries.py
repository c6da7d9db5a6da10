"""Every select on what clients pay their introducers once, and on what was taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select, union_all

from introducers import queries as introducer_queries
from introducers.models import Acquisition, CommissionLine, CommissionReversal, PartnerTerm, Plan
from kernel.database import ReadSession, TenantSession
from treasury.models import Deposit

Session = TenantSession | ReadSession


async def clients_of_deals(
    session: Session, *, server_id: UUID, tickets: Sequence[int]
) -> Sequence[UUID]:
    """Return the clients of deals whose introducer's plan pays once for a client."""
    statement = (
        select(CommissionLine.client_id)
        .join(Plan, Plan.id == CommissionLine.plan_id)
        .where(
            CommissionLine.server_id == server_id,
            CommissionLine.ticket.in_(tickets),
            CommissionLine.latest,
            CommissionLine.level == 1,
            Plan.terms.has_key("cpa"),
        )
        .distinct()
        .order_by(CommissionLine.client_id)
    )
    return (await session.scalars(statement)).all()


async def acquisition(session: Session, client_id: UUID) -> Acquisition | None:
    """Return what was earned once for a client."""
    return await session.scalar(select(Acquisition).where(Acquisition.client_id == client_id))


async def acquisition_of_deposit(session: TenantSession, deposit_id: UUID) -> Acquisition | None:
    """Return what was earned once by a deposit, locked."""
    statement = select(Acquisition).where(Acquisition.deposit_id == deposit_id).with_for_update()
    return await session.scalar(statement)


async def first_deposit(session: Session, client_id: UUID) -> Deposit | None:
    """Return the first deposit of a client that was paid."""
    statement = (
        select(Deposit)
        .where(Deposit.client_id == client_id, Deposit.settled_at.is_not(None))
        .order_by(Deposit.settled_at, Deposit.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def deposit(session: Session, deposit_id: UUID) -> Deposit | None:
    """Return a deposit."""
    return await session.get(Deposit, deposit_id)


async def terms_of_partner(session: Session, partner_id: UUID, at: datetime) -> Plan | None:
    """Return the plan a partner is on at a moment, in the version in force then."""
    statement = (
        select(PartnerTerm.plan_code)
        .where(PartnerTerm.partner_id == partner_id, PartnerTerm.valid_from <= at)
        .order_by(PartnerTerm.valid_from.desc())
        .limit(1)
    )
    code = await session.scalar(statement)
    return await introducer_queries.plan_at(session, code, at) if code is not None else None


async def eligible_trades(
    session: Session, *, client_id: UUID, partner_id: UUID, since: datetime, until: datetime
) -> list[tuple[datetime, Decimal]]:
    """Return when and how many lots a client's trades closed that were held long enough."""
    statement = (
        select(CommissionLine.closed_at, CommissionLine.lots)
        .where(
            CommissionLine.client_id == client_id,
            CommissionLine.partner_id == partner_id,
            CommissionLine.latest,
            CommissionLine.level == 1,
            CommissionLine.closed_at >= since,
            CommissionLine.closed_at <= until,
            ~CommissionLine.reason.startswith("held "),
        )
        .order_by(CommissionLine.closed_at, CommissionLine.ticket)
    )
    return [(at, lots) for at, lots in await session.execute(statement)]


async def rebates_since(
    session: Session, *, client_id: UUID, since: datetime
) -> list[tuple[UUID, str, Decimal]]:
    """Return what each partner has of a client's trades since a moment, less what was reversed."""
    earned = (
        select(
            CommissionLine.partner_id,
            CommissionLine.currency,
            func.sum(CommissionLine.amount).label("amount"),
        )
        .where(
            CommissionLine.client_id == client_id,
            CommissionLine.latest,
            CommissionLine.closed_at >= since,
        )
        .group_by(CommissionLine.partner_id, CommissionLine.currency)
    )
    taken = (
        select(
            CommissionReversal.partner_id,
            CommissionReversal.currency,
            (-func.sum(CommissionReversal.amount)).label("amount"),
        )
        .where(CommissionReversal.client_id == client_id, CommissionReversal.kind == "rebate")
        .group_by(CommissionReversal.partner_id, CommissionReversal.currency)
    )
    both = union_all(earned, taken).subquery()
    total = func.sum(both.c.amount)
    statement = (
        select(both.c.partner_id, both.c.currency, total)
        .group_by(both.c.partner_id, both.c.currency)
        .having(total > 0)
        .order_by(both.c.partner_id, both.c.currency)
    )
    return [(one, currency, amount) for one, currency, amount in await session.execute(statement)]


async def reversals(session: Session, *, deposit_id: UUID) -> Sequence[CommissionReversal]:
    """Return what was taken back because of a deposit."""
    statement = (
        select(CommissionReversal)
        .where(CommissionReversal.deposit_id == deposit_id)
        .order_by(CommissionReversal.id)
    )
    return (await session.scalars(statement)).all()
