"""Writes down what became of an operation: its state, its account, its events, its audit."""

from __future__ import annotations

from datetime import timedelta

from identity import audit
from kernel.database import TenantSession
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
