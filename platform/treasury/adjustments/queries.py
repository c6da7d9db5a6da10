"""Every select of adjustments, bonuses and disputes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from clients.models import Client
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.money import Money
from kernel.slices import Source
from kernel.web.cursors import Window
from kernel.web.table import State
from trading.models import TradingAccount
from treasury.adjustments.models import (
    Adjustment,
    AdjustmentPolicy,
    AdjustmentTransition,
    Bonus,
    DisputeCase,
    DisputeTransition,
)
from treasury.models import Deposit

Session = TenantSession | ReadSession
ALONE_MAX = Decimal(100)
_MAX = 500


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """An adjustment as lists show it."""

    id: UUID
    reference: str
    kind: str
    client_id: UUID
    client_reference: str
    client_name: str
    login: int | None
    amount: Money
    bonus_used: Money
    reason: str
    state: str
    outcome: str
    four_eyes: bool
    created_by: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute as lists show it."""

    id: UUID
    deposit_id: UUID
    deposit_reference: str
    client_id: UUID
    client_reference: str
    client_name: str
    amount: Money
    state: str
    reason: str
    claim_entry_id: UUID
    opened_at: datetime
    closed_at: datetime | None


async def moment(session: Session) -> datetime:
    """Return the database's time."""
    found: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return found


async def alone_max(session: Session) -> Decimal:
    """Return what one person may adjust alone, in base money."""
    found = await session.get(AdjustmentPolicy, 1)
    return found.alone_max if found is not None else ALONE_MAX


async def policy_row(session: TenantSession) -> AdjustmentPolicy | None:
    """Return the row that the brokerage has set, to be changed."""
    return await session.get(AdjustmentPolicy, 1, with_for_update=True)


async def adjustment(session: Session, adjustment_id: UUID) -> Adjustment | None:
    """Return an adjustment."""
    return await session.get(Adjustment, adjustment_id)


async def locked(session: TenantSession, adjustment_id: UUID) -> Adjustment | None:
    """Return an adjustment, locked, as it is now."""
    return await session.get(
        Adjustment, adjustment_id, with_for_update=True, populate_existing=True
    )


async def of_key(session: Session, request_key: str) -> Adjustment | None:
    """Return the adjustment that a request has made."""
    return await session.scalar(select(Adjustment).where(Adjustment.request_key == request_key))


