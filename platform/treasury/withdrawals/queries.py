"""Every select on withdrawals, their parts, payees, codes and rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from clients.models import Client
from identity.models import UserAccount
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State
from trading.models import TradingAccount
from treasury.models import Deposit, PspConnection, PspCurrency
from treasury.withdrawals import rules
from treasury.withdrawals.models import (
    PayoutStep,
    Withdrawal,
    WithdrawalCode,
    WithdrawalDestination,
    WithdrawalFee,
    WithdrawalPart,
    WithdrawalRule,
    WithdrawalTransition,
)

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class WithdrawalRow:
    """A withdrawal as lists show it."""

    withdrawal: Withdrawal
    client_reference: str
    client_name: str
    account_login: int | None


@dataclass(frozen=True, slots=True)
class Returnable:
    """A settled deposit and what of it is not on its way back, in the deposit's currency."""

    deposit: Deposit
    connection: PspConnection
    returned: Decimal


@dataclass(frozen=True, slots=True)
class MethodSum:
    """What a client paid in by a method within the window, and what went back, per currency."""

    label: str
    currency: str
    deposited: Decimal
    returned: Decimal


async def withdrawal(session: Session, withdrawal_id: UUID) -> Withdrawal | None:
    """Return a withdrawal."""
    return await session.get(Withdrawal, withdrawal_id)


async def locked(session: TenantSession, withdrawal_id: UUID) -> Withdrawal | None:
    """Return a withdrawal, locked, as it is now."""
    return await session.get(
        Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True
    )


async def locked_by_reference(session: TenantSession, reference: str) -> Withdrawal | None:
    """Return the withdrawal of a reference, locked, as it is now."""
    query = select(Withdrawal).where(Withdrawal.reference == reference).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def by_reference(session: Session, reference: str) -> Withdrawal | None:
    """Return the withdrawal of a reference."""
    return await session.scalar(select(Withdrawal).where(Withdrawal.reference == reference))


async def content(session: Session, withdrawal_id: UUID) -> dict[str, Any]:
    """Return exactly what somebody approves of a withdrawal, as PostgreSQL puts it together."""
    query = select(func.withdrawal_content(withdrawal_id, type_=JSONB))
    return dict((await session.execute(query)).scalar_one())


async def parts(session: Session, withdrawal_id: UUID) -> Sequence[WithdrawalPart]:
    """Return the parts of a withdrawal in order."""
    query = select(WithdrawalPart).where(WithdrawalPart.withdrawal_id == withdrawal_id)
    query = query.order_by(WithdrawalPart.number)
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def part(session: Session, part_id: UUID) -> WithdrawalPart | None:
    """Return a part."""
    return await session.get(WithdrawalPart, part_id)


async def part_of_reference(session: Session, reference: str) -> WithdrawalPart | None:
    """Return the part that a payout's reference names: the withdrawal's and a number."""
    whole, _, number = reference.rpartition("-")
    if not number.isdecimal() or len(number) > 3:
        return None
    query = select(WithdrawalPart).join(Withdrawal, Withdrawal.id == WithdrawalPart.withdrawal_id)
    query = query.where(Withdrawal.reference == whole, WithdrawalPart.number == int(number))
    return await session.scalar(query)


async def locked_part(
    session: TenantSession, part_id: UUID
) -> tuple[Withdrawal, WithdrawalPart] | None:
    """Return a part with its withdrawal, both locked, in the order everybody locks them in."""
    found = await session.get(WithdrawalPart, part_id)
    whole = await locked(session, found.withdrawal_id) if found is not None else None
    mine = await session.get(WithdrawalPart, part_id, with_for_update=True, populate_existing=True)
    return (whole, mine) if whole is not None and mine is not None else None


