"""Runs one change to many leads in a process of its own, which a failpoint kills."""

from __future__ import annotations

import asyncio
import json
import sys
from uuid import UUID

from crm import bulk_actions
from identity.events import BulkStarted
from identity.listings import bulk
from kernel.database import Database
from tests.fixtures.database import ALPHA, settings_for

ACTIONS = {("leads", "assign"): bulk_actions.ASSIGN_LEADS}


async def _work(told: dict[str, str]) -> None:
    database = Database.from_settings(settings_for(told["database"]), pool_size=2)
    await bulk.work(database, ALPHA, BulkStarted(UUID(told["run"])), actions=ACTIONS)


if __name__ == "__main__":
    asyncio.run(_work(json.load(sys.stdin)))
