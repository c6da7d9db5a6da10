"""Every test of the Trader's Room begins with no registration counted against its address."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from kernel.keys import redis_key
from kernel.settings import Settings
from tests.fixtures.database import ALPHA, BETA


@pytest.fixture(autouse=True)
async def uncounted(settings: Settings) -> AsyncIterator[None]:
    """Forget what the limit on registrations has counted; all tests share one Redis."""
    client = redis.asyncio.Redis.from_url(settings.redis_url)
    for tenant in (ALPHA, BETA):
        pattern = redis_key(tenant, "throttle", "register") + ":*"
        async for key in client.scan_iter(pattern):
            await client.delete(key)
    yield
    await client.aclose()