async def locked_of_references(
    session: TenantSession, references: Collection[str]
) -> Sequence[Adjustment]:
    """Return the adjustments of some references, locked, in the order of their ids."""
    statement = (
        select(Adjustment)
        .where(Adjustment.reference.in_(references))
        .order_by(Adjustment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def open_write_off(session: Session, account_id: UUID) -> Adjustment | None:
    """Return the write-off of an account that is not ended yet."""
    statement = select(Adjustment).where(
        Adjustment.account_id == account_id,
        Adjustment.kind == "write_off",
        Adjustment.state.in_(("waiting", "moving", "crediting")),
    )
    return await session.scalar(statement.limit(1))


async def locked_bonuses(session: TenantSession, account_id: UUID) -> Sequence[Bonus]:
    """Return an account's active bonuses, oldest first, locked."""
    statement = (
        select(Bonus)
        .where(Bonus.account_id == account_id, Bonus.state == "active")
        .order_by(Bonus.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def bonus(session: Session, bonus_id: UUID) -> Bonus | None:
    """Return a bonus."""
    return await session.get(Bonus, bonus_id)


async def bonuses_of(session: Session, client_id: UUID) -> Sequence[Bonus]:
    """Return a client's bonuses, newest first."""
    statement = select(Bonus).where(Bonus.client_id == client_id).order_by(Bonus.id.desc())
    return (await session.scalars(statement)).all()


async def trail(session: Session, *, adjustment_id: UUID) -> Sequence[AdjustmentTransition]:
    """Return an adjustment's steps, oldest first."""
    statement = (
        select(AdjustmentTransition)
        .where(AdjustmentTransition.adjustment_id == adjustment_id)
        .order_by(AdjustmentTransition.at, AdjustmentTransition.id)
    )
    return (await session.scalars(statement)).all()


async def page(session: Session, state: State) -> Window[AdjustmentRow]:
    """Return a page of adjustments."""
    return await slices.page(session, _rows(), state, _ADJUSTMENTS, make=_made)


async def list_rows(session: Session, state: State, *, limit: int) -> list[AdjustmentRow]:
    """Return the start of the whole list, for a file."""
    return await slices.rows(session, _rows(), state, _ADJUSTMENTS, make=_made, limit=limit)


async def count(session: Session, state: State) -> int:
    """Return how many adjustments a list has, as far as they are counted."""
    return await slices.count(session, _rows(), state, _ADJUSTMENTS)


async def of_client(session: Session, client_id: UUID, *, kind: str = "") -> list[AdjustmentRow]:
    """Return a client's adjustments of a kind, newest first."""
    query = _rows().where(Adjustment.client_id == client_id).order_by(Adjustment.id.desc())
    if kind:
        query = query.where(Adjustment.kind == kind)
    return [_as_row(found) for found in await session.execute(query.limit(_MAX))]


async def row(session: Session, adjustment_id: UUID) -> AdjustmentRow | None:
    """Return an adjustment as lists show it."""
    query = _rows().where(Adjustment.id == adjustment_id)
    found = (await session.execute(query)).one_or_none()
    return _as_row(found) if found is not None else None


async def account_of_login(session: Session, login: int) -> TradingAccount | None:
    """Return the oldest trading account with a login, whichever server it is on."""
    statement = (
        select(TradingAccount)
        .where(TradingAccount.login == login)
        .order_by(TradingAccount.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def below_zero(session: Session) -> Sequence[TradingAccount]:
    """Return open accounts whose server shows them below zero, the lowest first."""
    statement = (
        select(TradingAccount)
        .where(TradingAccount.balance < 0, TradingAccount.state == "open")
        .order_by(TradingAccount.balance, TradingAccount.id)
        .limit(_MAX)
    )
    return (await session.scalars(statement)).all()


async def dispute_of_deposit(session: TenantSession, deposit_id: UUID) -> DisputeCase | None:
    """Return a deposit's dispute, locked."""
    statement = select(DisputeCase).where(DisputeCase.deposit_id == deposit_id).with_for_update()
    return await session.scalar(statement)


async def locked_dispute(session: TenantSession, dispute_id: UUID) -> DisputeCase | None:
    """Return a dispute, locked, as it is now."""
    return await session.get(DisputeCase, dispute_id, with_for_update=True, populate_existing=True)


async def dispute_trail(session: Session, *, dispute_id: UUID) -> Sequence[DisputeTransition]:
    """Return a dispute's steps, oldest first."""
    statement = (
        select(DisputeTransition)
        .where(DisputeTransition.dispute_id == dispute_id)
        .order_by(DisputeTransition.at, DisputeTransition.id)
    )
    return (await session.scalars(statement)).all()


async def disputes(session: Session) -> list[DisputeRow]:
    """Return the newest disputes."""
    query = _disputes().order_by(DisputeCase.id.desc()).limit(_MAX)
    return [_as_dispute(found) for found in await session.execute(query)]


async def dispute_page(session: Session, state: State) -> Window[DisputeRow]:
    """Return a page of disputes."""
    return await slices.page(session, _disputes(), state, _DISPUTES, make=_dispute_made)


async def dispute_rows(session: Session, state: State, *, limit: int) -> list[DisputeRow]:
    """Return the start of the whole list, for a file."""
    return await slices.rows(
        session, _disputes(), state, _DISPUTES, make=_dispute_made, limit=limit
    )


async def dispute_count(session: Session, state: State) -> int:
    """Return how many disputes a list has, as far as they are counted."""
    return await slices.count(session, _disputes(), state, _DISPUTES)


async def dispute_row(session: Session, dispute_id: UUID) -> DisputeRow | None:
    """Return a dispute as lists show it."""
    query = _disputes().where(DisputeCase.id == dispute_id)
    found = (await session.execute(query)).one_or_none()
    return _as_dispute(found) if found is not None else None


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(Adjustment, Client, TradingAccount.login)
        .join(Client, Client.id == Adjustment.client_id)
        .outerjoin(TradingAccount, TradingAccount.id == Adjustment.account_id)
    )


def _as_row(found: Sequence[Any]) -> AdjustmentRow:
    one, client, login = found
    return AdjustmentRow(
        id=one.id,
        reference=one.reference,
        kind=one.kind,
        client_id=one.client_id,
        client_reference=client.reference,
        client_name=client.name,
        login=login,
        amount=Money(one.amount, one.currency),
        bonus_used=Money(one.bonus_used, one.currency),
        reason=one.reason,
        state=one.state,
        outcome=one.outcome,
        four_eyes=one.four_eyes,
        created_by=one.created_by,
        created_at=one.created_at,
        finished_at=one.finished_at,
    )


def _disputes() -> Select[*tuple[Any, ...]]:
    return (
        select(DisputeCase, Deposit.reference, Client)
        .join(Deposit, Deposit.id == DisputeCase.deposit_id)
        .join(Client, Client.id == DisputeCase.client_id)
    )


def _as_dispute(found: Sequence[Any]) -> DisputeRow:
    case, reference, client = found
    return DisputeRow(
        id=case.id,
        deposit_id=case.deposit_id,
        deposit_reference=reference,
        client_id=case.client_id,
        client_reference=client.reference,
        client_name=client.name,
        amount=Money(case.amount, case.currency),
        state=case.state,
        reason=case.reason,
        claim_entry_id=case.claim_entry_id,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


def _made(*found: Any) -> AdjustmentRow:
    return _as_row(found)


def _dispute_made(*found: Any) -> DisputeRow:
    return _as_dispute(found)


_PERSON = Client.first_name + " " + Client.last_name
_ADJUSTMENTS = Source(
    {
        "reference": Adjustment.reference,
        "client": _PERSON,
        "kind": Adjustment.kind,
        "state": Adjustment.state,
        "amount": Adjustment.amount,
        "created": Adjustment.created_at,
        "maker": Adjustment.created_by,
        "reason": Adjustment.reason,
    },
    key=Adjustment.id,
    search=lambda word: [
        func.lower(Adjustment.reference).startswith(word, autoescape=True),
        func.lower(Client.reference) == word,
        func.lower(_PERSON).contains(word, autoescape=True),
    ],
)
_DISPUTES = Source(
    {
        "deposit": Deposit.reference,
        "client": _PERSON,
        "state": DisputeCase.state,
        "amount": DisputeCase.amount,
        "opened": DisputeCase.opened_at,
    },
    key=DisputeCase.id,
    search=lambda word: [
        func.lower(Deposit.reference).startswith(word, autoescape=True),
        func.lower(Client.reference) == word,
        func.lower(_PERSON).contains(word, autoescape=True),
    ],
)
