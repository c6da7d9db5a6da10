"""Writes down what became of operations: state, account, events, audit. Hot path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from identity import audit
from kernel.database import TenantSession, driver, tagged
from kernel.events import record as record_event
from trading import queries, timelines
from trading.claims import Claim
from trading.events import (
    AccountOpened,
    AccountOpeningFailed,
    CashDone,
    CashFailed,
    OperationFrozen,
)
from trading.models import PlatformOperation
from trading.rules import Transition

_ACCOUNT_STATES = {"ready": "opening", "unknown": "unknown", "failed": "failed"}
IN_FLIGHT = frozenset({"sending", "unknown"})
_FINAL = ("done", "failed", "frozen")


# Money booked, which is what nearly always happens, for many operations at once.
_BOOKED = """
WITH answer AS (
  SELECT a.id::uuid AS id, a.attempt::int AS attempt, a.ticket::bigint AS ticket
  FROM unnest($1::text[], $2::text[], $3::text[]) AS a(id, attempt, ticket)
), known AS (
  SELECT o.id, o.state, a.ticket FROM platform_operation o JOIN answer a USING (id)
  WHERE o.attempt = a.attempt AND o.state IN ('sending', 'unknown')
  ORDER BY o.id FOR UPDATE OF o
), booked AS (
  UPDATE platform_operation o
  SET state = 'done', external_ticket = k.ticket, lease_until = NULL, searches = 0, error = '',
    next_at = clock_timestamp(), finished_at = clock_timestamp()
  FROM known k WHERE o.id = k.id
  RETURNING o.*, k.state AS before
), told AS (
  INSERT INTO operation_step (operation_id, attempt, fact, detail)
  SELECT id, attempt, 'applied', 'done: ticket ' || external_ticket FROM booked
)
SELECT id, account_id, external_ticket, kind, amount, currency, hold_id, reference, attempt, before
FROM booked ORDER BY id
"""


async def record_batch(
    session: TenantSession, sent: Sequence[tuple[Claim, Transition, str]]
) -> None:
    """Apply each transition to the attempt it belongs to; the third of each is the fact."""
    booked = []
    for claim, change, fact in sent:
        if change.state == "done" and claim.kind != "open_account":
            booked.append((str(claim.operation_id), str(claim.attempt), str(change.ticket)))
        else:
            await record(session, claim, change, fact=fact)
    if not booked:
        return
    raw = await driver(session)
    for row in await raw.fetch(tagged(session, _BOOKED), *map(list, zip(*booked, strict=True))):
        record_event(
            session,
            CashDone(
                operation_id=row["id"],
                account_id=row["account_id"],
                ticket=row["external_ticket"],
                kind=row["kind"],
                amount=row["amount"],
                currency=row["currency"],
                hold_id=row["hold_id"],
                reference=row["reference"],
            ),
        )
        audit.record(
            session,
            "trading.operation.done",
            subject=("platform_operation", row["id"]),
            before={"state": row["before"]},
            after={"state": "done", "ticket": row["external_ticket"], "attempt": row["attempt"]},
        )


async def record(
    session: TenantSession,
    claim: Claim,
    change: Transition,
    *,
    fact: str,
    from_states: frozenset[str] = IN_FLIGHT,
) -> PlatformOperation | None:
    """Apply a transition to the attempt it belongs to; None when a later one has begun.

    A definite answer counts even when the claim has meanwhile become unknown, because it is the
    answer to that very attempt.
    """
    operation = await queries.locked_operation(session, claim.operation_id)
    if (
        operation is None
        or operation.attempt != claim.attempt
        or operation.state not in from_states
    ):
        return None
    before = operation.state
    moment = await queries.database_time(session)
    operation.state = change.state
    operation.lease_until = None
    operation.next_at = moment + timedelta(seconds=change.wait)
    operation.searches = change.searches
    operation.error = change.reason[:200]
    if change.ticket is not None:
        operation.external_ticket = change.ticket
    if change.state in _FINAL:
        operation.finished_at = moment
    timelines.add(session, operation, fact, _detail(change))
    await _follow(session, operation, change)
    if before != change.state:
        audit.record(
            session,
            f"trading.operation.{change.state}",
            subject=("platform_operation", operation.id),
            before={"state": before},
            after={"state": change.state, "ticket": change.ticket, "attempt": operation.attempt},
            reason=change.reason or None,
        )
    return operation


async def _follow(session: TenantSession, operation: PlatformOperation, change: Transition) -> None:
    """Carry the change to the account and to whoever listens."""
    if change.state == "frozen":
        record_event(
            session,
            OperationFrozen(
                operation_id=operation.id,
                account_id=operation.account_id,
                kind=operation.kind,
                reason=change.reason,
            ),
        )
    if operation.kind == "open_account":
        await _follow_opening(session, operation, change)
    elif change.state == "done":
        assert operation.external_ticket is not None
        assert operation.amount is not None
        record_event(
            session,
            CashDone(
                operation_id=operation.id,
                account_id=operation.account_id,
                ticket=operation.external_ticket,
                kind=operation.kind,
                amount=operation.amount,
                currency=operation.currency,
                hold_id=operation.hold_id,
                reference=operation.reference,
            ),
        )
    elif change.state == "failed":
        assert operation.amount is not None
        record_event(
            session,
            CashFailed(
                operation_id=operation.id,
                account_id=operation.account_id,
                kind=operation.kind,
                amount=operation.amount,
                currency=operation.currency,
                hold_id=operation.hold_id,
                reference=operation.reference,
                reason=change.reason,
            ),
        )


async def _follow_opening(
    session: TenantSession, operation: PlatformOperation, change: Transition
) -> None:
    account = await queries.locked_account(session, operation.account_id)
    assert account is not None
    if change.state in _ACCOUNT_STATES:
        account.state = _ACCOUNT_STATES[change.state]
    if change.state == "done":
        assert change.ticket is not None
        account.login = change.ticket
        account.state = "open"
        account.opened_at = operation.finished_at
        offer = await queries.account_type_by_id(session, account.account_type_id)
        record_event(
            session,
            AccountOpened(
                account_id=account.id,
                client_id=account.client_id,
                login=change.ticket,
                server_id=account.server_id,
                account_type_code=offer.code if offer else "",
                currency=account.currency,
            ),
        )
    elif change.state == "failed":
        account.passwords_sealed = None
        record_event(
            session,
            AccountOpeningFailed(
                account_id=account.id,
                client_id=account.client_id,
                operation_id=operation.id,
                reason=change.reason,
            ),
        )


def _detail(change: Transition) -> str:
    parts: list[str] = [change.state]
    if change.ticket is not None:
        parts.append(f"ticket {change.ticket}")
    if change.reason:
        parts.append(change.reason)
    return ": ".join(parts)
