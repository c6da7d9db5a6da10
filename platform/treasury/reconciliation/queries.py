"""Every select of reconciliation: what the three sides say, runs, breaks and clients' money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from kernel.database import ReadSession, TenantSession
from kernel.money import Money
from ledger.chart import SUSPENSE
from ledger.models import AccountBalance
from trading.models import TradingAccount
from treasury.models import Deposit
from treasury.reconciliation.models import (
    ClientMoneyDay,
    ReconciliationBreak,
    ReconciliationRun,
    ReconciliationStep,
)

Session = TenantSession | ReadSession


async def lock(session: TenantSession) -> None:
    """Let one run of a brokerage go after the other."""
    name = func.concat(func.current_schema(), ".reconciliation")
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def account_equity(session: Session, *, currency: str) -> dict[str, Decimal]:
    """Return what each client has on trading accounts in a currency, by client id.

    Equity with floating results, without the brokerage's credit, as the servers last said it.
    """
    query = (
        select(TradingAccount.client_id, func.sum(TradingAccount.equity - TradingAccount.credit))
        .where(TradingAccount.currency == currency, TradingAccount.login.is_not(None))
        .group_by(TradingAccount.client_id)
    )
    return {str(client_id): amount for client_id, amount in await session.execute(query)}


async def currencies(session: Session) -> list[str]:
    """Return the currencies in which clients' money or suspense is, or an account is kept."""
    book_ = select(AccountBalance.currency).where(
        or_(AccountBalance.code.like("liability.%"), AccountBalance.code.like("asset.bank%")),
        AccountBalance.amount != 0,
    )
    servers = select(TradingAccount.currency).where(TradingAccount.equity != 0)
    return sorted(set(await session.scalars(book_.union(servers))))


async def unallocated(session: Session, *, currency: str) -> Decimal:
    """Return what stands in suspense and may be some client's money; zero when it is owed to us."""
    query = select(-func.sum(AccountBalance.amount)).where(
        AccountBalance.code == SUSPENSE, AccountBalance.currency == currency
    )
    return max(await session.scalar(query) or Decimal(0), Decimal(0))


async def run(session: Session, run_id: UUID) -> ReconciliationRun | None:
    """Return a run."""
    return await session.get(ReconciliationRun, run_id)


async def runs(session: Session, *, limit: int = 60) -> Sequence[ReconciliationRun]:
    """Return runs, newest first."""
    query = select(ReconciliationRun).order_by(ReconciliationRun.id.desc()).limit(min(limit, 400))
    return (await session.scalars(query)).all()


async def nightly_run(session: Session, day: date) -> ReconciliationRun | None:
    """Return the run of a night."""
    query = select(ReconciliationRun).where(
        ReconciliationRun.day == day, ReconciliationRun.kind == "nightly"
    )
    return await session.scalar(query.limit(1))


async def newest_cut(session: Session) -> datetime | None:
    """Return the latest moment that any run has compared the books as of."""
    return await session.scalar(select(func.max(ReconciliationRun.cut)))


