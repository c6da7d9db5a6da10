"""A process that asks for one transfer and dies where the environment says: for crash tests."""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from kernel import settings as kernel_settings
from kernel.database import Database
from tests.fixtures.database import ALPHA
from treasury.transfers import transfers
from treasury.transfers.transfers import Wish


async def ask(wish: Wish) -> None:
    """Do what the page does with a client's wish."""
    database = Database.from_settings(kernel_settings.load(dict(os.environ)), pool_size=2)
    try:
        async with database.tenant(ALPHA) as session:
            await transfers.start(session, wish)
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(ask(msgspec.json.decode(sys.argv[1], type=Wish)))
