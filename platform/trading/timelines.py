"""The timeline of an operation: one appended line for everything that happened to it."""

from __future__ import annotations

from kernel.database import TenantSession
from trading.models import OperationStep, PlatformOperation


def add(session: TenantSession, operation: PlatformOperation, fact: str, detail: str = "") -> None:
    """Append a line; the detail holds states, tickets and reasons, never personal data."""
    session.add(
        OperationStep(
            operation_id=operation.id,
            attempt=operation.attempt,
            fact=fact,
            detail=detail[:200],
        )
    )
