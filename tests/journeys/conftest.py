"""Fixtures of journeys through running processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.fixtures.stack import Stack
from tests.journeys.money import Desk, open_desk


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """One running copy for the module's cases; each case starts the processes it needs."""
    made = await Stack().start()
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def desk(stack: Stack) -> AsyncIterator[Desk]:
    """A client of the running copy."""
    superuser = await asyncpg.connect(stack.database_url)
    await superuser.execute("SET search_path = t_alpha")
    yield await open_desk(stack, superuser)
    await superuser.close()
