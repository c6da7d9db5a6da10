"""What happens before the processes start: logins, schemas, and the brokerages asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from entrypoints import catalogue, money_steps, wiring
from entrypoints.brands import DEMO
from entrypoints.steps import steps, vendor_login
from identity import roles
from identity.roles import Grants
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.settings import Settings
from tenants import provisioning, queries, registry
from tenants.ports import Ports
from tenants.provisioning import Context
from tenants.schemas import runner

Say = Callable[[str], None]


async def everything(
    environment: Mapping[str, str], *, scale: str, demo: bool = True, say: Say = print
) -> None:
    """Bring the database to head and provision the demo brokerages, resuming what stood still."""
    settings = kernel_settings.load(environment)
    await runner.bootstrap(settings)
    ports = wiring.ports(settings, pool_size=8)
    try:
        await vendor_login(ports)
        await _migrate_tenants(settings, ports)
        await give_new_permissions(ports, catalogue.grants())
        if demo:
            await _follow_simulators(ports)
            for brand in DEMO:
                options = {"demo": True, "scale": scale}
                await provision(
                    ports,
                    slug=brand.slug,
                    name=brand.name,
                    brand=brand.brand,
                    options=options,
                    say=say,
                )
    finally:
        await wiring.close(ports)


async def provision(
    ports: Ports,
    *,
    slug: str,
    name: str,
    brand: dict[str, str],
    options: Mapping[str, Any],
    say: Say = print,
) -> None:
    """Provision one brokerage, or go on where its last run stopped."""
    async with ports.database.control() as session:
        tenant = await queries.tenant_by_slug(session, slug)
        if tenant is None:
            tenant = await registry.claim(
                session, slug=slug, name=name, brand=brand, language=brand.get("language", "en")
            )
        run = await queries.latest_run(session, tenant.id)
        if run is not None and run.state == "done":
            return
        tenant_id = tenant.id
    started = time.monotonic()

    def progress(step: str, state: str, milliseconds: int) -> None:
        say(f"  {slug}: {step:<28} {state:<7} {milliseconds / 1000:6.2f} s")

    await provisioning.run(
        ports, tenant_id=tenant_id, steps=steps(), options=options, progress=progress
    )
    say(f"  {slug}: ready after {time.monotonic() - started:.1f} s")


async def give_new_permissions(ports: Ports, grants: Grants) -> None:
    """Write the first grants of permissions that a later version brought, for every brokerage."""
    for tenant in await _made(ports):
        async with ports.database.tenant(tenant) as session:
            await roles.seed(session, grants)


async def _made(ports: Ports) -> list[TenantRef]:
    async with ports.database.control() as session:
        return [
            queries.ref(tenant)
            for tenant in await queries.all_tenants(session)
            if tenant.state != "provisioning"
        ]


async def _follow_simulators(ports: Ports) -> None:
    """Point brokerages at simulators whose ports have moved; usually nothing has."""
    for tenant in await _made(ports):
        await money_steps.follow(Context(tenant, ports, {}))


async def _migrate_tenants(settings: Settings, ports: Ports) -> None:
    """Migrate the brokerages that are behind; with none, this is one query."""
    head = runner.tenant_head()
    async with ports.database.control() as session:
        behind = [
            (tenant.id, tenant.schema_name)
            for tenant in await queries.all_tenants(session)
            if tenant.state != "provisioning" and tenant.schema_head != head
        ]
    for tenant_id, schema in behind:
        await runner.migrate_tenant(settings, schema)
        await registry.note_head(ports.database, tenant_id=tenant_id, head=head)
