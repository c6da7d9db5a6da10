"""A worker that dies between the legs of a transfer loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from kernel.settings import Settings
from ledger import bookings
from tests.fixtures.database import SECRET
from tests.treasury.transfers.desk import Room
from trading.events import CashDone

ROOT = Path(__file__).parents[3]


async def work(settings: Settings, event: CashDone, failpoint: str = "") -> int:
    """Hear a server's word in a process that ends at the failpoint; return how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.treasury.transfers.worker", msgspec.json.encode(event)),
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


@pytest.mark.parametrize("dies", ["between_legs", "before_done_commit"])
async def test_a_killed_worker_is_replaced_and_each_leg_is_posted_once(
    room: Room, settings: Settings, dies: str
) -> None:
    """Killed before its commit it leaves the leg undone; the next worker does it, and once."""
    source, target = await room.account(900201), await room.account(900202)
    await room.fund(bookings.trading_account(source), "500.00", "USD")
    made = await room.start(room.wish("300.00", source=source, target=target))
    legs = [
        ("withdrawal", "between_legs", "moving"),
        ("deposit", "before_done_commit", "crediting"),
    ]

    for ticket, (kind, failpoint, before) in enumerate(legs, start=1):
        event = await room.word(made, kind, ticket)
        if failpoint == dies:
            assert await work(settings, event, f"treasury.transfer_{failpoint}") == 137
            assert (await room.seen(made)).state == before
        for _ in range(2):
            assert await work(settings, event) == 0

    assert await room.states(made) == ["moving", "crediting", "done"]
    assert await room.has(bookings.trading_account(source), "USD") == (Decimal(200), Decimal(200))
    assert await room.has(bookings.trading_account(target), "USD") == (Decimal(300), Decimal(300))
    assert await room.has(room.wallet, "USD") == (Decimal(0), Decimal(0))
    await room.adds_up()
