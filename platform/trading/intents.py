"""The row that says what is to be written on a server, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from identity import audit
from kernel.database import TenantSession
from kernel.events import record as record_event
from kernel.journal import Journal
from trading import timelines
from trading.events import PlatformOperationReady
from trading.models import PlatformOperation

_OPERATIONS = Journal(
    "platform_operation",
    {
        "id": "uuid",
        "kind": "text",
        "server_id": "uuid",
        "account_id": "uuid",
        "login": "bigint",
        "amount": "numeric",
        "currency": "text",
        "token": "text",
        "hold_id": "uuid",
        "reference": "text",
    },
)


def enqueue(session: TenantSession, operations: Sequence[PlatformOperation]) -> None:
    """Add operations, whose ids are given, with their timelines, audit and events."""
    for operation in operations:
        _OPERATIONS.add(session, **{name: getattr(operation, name) for name in _OPERATIONS.columns})
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
