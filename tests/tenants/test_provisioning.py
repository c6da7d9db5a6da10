"""A run that dies goes on where it stood, and two racers have one winner."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from kernel.actor import TenantRef
from tenants import provisioning, registry, servers
from tenants.ports import Ports
from tenants.provisioning import Context, Step, StepFailed


async def test_a_failed_run_resumes_at_the_step_that_failed(
    ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Steps that are done are not done again."""
    calls: list[str] = []
    broken = [True]

    async def first(context: Context) -> str:
        calls.append(f"first for {context.tenant.slug}")
        return "made"

    async def second(context: Context) -> str:
        del context
        calls.append("second")
        if broken:
            raise OSError("the server is away")
        return "made"

    steps = [Step("first", first), Step("second", second)]
    with pytest.raises(StepFailed):
        await provisioning.run(ports, tenant_id=tenant.id, steps=steps, options={})
    broken.clear()
    await provisioning.run(ports, tenant_id=tenant.id, steps=steps, options={})

    assert calls == ["first for alpha", "second", "second"]
    rows = await superuser.fetch(
        "SELECT name, state, attempts, error FROM control.provisioning_step ORDER BY position"
    )
    assert [tuple(row) for row in rows] == [("first", "done", 1, ""), ("second", "done", 2, "")]


async def test_a_slug_has_one_winner(ports: Ports, superuser: asyncpg.Connection) -> None:
    """Twenty racers at once: one brokerage."""

    async def race() -> bool:
        try:
            async with ports.database.control() as session:
                await registry.claim(session, slug="racer", name="Racer", brand={})
        except registry.SlugTaken:
            return False
        return True

    won = await asyncio.gather(*(race() for _ in range(20)))
    count = await superuser.fetchval("SELECT count(*) FROM control.tenant WHERE slug = 'racer'")
    await superuser.execute("DELETE FROM control.tenant WHERE slug = 'racer'")

    assert (sum(won), count) == (1, 1)


@pytest.mark.parametrize(
    "mask", ["real\\alpha\\*", "real\\alpha\\STD*", "real\\*", "REAL\\ALPHA\\*"]
)
async def test_masks_of_two_tenants_never_overlap(
    ports: Ports, tenant: TenantRef, other_tenant: TenantRef, mask: str
) -> None:
    """A tenant's deals must not be readable under another's mask."""
    async with ports.database.control() as session:
        server = await servers.register(
            session,
            name="shared",
            kind="mt5_rest",
            address="127.0.0.1:1",
            manager_login="1",
            password="x",
            fingerprint="",
            vault=ports.vault,
        )
        await servers.assign(
            session, server_id=server.id, tenant_id=tenant.id, group_mask="real\\alpha\\*"
        )
        with pytest.raises(servers.MaskOverlaps):
            await servers.assign(
                session, server_id=server.id, tenant_id=other_tenant.id, group_mask=mask
            )