async def open_breaks(session: TenantSession) -> Sequence[ReconciliationBreak]:
    """Return every open break, locked."""
    query = (
        select(ReconciliationBreak)
        .where(ReconciliationBreak.state == "open")
        .order_by(ReconciliationBreak.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def written_off(session: Session) -> set[tuple[str, Decimal]]:
    """Return the keys of breaks that were written off, each with its difference."""
    query = select(ReconciliationBreak.key, ReconciliationBreak.difference).where(
        ReconciliationBreak.state == "written_off"
    )
    return {(key, difference) for key, difference in await session.execute(query)}


async def one_break(session: Session, break_id: UUID) -> ReconciliationBreak | None:
    """Return a break."""
    return await session.get(ReconciliationBreak, break_id)


async def locked_break(session: TenantSession, break_id: UUID) -> ReconciliationBreak | None:
    """Return a break as it is now, locked until the transaction ends."""
    return await session.get(
        ReconciliationBreak, break_id, with_for_update=True, populate_existing=True
    )


async def steps(session: Session, break_id: UUID) -> Sequence[ReconciliationStep]:
    """Return what happened to a break, in order."""
    query = select(ReconciliationStep).where(ReconciliationStep.break_id == break_id)
    return (
        await session.scalars(query.order_by(ReconciliationStep.at, ReconciliationStep.id))
    ).all()


async def connection_of(session: Session, payment: str) -> UUID | None:
    """Return the connection that a payment of ours went through."""
    return await session.scalar(select(Deposit.connection_id).where(Deposit.reference == payment))


async def money_days(
    session: Session, *, currency: str = "", since: date | None = None, limit: int = 400
) -> Sequence[ClientMoneyDay]:
    """Return the last word on each day and currency, newest first."""
    query = (
        select(ClientMoneyDay)
        .ext(distinct_on(ClientMoneyDay.day, ClientMoneyDay.currency))
        .order_by(ClientMoneyDay.day.desc(), ClientMoneyDay.currency, ClientMoneyDay.id.desc())
        .limit(limit)
    )
    if currency:
        query = query.where(ClientMoneyDay.currency == currency)
    if since is not None:
        query = query.where(ClientMoneyDay.day >= since)
    return (await session.scalars(query)).all()


async def money_day(session: Session, day_id: UUID) -> ClientMoneyDay | None:
    """Return one day's clients' money in one currency."""
    return await session.get(ClientMoneyDay, day_id)


@dataclass(frozen=True, slots=True)
class BreakFilter:
    """What a list of breaks is narrowed to; empty fields narrow nothing."""

    search: str = ""
    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    side: str = ""
    currency: str = ""
    owner_id: UUID | None = None
    unowned: bool = False
    since: date | None = None
    until: date | None = None
    smallest: Decimal | None = None
    largest: Decimal | None = None
    older_than: datetime | None = None
    newer_than: datetime | None = None


BREAK_ORDERS: dict[str, Any] = {
    "since": ReconciliationBreak.occurred_at,
    "reference": ReconciliationBreak.reference,
    "payment": ReconciliationBreak.payment,
    "kind": ReconciliationBreak.kind,
    "side": ReconciliationBreak.side,
    "owner": ReconciliationBreak.owner_label,
    "difference": ReconciliationBreak.difference,
}


async def break_slice(
    session: Session,
    *,
    narrowed: BreakFilter,
    order: str,
    descending: bool,
    after: tuple[object, UUID] | None = None,
    limit: int,
) -> list[ReconciliationBreak]:
    """Return breaks in one of `BREAK_ORDERS`, from a key on, at most `limit`."""
    keys = (BREAK_ORDERS[order], ReconciliationBreak.id)
    query = _narrowed(select(ReconciliationBreak), narrowed)
    if after is not None:
        place, wanted = tuple_(*keys), tuple_(*after)
        query = query.where(place < wanted if descending else place > wanted)
    query = query.order_by(*(one.desc() if descending else one.asc() for one in keys))
    return list(await session.scalars(query.limit(limit)))


@dataclass(frozen=True, slots=True)
class BreakGroup:
    """Breaks of one state, kind and currency."""

    state: str
    kind: str
    currency: str
    count: int
    difference: Decimal


async def break_groups(session: Session, *, narrowed: BreakFilter) -> list[BreakGroup]:
    """Return how many breaks of each state, kind and currency a filter leaves.

    Differences are added up by their size, so that two that cancel out stay two.
    """
    columns = (
        ReconciliationBreak.state,
        ReconciliationBreak.kind,
        ReconciliationBreak.currency,
    )
    size = func.sum(func.abs(ReconciliationBreak.difference))
    query = _narrowed(select(*columns, func.count(), size), narrowed).group_by(*columns)
    return [BreakGroup(*row) for row in await session.execute(query.order_by(*columns))]


def _narrowed(query: Select[*tuple[Any, ...]], narrowed: BreakFilter) -> Select[*tuple[Any, ...]]:
    one = ReconciliationBreak
    if narrowed.states:
        query = query.where(one.state.in_(narrowed.states))
    if narrowed.kinds:
        query = query.where(one.kind.in_(narrowed.kinds))
    if narrowed.unowned:
        query = query.where(one.owner_id.is_(None))
    conditions: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (narrowed.side or None, lambda value: one.side == value),
        (narrowed.currency or None, lambda value: one.currency == value),
        (narrowed.owner_id, lambda value: one.owner_id == value),
        (narrowed.since, lambda value: func.date(one.occurred_at) >= value),
        (narrowed.until, lambda value: func.date(one.occurred_at) <= value),
        (narrowed.smallest, lambda value: func.abs(one.difference) >= value),
        (narrowed.largest, lambda value: func.abs(one.difference) <= value),
        (narrowed.older_than, lambda value: one.occurred_at < value),
        (narrowed.newer_than, lambda value: one.occurred_at >= value),
    ]
    for value, condition in conditions:
        if value is not None:
            query = query.where(condition(value))
    if words_ := narrowed.search.strip():
        query = query.where(
            or_(
                one.reference == words_.upper(),
                one.payment.istartswith(words_, autoescape=True),
                one.place.icontains(words_, autoescape=True),
            )
        )
    return query


def amount(value: Decimal | None, currency: str) -> Money | None:
    """Return an amount that a side may not have stated."""
    return None if value is None else Money(value, currency)
