"""Selects on methods, currencies, routing rules, attempts and limits of deposits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select

from kernel.database import ReadSession, TenantSession
from treasury.models import (
    CashierPayment,
    CashierSession,
    Deposit,
    DepositAttempt,
    DepositLimit,
    DepositProof,
    PspConnection,
    PspCurrency,
    PspMethod,
    PspRule,
    PspTrial,
    WebhookEvent,
)
from treasury.withdrawals.models import WithdrawalPart

Session = TenantSession | ReadSession


async def environments(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return whether connections are of the sandbox or live."""
    query = select(PspConnection.id, PspConnection.environment).where(PspConnection.id.in_(ids))
    return {row[0]: row[1] for row in await session.execute(query)}


async def connections(session: Session) -> list[PspConnection]:
    """Return every connection, by name."""
    return list(await session.scalars(select(PspConnection).order_by(PspConnection.name)))


async def currencies(session: Session, connection_id: UUID) -> list[PspCurrency]:
    """Return what a connection takes, by currency."""
    query = select(PspCurrency).where(PspCurrency.connection_id == connection_id)
    return list(await session.scalars(query.order_by(PspCurrency.currency)))


async def methods(session: Session, connection_id: UUID) -> list[PspMethod]:
    """Return the ways to pay that a connection offers."""
    query = select(PspMethod).where(PspMethod.connection_id == connection_id)
    return list(await session.scalars(query.order_by(PspMethod.title, PspMethod.method)))


async def open_methods(
    session: Session, *, title: str = "", connection_id: UUID | None = None
) -> list[tuple[PspConnection, PspMethod, PspCurrency]]:
    """Return every way to pay that is open now, once for each currency it takes."""
    query = (
        select(PspConnection, PspMethod, PspCurrency)
        .join(PspMethod, PspMethod.connection_id == PspConnection.id)
        .join(PspCurrency, PspCurrency.connection_id == PspConnection.id)
        .where(PspConnection.state == "active", PspMethod.enabled)
        .order_by(
            PspConnection.weight.desc(),
            PspMethod.title,
            PspConnection.name,
            PspMethod.method,
            PspCurrency.currency,
        )
    )
    if title:
        query = query.where(PspMethod.title == title)
    if connection_id is not None:
        query = query.where(PspConnection.id == connection_id)
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def rules(session: Session) -> list[PspRule]:
    """Return the brokerage's routing rules, in their order."""
    query = select(PspRule).order_by(PspRule.place, PspRule.id)
    return list(await session.scalars(query))


async def attempts(
    session: Session, *, connection_ids: Sequence[UUID], since: datetime
) -> list[DepositAttempt]:
    """Return what became of requests at connections since a moment, oldest first."""
    query = (
        select(DepositAttempt)
        .where(
            DepositAttempt.connection_id.in_(connection_ids),
            DepositAttempt.at >= since,
            DepositAttempt.outcome != "asked",
        )
        .order_by(DepositAttempt.at)
        .limit(2000)
    )
    return list(await session.scalars(query))


async def attempts_of(session: Session, *, deposit_id: UUID) -> list[DepositAttempt]:
    """Return where a deposit's payment was asked for, in order."""
    query = select(DepositAttempt).where(DepositAttempt.deposit_id == deposit_id)
    return list(await session.scalars(query.order_by(DepositAttempt.at, DepositAttempt.id)))


async def limits(session: Session) -> list[DepositLimit]:
    """Return the brokerage's limits on deposits."""
    query = select(DepositLimit).order_by(DepositLimit.currency, DepositLimit.id)
    return list(await session.scalars(query))


async def limit(session: Session, limit_id: UUID) -> DepositLimit | None:
    """Return a limit."""
    return await session.get(DepositLimit, limit_id)


async def rule(session: Session, rule_id: UUID) -> PspRule | None:
    """Return a routing rule."""
    return await session.get(PspRule, rule_id)


