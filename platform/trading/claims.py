"""Who may send an operation now: leases, one operation of a login at a time. Hot path."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from identity import audit
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession, driver, tagged
from kernel.failpoints import reach
from trading import queries, timelines
from trading.models import PlatformOperation
from trading.rules import Windows

_LOGIN_BUSY = "uq_platform_operation_in_flight"
_TAKE = """
WITH ready AS (
  SELECT id, server_id, login FROM platform_operation
  WHERE id = ANY ($1::text[]::uuid[]) AND state = 'ready' AND next_at <= now()
  ORDER BY id FOR UPDATE SKIP LOCKED
), first AS (
  SELECT DISTINCT ON (server_id, coalesce(login::text, id::text)) id FROM ready r
  WHERE NOT EXISTS (
    SELECT FROM platform_operation o
    WHERE o.server_id = r.server_id AND o.login = r.login AND o.state IN ('sending', 'unknown'))
  ORDER BY server_id, coalesce(login::text, id::text), id
), taken AS (
  UPDATE platform_operation o
  SET state = 'sending', attempt = attempt + 1, attempted_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => $2), searches = 0,
    missed_at = NULL, error = ''
  FROM first WHERE o.id = first.id
  RETURNING o.*
), told AS (
  INSERT INTO operation_step (operation_id, attempt, fact, detail)
  SELECT id, attempt, 'claimed', '' FROM taken
)
SELECT id AS operation_id, kind, server_id, account_id, login, coalesce(amount, 0) AS amount,
  currency, token, reference, attempt, attempted_at
FROM taken ORDER BY id
"""


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
    database: Database, tenant: TenantRef, *, operation_ids: Sequence[UUID], limits: Windows
) -> list[Claim]:
    """Claim operations and commit: the first that is due of each login that is free.

    Those that are not due, that another holds or whose login is busy are left out. Where two
    claims of one login meet, the unique index decides, and the rest are claimed one by one.
    """
    started = time.monotonic()
    ids = [str(operation_id) for operation_id in operation_ids]
    try:
        async with database.tenant(tenant) as session:
            raw = await driver(session)
            rows = await raw.fetch(tagged(session, _TAKE), ids, float(limits.lease))
            reach("trading.before_claim_commit")
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _LOGIN_BUSY:
            raise
        if len(ids) == 1:
            return []
        alone = [
            await take(database, tenant, operation_ids=[operation_id], limits=limits)
            for operation_id in operation_ids
        ]
        return [claim for found in alone for claim in found]
    return [Claim(**dict(row), started=started) for row in rows]


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
