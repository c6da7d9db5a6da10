"""Connections between two transactions: none is lost, none is handed to two, none waits in vain."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database, check, driver
from kernel.settings import Settings


@pytest.fixture
async def narrow(settings: Settings, database: Database) -> Database:
    """Access to the database through two connections."""
    del database
    return Database.from_settings(settings, pool_size=2)


async def _backend(database: Database, tenant: TenantRef, seconds: float = 0) -> int:
    async with database.tenant(tenant) as session:
        raw = await driver(session)
        found: int = await raw.fetchval("SELECT pg_backend_pid()")
        await asyncio.sleep(seconds)
        return found


async def test_the_same_connection_serves_one_after_the_other(
    narrow: Database, tenant: TenantRef
) -> None:
    """What is free is used again, also after an error was rolled back."""
    first = await _backend(narrow, tenant)
    with pytest.raises(ZeroDivisionError):
        async with narrow.tenant(tenant):
            raise ZeroDivisionError
    assert {await _backend(narrow, tenant) for _ in range(5)} == {first}
    await narrow.close()


async def test_who_waits_gets_what_is_given_back(narrow: Database, tenant: TenantRef) -> None:
    """Twenty at once share two connections, and everybody has one to themselves."""
    used = await asyncio.gather(*(_backend(narrow, tenant, 0.01) for _ in range(20)))
    assert len(set(used)) == 2
    await check(narrow)
    await narrow.close()


async def test_who_is_cancelled_while_waiting_takes_nothing_along(
    narrow: Database, tenant: TenantRef
) -> None:
    """Both connections are there for the next two."""
    busy = [asyncio.create_task(_backend(narrow, tenant, 0.2)) for _ in range(2)]
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(_backend(narrow, tenant)) for _ in range(4)]
    await asyncio.sleep(0.05)
    for task in (*waiting, busy[0]):
        task.cancel()
    await asyncio.gather(*busy, *waiting, return_exceptions=True)
    used = await asyncio.gather(*(_backend(narrow, tenant, 0.05) for _ in range(4)))
    assert len(set(used)) == 2
    await narrow.close()


async def test_a_connection_that_died_while_it_rested_is_replaced(
    narrow: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """PostgreSQL was started anew meanwhile: the next transaction does not notice."""
    first = await _backend(narrow, tenant)
    await superuser.fetchval("SELECT pg_terminate_backend($1)", first)
    await asyncio.sleep(0.1)
    assert await _backend(narrow, tenant) != first
    await check(narrow)
    await narrow.close()
