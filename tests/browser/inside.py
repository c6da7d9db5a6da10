"""Work in a running copy's database, as its worker would, from a thread that Playwright holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from entrypoints import environment, wiring
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from tenants import queries as tenant_queries
from tenants.ports import Ports

Made = TypeVar("Made")


def inside(data: Path, slug: str, work: Callable[[Ports, TenantRef], Awaitable[Made]]) -> Made:
    """Do it with ports of its own on the copy of this folder, and return what it returns."""

    async def done() -> Made:
        ports = wiring.ports(kernel_settings.load(environment.load(data)), pool_size=2)
        try:
            async with ports.database.control() as control:
                row = await tenant_queries.tenant_by_slug(control, slug)
                assert row is not None
                tenant = tenant_queries.ref(row)
            return await work(ports, tenant)
        finally:
            await wiring.close(ports)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(done())).result()