async def due_parts(session: Session, *, moment: datetime, limit: int) -> Sequence[UUID]:
    """Return parts that something has to be done about: never called, asked for, or left."""
    query = (
        select(WithdrawalPart.id)
        .where(
            WithdrawalPart.state.in_(("waiting", "paying", "unknown")),
            WithdrawalPart.way != "manual",
            WithdrawalPart.next_at <= moment,
        )
        .order_by(WithdrawalPart.next_at)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def stuck(session: Session, *, moment: datetime, limit: int) -> Sequence[UUID]:
    """Return approved withdrawals that nobody has taken further for a while."""
    query = (
        select(Withdrawal.id)
        .where(Withdrawal.state == "approved", Withdrawal.approved_at < moment)
        .order_by(Withdrawal.id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def trail(session: Session, withdrawal_id: UUID) -> Sequence[WithdrawalTransition]:
    """Return a withdrawal's steps in order."""
    query = select(WithdrawalTransition).where(WithdrawalTransition.withdrawal_id == withdrawal_id)
    query = query.order_by(WithdrawalTransition.at, WithdrawalTransition.id)
    return (await session.scalars(query)).all()


async def steps(session: Session, withdrawal_id: UUID) -> Sequence[tuple[PayoutStep, int]]:
    """Return what happened to a withdrawal's payouts, each with its part's number."""
    query = (
        select(PayoutStep, WithdrawalPart.number)
        .join(WithdrawalPart, WithdrawalPart.id == PayoutStep.part_id)
        .where(WithdrawalPart.withdrawal_id == withdrawal_id)
        .order_by(PayoutStep.at, PayoutStep.id)
    )
    return [(step, number) for step, number in await session.execute(query)]


async def count_pending(session: Session, client_id: UUID) -> int:
    """Return how many withdrawals of a client are under way."""
    query = select(func.count()).where(
        Withdrawal.client_id == client_id, Withdrawal.state.in_(rules.PENDING_STATES)
    )
    return await session.scalar(query) or 0


async def undebited(session: Session, account_id: UUID, *, but: UUID | None = None) -> Decimal:
    """Return what is asked for of a trading account and not booked on its server yet."""
    query = select(func.coalesce(func.sum(Withdrawal.amount), 0)).where(
        Withdrawal.trading_account_id == account_id,
        Withdrawal.state.in_(rules.UNDEBITED_STATES),
    )
    if but is not None:
        query = query.where(Withdrawal.id != but)
    return Decimal(await session.scalar(query) or 0)


async def lock_client(session: TenantSession, client_id: UUID) -> Client | None:
    """Return a client, locked: their withdrawals are asked for one after the other."""
    return await session.get(Client, client_id, with_for_update=True)


async def returnable(
    session: Session, client_id: UUID, *, since: datetime, but: UUID | None = None
) -> Sequence[Returnable]:
    """Return a client's deposits since a moment, oldest first, with what went back of each.

    Withdrawals under way count as gone back, all `but` one that is looked at itself.
    """
    back = (
        select(func.coalesce(func.sum(WithdrawalPart.amount), 0))
        .join(Withdrawal, Withdrawal.id == WithdrawalPart.withdrawal_id)
        .where(
            WithdrawalPart.deposit_id == Deposit.id,
            WithdrawalPart.state != "failed",
            Withdrawal.state.not_in(("rejected", "cancelled", "failed")),
            Withdrawal.id.is_distinct_from(but),
        )
        .correlate(Deposit)
        .scalar_subquery()
    )
    query = (
        select(Deposit, PspConnection, back)
        .join(PspConnection, PspConnection.id == Deposit.connection_id)
        .where(
            Deposit.client_id == client_id,
            Deposit.state.in_(("settled", "credited")),
            Deposit.settled_at >= since,
            Deposit.disputed_at.is_(None),
        )
        .order_by(Deposit.settled_at, Deposit.id)
    )
    return [Returnable(*row) for row in await session.execute(query)]


async def takes(session: Session, connection_id: UUID, currency: str) -> bool:
    """Say whether an active connection knows a currency."""
    query = (
        select(PspConnection.id)
        .join(PspCurrency, PspCurrency.connection_id == PspConnection.id)
        .where(
            PspConnection.id == connection_id,
            PspConnection.state == "active",
            PspCurrency.currency == currency,
        )
    )
    return await session.scalar(query) is not None


async def destination(session: Session, destination_id: UUID) -> WithdrawalDestination | None:
    """Return a saved payee."""
    return await session.get(WithdrawalDestination, destination_id)


async def destinations(session: Session, client_id: UUID) -> Sequence[WithdrawalDestination]:
    """Return a client's saved payees, newest first."""
    query = select(WithdrawalDestination).where(
        WithdrawalDestination.client_id == client_id, WithdrawalDestination.removed_at.is_(None)
    )
    return (await session.scalars(query.order_by(WithdrawalDestination.id.desc()))).all()


async def was_paid(session: Session, destination_id: UUID) -> bool:
    """Say whether a payee has been paid before."""
    query = select(
        exists().where(
            WithdrawalPart.destination_id == destination_id, WithdrawalPart.state == "paid"
        )
    )
    return bool(await session.scalar(query))


async def newest_code(session: TenantSession, user_id: UUID) -> WithdrawalCode | None:
    """Return the newest code of a person, locked; older ones are worthless."""
    query = select(WithdrawalCode).where(WithdrawalCode.user_id == user_id)
    query = query.order_by(WithdrawalCode.created_at.desc(), WithdrawalCode.id.desc()).limit(1)
    return await session.scalar(query.with_for_update())


async def codes_since(session: Session, user_id: UUID, moment: datetime) -> int:
    """Return how many codes a person has asked for since a moment."""
    query = select(func.count()).where(
        WithdrawalCode.user_id == user_id, WithdrawalCode.created_at >= moment
    )
    return await session.scalar(query) or 0


async def rows_of_rules(session: Session) -> Sequence[WithdrawalRule]:
    """Return the brokerage's approval rules, the smallest amount first."""
    query = select(WithdrawalRule).order_by(WithdrawalRule.amount_to.asc().nulls_last())
    return (await session.scalars(query)).all()


async def logins_of_address(session: Session, address: str) -> Sequence[UUID]:
    """Return every login with an e-mail address, of whatever kind of person."""
    query = select(UserAccount.id).where(func.lower(UserAccount.email) == address.strip().lower())
    return (await session.scalars(query)).all()


async def of_code(session: Session, code_id: UUID) -> Withdrawal | None:
    """Return the withdrawal that a code has confirmed."""
    return await session.scalar(select(Withdrawal).where(Withdrawal.code_id == code_id))


async def fee(session: Session, kind: str, currency: str) -> Decimal:
    """Return what a withdrawal to a kind of payee costs in a currency; 0 without a row."""
    found = await session.get(WithdrawalFee, (kind, currency))
    return found.amount if found is not None else Decimal(0)


async def fees(session: Session) -> Sequence[WithdrawalFee]:
    """Return every fee, by kind and currency."""
    query = select(WithdrawalFee).order_by(WithdrawalFee.kind, WithdrawalFee.currency)
    return (await session.scalars(query)).all()


async def by_method(session: Session, client_id: UUID, *, since: datetime) -> Sequence[MethodSum]:
    """Return what was paid in by method, and what of it went back."""
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for one in await returnable(session, client_id, since=since):
        pair = sums.setdefault((one.connection.name, one.deposit.currency), [Decimal(0)] * 2)
        pair[0] += one.deposit.settled_amount or Decimal(0)
        pair[1] += Decimal(one.returned)
    return [MethodSum(*key, *found) for key, found in sums.items()]


_PERSON = func.concat_ws(" ", Client.first_name, Client.last_name)
_SOURCE = slices.Source(
    columns={
        "reference": Withdrawal.reference,
        "client": _PERSON,
        "state": Withdrawal.state,
        "amount": Withdrawal.amount,
        "currency": Withdrawal.currency,
        "created": Withdrawal.created_at,
        "promised": Withdrawal.promised_at,
        "closed": Withdrawal.closed_at,
    },
    key=Withdrawal.id,
    search=lambda word: [
        func.lower(Withdrawal.reference).startswith(word, autoescape=True),
        func.lower(_PERSON).contains(word, autoescape=True),
        func.lower(Client.reference) == word,
        func.lower(Client.email).startswith(word, autoescape=True),
    ],
    special={
        "flagged": lambda value: (
            func.cardinality(Withdrawal.flags) > 0
            if value == "yes"
            else func.cardinality(Withdrawal.flags) == 0
        ),
        "source": lambda value: (
            Withdrawal.trading_account_id.is_(None)
            if value == "wallet"
            else Withdrawal.trading_account_id.is_not(None)
        ),
    },
)


async def page(session: Session, state: State, *, owner_id: UUID | None) -> Window[WithdrawalRow]:
    """Return a page of a list of withdrawals."""
    return await slices.page(session, _rows(owner_id), state, _SOURCE, make=WithdrawalRow)


async def rows(
    session: Session, state: State, *, owner_id: UUID | None, limit: int
) -> list[WithdrawalRow]:
    """Return the first withdrawals of a whole list."""
    return await slices.rows(
        session, _rows(owner_id), state, _SOURCE, make=WithdrawalRow, limit=limit
    )


async def facets(session: Session, state: State, *, owner_id: UUID | None) -> slices.Facets:
    """Count a list of withdrawals by state and currency."""
    counting = _joined(select(func.count()).select_from(Withdrawal), owner_id)
    return await slices.facets(session, counting, state, _SOURCE, ("state", "currency"))


async def row(
    session: Session, withdrawal_id: UUID, *, owner_id: UUID | None = None
) -> WithdrawalRow | None:
    """Return one withdrawal as lists show it."""
    query = _rows(owner_id).where(Withdrawal.id == withdrawal_id)
    found = (await session.execute(query)).one_or_none()
    return WithdrawalRow(*found) if found is not None else None


async def of_client(session: Session, client_id: UUID, *, limit: int) -> Sequence[Withdrawal]:
    """Return a client's withdrawals, newest first."""
    query = select(Withdrawal).where(Withdrawal.client_id == client_id)
    return (await session.scalars(query.order_by(Withdrawal.id.desc()).limit(limit))).all()


def _rows(owner_id: UUID | None) -> Select[*tuple[Any, ...]]:
    return _joined(
        select(Withdrawal, Client.reference, _PERSON, TradingAccount.login).select_from(Withdrawal),
        owner_id,
    )


def _joined(query: Select[*tuple[Any, ...]], owner_id: UUID | None) -> Select[*tuple[Any, ...]]:
    query = query.join(Client, Client.id == Withdrawal.client_id).outerjoin(
        TradingAccount, TradingAccount.id == Withdrawal.trading_account_id
    )
    return query if owner_id is None else query.where(Client.owner_id == owner_id)


def waiting(*, own: bool, viewer_id: Any) -> Select[int, int]:  # noqa: ANN401 - a bind parameter
    """Return the statement that counts what waits for a person, and what is late."""
    # No IN: the statement of a counter is compiled once, before its values are known.
    waits = or_(
        Withdrawal.state == "requested",
        Withdrawal.state == "held",
        and_(Withdrawal.state == "paying", _has_manual()),
    )
    late = Withdrawal.promised_at < func.now()
    query = select(func.count(), func.count().filter(late)).select_from(Withdrawal).where(waits)
    if own:
        query = query.join(Client, Client.id == Withdrawal.client_id)
        query = query.where(Client.owner_id == viewer_id)
    return query


def _has_manual() -> Any:  # noqa: ANN401 - a condition
    return exists().where(
        WithdrawalPart.withdrawal_id == Withdrawal.id,
        WithdrawalPart.way == "manual",
        WithdrawalPart.state == "waiting",
    )
