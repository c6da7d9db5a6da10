"""The timeline of an operation: one appended line for everything that happened to it."""

from __future__ import annotations

from kernel.database import TenantSession
from kernel.journal import Journal
from trading.models import PlatformOperation

_STEPS = Journal(
    "operation_step",
    {"operation_id": "uuid", "attempt": "int", "fact": "text", "detail": "text"},
)


def add(session: TenantSession, operation: PlatformOperation, fact: str, detail: str = "") -> None:
    """Append a line; the detail holds states, tickets and reasons, never personal data."""
    _STEPS.add(
        session,
        operation_id=operation.id,
        attempt=operation.attempt,
        fact=fact,
        detail=detail[:200],
    )
