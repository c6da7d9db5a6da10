"""A worker that dies at its most dangerous moments loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

import pytest

from kernel.settings import Settings
from tests.fixtures.database import SECRET
from tests.treasury.desk import Desk, word
from treasury import queries

ROOT = Path(__file__).parents[2]


async def work(settings: Settings, event_id: UUID, failpoint: str = "") -> int:
    """Handle the event in a process that ends at the failpoint; return how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.treasury.worker", str(event_id)),
        cwd=ROOT,
        env={
            "PATH": os.environ.get("PATH", ""),
            "MARQUE_SECRET_KEY": SECRET,
            "MARQUE_DATA": str(settings.data),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SMTP_URL": "smtp://127.0.0.1:1",
            "MARQUE_FAILPOINT": failpoint,
        },
    )
    return await asyncio.wait_for(process.wait(), 30)


@pytest.mark.parametrize(
    ("failpoint", "entries"),
    [
        ("treasury.after_webhook_stored", 0),
        ("treasury.before_settle_commit", 0),
    ],
)
async def test_a_killed_worker_is_replaced_and_the_deposit_is_posted_once(
    desk: Desk, settings: Settings, failpoint: str, entries: int
) -> None:
    """Before the commit nothing is booked, after it all; the next worker ends the work."""
    deposit = await desk.start()
    await desk.receive(word(deposit))
    async with desk.database.tenant_read(desk.tenant) as session:
        [event_id] = await queries.unhandled_events(session)

    assert await work(settings, event_id, failpoint) == 137
    assert await desk.entries() == entries

    for _ in range(2):
        assert await work(settings, event_id) == 0
    assert (await desk.seen(deposit)).state == "credited"
    assert await desk.entries() == 1
