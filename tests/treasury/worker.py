"""A worker for crash tests: handles one stored event in a process of its own, and ends."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from kernel import settings as kernel_settings
from kernel.database import Database
from tests.fixtures.database import ALPHA
from treasury import subscribers
from treasury.events import WebhookStored


async def handle(event_id: UUID) -> None:
    """Do what the worker does with the event."""
    settings = kernel_settings.load(dict(os.environ))
    database = Database.from_settings(settings, pool_size=2)
    try:
        async with database.tenant(ALPHA) as session:
            await subscribers.on_webhooks_stored(session, [WebhookStored(event_id)])
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(handle(UUID(sys.argv[1])))
