"""A worker that dies at its most dangerous moments loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from kernel.settings import Settings
from tests.fixtures.database import SECRET
from tests.fixtures.psp_simulator import PspSimulator
from tests.treasury.desk import Desk, word
from treasury import connections, queries
from treasury.offers import queries as offer_queries

ROOT = Path(__file__).parents[2]


async def work(settings: Settings, event_id: UUID, failpoint: str = "") -> int:
    """Handle the event in a process that ends at the failpoint; return how it ended."""
    return await run(settings, "tests.treasury.worker", str(event_id), failpoint=failpoint)


async def run(settings: Settings, *command: str, failpoint: str = "") -> int:
    """Run a module in a process of its own that ends at the failpoint; return how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
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


@pytest.mark.parametrize("failpoint", ["treasury.before_payment", "treasury.after_payment"])
async def test_a_web_process_that_dies_around_the_call_leaves_one_payment(
    desk: Desk, settings: Settings, failpoint: str
) -> None:
    """The intent is committed before the call; the next try opens the same payment, once."""
    simulator = await asyncio.to_thread(PspSimulator)
    try:
        account = await asyncio.to_thread(simulator.create_account)
        allowed = simulator.url.removeprefix("http://")
        known = {"secret_key": account["secret_key"], "api_base": simulator.url}
        async with desk.database.tenant(desk.tenant) as session:
            await connections.keep(
                session, connection_id=desk.connection_id, credentials=known, vault=desk.vault
            )
        deposit = await desk.start("100.00")
        where = ("tests.treasury.payer", str(deposit.id), allowed)

        assert await run(settings, *where, failpoint=failpoint) == 137
        assert (await desk.seen(deposit)).step is None
        for _ in range(2):
            assert await run(settings, *where) == 0
        sessions = await _sessions(simulator.url, account["secret_key"])
    finally:
        simulator.stop()

    found = await desk.seen(deposit)
    async with desk.database.tenant_read(desk.tenant) as session:
        attempts = await offer_queries.attempts_of(session, deposit_id=deposit.id)
    assert [one.outcome for one in attempts] == ["asked", "asked", "good"]
    assert [(one["id"], one["client_reference_id"]) for one in sessions] == [
        (found.session_ref, deposit.reference)
    ]


async def _sessions(url: str, key: str) -> list[dict[str, Any]]:
    """Return the provider's own record of what was created there."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(
            f"{url}/v1/checkout/sessions", headers={"Authorization": f"Bearer {key}"}
        )
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
