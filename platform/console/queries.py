"""What the console reads of a brokerage: counts only, nobody's data."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from kernel.database import ReadSession
from kernel.events import OutboxDelivery, OutboxEvent
from treasury.models import WebhookRefusal

_ATTEMPTS_WORTH_A_LOOK = 3


@dataclass(frozen=True)
class Counts:
    """What waits and what failed in one brokerage."""

    waiting: int
    failed: int
    refused: int


async def counts(session: ReadSession) -> Counts:
    """Return the numbers of open events, deliveries that keep failing and refused webhooks."""
    waiting = select(func.count()).select_from(OutboxEvent).where(OutboxEvent.done_at.is_(None))
    failed = (
        select(func.count())
        .select_from(OutboxDelivery)
        .where(
            OutboxDelivery.done_at.is_(None),
            OutboxDelivery.attempts >= _ATTEMPTS_WORTH_A_LOOK,
        )
    )
    refused = select(func.count()).select_from(WebhookRefusal)
    row = (
        await session.execute(
            select(waiting.scalar_subquery(), failed.scalar_subquery(), refused.scalar_subquery())
        )
    ).one()
    return Counts(*row)
