"""The row that says what is to be written on a server, before anything is sent."""

from __future__ import annotations

from identity import audit
from kernel.database import TenantSession
from kernel.events import record as record_event
from trading import timelines
from trading.events import PlatformOperationReady
from trading.models import PlatformOperation


async def enqueue(session: TenantSession, operation: PlatformOperation) -> PlatformOperation:
    """Add an operation with its timeline, audit and event; the database gives its id."""
    session.add(operation)
    # The timeline, the audit and the event need the id that the database makes.
    await session.flush()
    timelines.add(session, operation, "requested", operation.reference)
    audit.record(
        session,
        "trading.operation.requested",
        subject=("platform_operation", operation.id),
        after={
            "kind": operation.kind,
            "amount": "" if operation.amount is None else str(operation.amount),
            "currency": operation.currency,
            "account_id": str(operation.account_id),
        },
    )
    record_event(session, PlatformOperationReady(operation_id=operation.id))
    return operation