async def used(
    session: Session, *, client_id: UUID, currency: str, title: str, since: datetime
) -> tuple[Decimal, int, int]:
    """Return a client's deposits since a moment: their sum, how many, and how many wait.

    What failed or was not paid counts nowhere; a title narrows them to a way to pay.
    """
    amount = func.coalesce(Deposit.settled_amount, Deposit.amount)
    waits = Deposit.state.in_(("created", "pending", "held"))
    query = select(
        func.coalesce(func.sum(amount), Decimal(0)),
        func.count(),
        func.count().filter(waits),
    ).where(
        Deposit.client_id == client_id,
        Deposit.currency == currency,
        Deposit.created_at >= since,
        Deposit.state.not_in(("failed", "cancelled")),
    )
    if title:
        query = query.join(
            PspMethod,
            (PspMethod.connection_id == Deposit.connection_id)
            & (PspMethod.method == Deposit.method),
        ).where(PspMethod.title == title)
    total, count, waiting = (await session.execute(query)).one()
    return Decimal(total), int(count), int(waiting)


async def cashier_session(
    session: Session, *, connection_id: UUID, digest: str
) -> CashierSession | None:
    """Return whose session in a cashier a token is of."""
    query = select(CashierSession).where(
        CashierSession.connection_id == connection_id, CashierSession.token_digest == digest
    )
    return await session.scalar(query)


async def has_cashier_session(
    session: Session, *, connection_id: UUID, client_id: UUID, moment: datetime
) -> bool:
    """Say whether a client has a session in a cashier that has not ended."""
    query = select(CashierSession.id).where(
        CashierSession.connection_id == connection_id,
        CashierSession.client_id == client_id,
        CashierSession.expires_at > moment,
    )
    return await session.scalar(query.limit(1)) is not None


async def locked_cashier_payment(
    session: TenantSession, *, connection_id: UUID, transaction: str
) -> CashierPayment | None:
    """Return a cashier's payment as it is now, locked until the transaction ends."""
    query = (
        select(CashierPayment)
        .where(
            CashierPayment.connection_id == connection_id,
            CashierPayment.transaction == transaction,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def cashier_payouts(
    session: Session, client_id: UUID, connection_id: UUID, currency: str, *, since: datetime
) -> Decimal:
    """Return what a cashier has paid out to a client since a moment, or holds for it."""
    query = select(func.coalesce(func.sum(CashierPayment.amount), Decimal(0))).where(
        CashierPayment.client_id == client_id,
        CashierPayment.connection_id == connection_id,
        CashierPayment.currency == currency,
        CashierPayment.direction == "withdrawal",
        CashierPayment.state != "released",
        CashierPayment.created_at >= since,
    )
    return Decimal(await session.scalar(query) or 0)


async def own_refunds(session: Session, *, deposit_id: UUID) -> Decimal:
    """Return how much of a deposit we have sent back, or are sending, to its source."""
    query = select(func.coalesce(func.sum(WithdrawalPart.amount), Decimal(0))).where(
        WithdrawalPart.deposit_id == deposit_id,
        WithdrawalPart.way == "refund",
        WithdrawalPart.state.in_(("paying", "unknown", "paid")),
    )
    return Decimal(await session.scalar(query) or 0)


async def proofs(session: Session, *, deposit_id: UUID) -> list[DepositProof]:
    """Return what a payer has shown, in order."""
    query = select(DepositProof).where(DepositProof.deposit_id == deposit_id)
    return list(await session.scalars(query.order_by(DepositProof.id)))


async def trial(session: Session, trial_id: UUID) -> PspTrial | None:
    """Return a test's payment."""
    return await session.get(PspTrial, trial_id)


async def trials(session: Session, *, connection_id: UUID, limit: int = 10) -> list[PspTrial]:
    """Return a connection's latest tests."""
    query = select(PspTrial).where(PspTrial.connection_id == connection_id)
    return list(await session.scalars(query.order_by(PspTrial.id.desc()).limit(limit)))


async def last_events(session: Session) -> dict[UUID, datetime]:
    """Return when each connection's provider last told us something that was signed."""
    query = select(WebhookEvent.connection_id, func.max(WebhookEvent.received_at))
    found = await session.execute(query.group_by(WebhookEvent.connection_id))
    return {row[0]: row[1] for row in found}


async def events(session: Session, *, connection_id: UUID, limit: int = 20) -> list[WebhookEvent]:
    """Return the latest events of a connection."""
    query = (
        select(WebhookEvent)
        .where(WebhookEvent.connection_id == connection_id)
        .order_by(WebhookEvent.id.desc())
        .limit(limit)
    )
    return list(await session.scalars(query))


async def proof(session: Session, proof_id: UUID) -> DepositProof | None:
    """Return what a payer has shown."""
    return await session.get(DepositProof, proof_id)
