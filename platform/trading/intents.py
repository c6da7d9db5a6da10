"""The row that says what is to be written on a server, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from identity import audit
from kernel.database import TenantSession
from kernel.events import record as record_event
from trading import timelines
from trading.events import PlatformOperationReady
from trading.models import PlatformOperation


async def enqueue(session: TenantSession, operations: Sequence[PlatformOperation]) -> None:
    """Add operations, whose ids are given, with their timelines, audit and events."""
    session.add_all(operations)
    for operation in operations:
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
    await session.flush()
