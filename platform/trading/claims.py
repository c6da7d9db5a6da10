"""Who may send an operation now: leases, one operation of a login at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from identity import audit
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from trading import queries, timelines
from trading.models import PlatformOperation
from trading.rules import Windows

_LOGIN_BUSY = "uq_platform_operation_in_flight"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one operation once: what to send, since when, and which attempt it is."""

    operation_id: UUID
    kind: str
    server_id: UUID
    account_id: UUID
    login: int | None
    amount: Decimal
    currency: str
    token: str
    reference: str
    attempt: int
    attempted_at: datetime
    # The holder's own clock: a holder that slept must notice it without asking anybody.
    started: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        """Return the seconds since the claim was taken."""
        return time.monotonic() - self.started


def of(operation: PlatformOperation, *, started: float) -> Claim:
    """Return the claim that an operation in flight stands for."""
    assert operation.attempted_at is not None
    return Claim(
        operation_id=operation.id,
        kind=operation.kind,
        server_id=operation.server_id,
        account_id=operation.account_id,
        login=operation.login,
        amount=operation.amount or Decimal(0),
        currency=operation.currency,
        token=operation.token,
        reference=operation.reference,
        attempt=operation.attempt,
        attempted_at=operation.attempted_at,
        started=started,
    )


async def take(
    database: Database, tenant: TenantRef, *, operation_id: UUID, limits: Windows
) -> Claim | None:
    """Claim and commit; None when it is not due, another holds it, or its login is busy."""
    started = time.monotonic()
    try:
        async with database.tenant(tenant) as session:
            operation = await queries.ready_operation(session, operation_id)
            if operation is None or await _login_is_busy(session, operation):
                return None
            moment = await queries.database_time(session)
            operation.state = "sending"
            operation.attempt += 1
            operation.attempted_at = moment
            operation.lease_until = moment + timedelta(seconds=limits.lease)
            operation.searches = 0
            operation.missed_at = None
            operation.error = ""
            timelines.add(session, operation, "claimed")
            # The unique index decides between two claims of one login: it must speak here.
            await session.flush()
            return of(operation, started=started)
    except IntegrityError as error:
        if _LOGIN_BUSY in str(error.orig):
            return None
        raise


async def expire(session: TenantSession, *, operation_id: UUID) -> None:
    """Turn a claim whose holder went away into an unknown outcome: it may have been sent."""
    operation = await queries.locked_operation(session, operation_id)
    moment = await queries.database_time(session)
    if (
        operation is None
        or operation.state != "sending"
        or operation.lease_until is None
        or operation.lease_until >= moment
    ):
        return
    operation.state = "unknown"
    operation.next_at = moment
    operation.lease_until = None
    operation.error = "the process that sent it went away"
    timelines.add(session, operation, "abandoned", operation.error)
    audit.record(
        session,
        "trading.operation.unknown",
        subject=("platform_operation", operation.id),
        before={"state": "sending"},
        after={"state": "unknown", "attempt": operation.attempt},
    )


async def _login_is_busy(session: TenantSession, operation: PlatformOperation) -> bool:
    if operation.login is None:
        return False
    busy = await queries.in_flight(session, server_id=operation.server_id, login=operation.login)
    return busy is not None
