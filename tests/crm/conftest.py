"""Fixtures of the CRM's tests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import httpx
import pytest

from entrypoints.application import Web
from tests.fixtures.web import Browser


@pytest.fixture
async def browser(web: Web) -> AsyncIterator[Browser]:
    """A visitor from an address of their own, because limits count by address."""
    made = Browser(web)
    await made.close()
    address = ".".join(str(random.randint(1, 254)) for _ in range(4))
    transport = httpx.ASGITransport(app=web, client=(address, 40_000))  # type: ignore[arg-type]
    made._client = httpx.AsyncClient(transport=transport, headers={"accept": "text/html,*/*"})
    yield made
    await made.close()
