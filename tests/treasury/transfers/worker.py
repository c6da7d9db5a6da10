"""A worker for crash tests: hears one word of a trading server in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from kernel import settings as kernel_settings
from kernel.database import Database
from tests.fixtures.database import ALPHA
from trading.events import CashDone
from treasury.transfers import subscribers


async def hear(event: CashDone) -> None:
    """Do what the worker does with the event."""
    settings = kernel_settings.load(dict(os.environ))
    database = Database.from_settings(settings, pool_size=2)
    try:
        async with database.tenant(ALPHA) as session:
            await subscribers.on_cash_done(session, [event])
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(hear(msgspec.json.decode(sys.argv[1], type=CashDone)))
