"""Two hundred outflows at once from two processes: exactly as many as there is money for."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kernel.database import Database
from kernel.ids import token, uuid7
from kernel.money import Money
from kernel.settings import Settings
from ledger import bookings, entries
from ledger import queries as ledger_queries
from tests.fixtures.database import ALPHA

ROOT = Path(__file__).parents[2]
FUNDS, PROCESSES, EACH = Decimal(100_000), 2, 100
_FUNCTION = (
    "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    " WHERE n.nspname = 't_alpha' AND p.proname = 'reserve'"
)
_NAME = "ck_balance_never_negative"
_CHECK = (
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
    f" WHERE conrelid = 't_alpha.balance'::regclass AND conname = '{_NAME}'"
)
_GUARDED = """UPDATE balance SET held = held + p_amount
    WHERE account_id = v_account AND guarded AND -amount - held >= p_amount;
    v_reserved := FOUND;"""
_READ_THEN_UPDATE = """SELECT guarded AND -amount - held >= p_amount INTO v_reserved
    FROM balance WHERE account_id = v_account;
    PERFORM pg_sleep(0.01);
    UPDATE balance SET held = held + p_amount WHERE account_id = v_account AND v_reserved;"""


async def _spent(settings: Settings, client_id: UUID) -> tuple[int, list[float]]:
    """Let two processes spend at once; return how many were accepted, and the times of all."""
    started = []
    for _ in range(PROCESSES):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.ledger.spender"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        told = {"database": settings.database_url, "client_id": str(client_id)}
        order = json.dumps({**told, "count": EACH, "prefix": token(6)})
        process.stdin.write(order.encode() + b"\n")
        started.append((process, process.stdin, process.stdout))
    for _, _, output in started:
        assert await output.readline() == b"ready\n"
    for _, entrance, _ in started:
        entrance.write(b"go\n")
    answers: list[dict[str, Any]] = []
    for process, entrance, output in started:
        answers.append(json.loads(await output.readline()))
        entrance.close()
        await process.wait()
    took = sorted(second for answer in answers for second in answer["took"])
    return sum(answer["accepted"] for answer in answers), took


async def _funded(database: Database) -> UUID:
    client_id = uuid7()
    lines = bookings.move(
        bookings.clearing("test"), bookings.wallet(client_id), Money(FUNDS, "USD")
    )
    async with database.tenant(ALPHA) as session:
        await entries.post(session, key=f"fund:{client_id}", kind="deposit", lines=lines)
    return client_id


async def _available(database: Database, client_id: UUID) -> Decimal:
    code, owner = bookings.wallet(client_id)
    async with database.tenant_read(ALPHA) as session:
        found = await ledger_queries.balance(session, code=code, currency="USD", owner=owner)
    return found.available


async def test_two_processes_spend_exactly_what_there_is(
    database: Database, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred of two hundred are accepted, and nothing is left and nothing is missing."""
    client_id = await _funded(database)
    accepted, took = await _spent(settings, client_id)
    left = await _available(database, client_id)
    p95 = took[int(0.95 * len(took))]
    with capsys.disabled():
        sys.stdout.write(f"\ndoublespend: reserved={accepted} final={left:.2f} p95={p95:.2f}s\n")
    assert accepted == 100
    assert left == 0


@asynccontextmanager
async def _reading_then_updating(settings: Settings) -> AsyncIterator[None]:
    """Let the database decide by what it has read a moment before, for as long as this lasts.

    The table's own check would still refuse what the function lets through: it goes as well.
    """
    superuser = await asyncpg.connect(settings.database_url)
    try:
        kept, check = await superuser.fetchval(_FUNCTION), await superuser.fetchval(_CHECK)
        broken = kept.replace(_GUARDED, _READ_THEN_UPDATE)
        assert broken != kept
        await superuser.execute(broken)
        await superuser.execute(f"ALTER TABLE t_alpha.balance DROP CONSTRAINT {_NAME}")
        yield
        await superuser.execute("SET session_replication_role = replica")
        await superuser.execute("DELETE FROM t_alpha.balance")
        await superuser.execute(f"ALTER TABLE t_alpha.balance ADD CONSTRAINT {_NAME} {check}")
        await superuser.execute(kept)
    finally:
        await superuser.close()


async def test_reading_before_updating_spends_more_than_there_is(
    database: Database, settings: Settings
) -> None:
    """The proof can go red: without both guards, more are accepted than there is money for."""
    client_id = await _funded(database)
    async with _reading_then_updating(settings):
        accepted, _ = await _spent(settings, client_id)
        left = await _available(database, client_id)
    assert accepted > 100
    assert left < 0
