"""Every select on the control schema's tenants, hosts, runs and servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from kernel import slices
from kernel.actor import TenantRef
from kernel.database import ControlSession
from kernel.web.cursors import Window
from kernel.web.table import State
from tenants.models import (
    Cluster,
    Domain,
    ProvisioningRun,
    ProvisioningStep,
    ServerTenant,
    Tenant,
    TradingServer,
)

# What the version of a brokerage's own texts is called beside its look.
WORDING = "wording"


def ref(tenant: Tenant) -> TenantRef:
    """Return a tenant's row as what requests and messages carry."""
    return TenantRef(
        id=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        schema=tenant.schema_name,
        base_currency=tenant.base_currency,
        timezone=tenant.timezone,
        language=tenant.language,
        generation=tenant.generation,
        wording=wording(tenant.brand),
    )


def wording(brand: Mapping[str, Any]) -> int:
    """Return the version of a brokerage's own texts, which stands beside its look."""
    return int(brand.get(WORDING, 0))


async def tenant_by_slug(session: ControlSession, slug: str) -> Tenant | None:
    """Return the tenant of that slug."""
    return await session.scalar(select(Tenant).where(Tenant.slug == slug))


async def tenant_by_id(session: ControlSession, tenant_id: UUID) -> Tenant | None:
    """Return the tenant of that id."""
    return await session.get(Tenant, tenant_id)


async def locked_tenant(session: ControlSession, tenant_id: UUID) -> Tenant | None:
    """Return the tenant as it is now, locked until the transaction ends."""
    return await session.get(Tenant, tenant_id, with_for_update=True, populate_existing=True)


async def all_tenants(session: ControlSession) -> Sequence[Tenant]:
    """Return every tenant, in the order of their names."""
    return (await session.scalars(select(Tenant).order_by(Tenant.name))).all()


_TENANTS = slices.Source(
    columns={
        "name": func.lower(Tenant.name),
        "slug": Tenant.slug,
        "state": Tenant.state,
        "since": Tenant.created_at,
        "currency": Tenant.base_currency,
    },
    key=Tenant.id,
    search=lambda word: [
        func.lower(Tenant.name).contains(word, autoescape=True),
        Tenant.slug.contains(word, autoescape=True),
    ],
)


def _itself(tenant: Tenant) -> Tenant:
    return tenant


async def tenant_page(session: ControlSession, state: State) -> Window[Tenant]:
    """Return a page of tenants."""
    return await slices.page(session, select(Tenant), state, _TENANTS, make=_itself)


async def tenant_rows(session: ControlSession, state: State, *, limit: int) -> list[Tenant]:
    """Return the first tenants of a whole list."""
    chosen = select(Tenant)
    return await slices.rows(session, chosen, state, _TENANTS, make=_itself, limit=limit)


async def tenant_facets(session: ControlSession, state: State) -> slices.Facets:
    """Count a list of tenants by state and currency."""
    counting = select(func.count()).select_from(Tenant)
    return await slices.facets(session, counting, state, _TENANTS, ("state", "currency"))


async def domain_with_tenant(session: ControlSession, host: str) -> Row[Domain, Tenant] | None:
    """Return the host's row with its tenant: an exact match, or nothing."""
    statement = (
        select(Domain, Tenant)
        .join(Tenant, Tenant.id == Domain.tenant_id)
        .where(Domain.host == host, Domain.verified)
    )
    return (await session.execute(statement)).one_or_none()


async def domains_of(session: ControlSession, tenant_id: UUID) -> Sequence[Domain]:
    """Return a tenant's hosts by surface."""
    statement = select(Domain).where(Domain.tenant_id == tenant_id).order_by(Domain.surface)
    return (await session.scalars(statement)).all()


async def latest_run(session: ControlSession, tenant_id: UUID) -> ProvisioningRun | None:
    """Return the newest provisioning run of a tenant."""
    statement = (
        select(ProvisioningRun)
        .where(ProvisioningRun.tenant_id == tenant_id)
        .order_by(ProvisioningRun.started_at.desc(), ProvisioningRun.id.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def latest_steps(session: ControlSession) -> dict[UUID, list[ProvisioningStep]]:
    """Return the steps of every tenant's newest run, by tenant, in one query."""
    newest = (
        select(ProvisioningRun.tenant_id, ProvisioningRun.id)
        .ext(distinct_on(ProvisioningRun.tenant_id))
        .order_by(
            ProvisioningRun.tenant_id, ProvisioningRun.started_at.desc(), ProvisioningRun.id.desc()
        )
        .subquery()
    )
    statement = (
        select(newest.c.tenant_id, ProvisioningStep)
        .join(newest, newest.c.id == ProvisioningStep.run_id)
        .order_by(ProvisioningStep.run_id, ProvisioningStep.position)
    )
    found: dict[UUID, list[ProvisioningStep]] = {}
    for tenant_id, step in await session.execute(statement):
        found.setdefault(tenant_id, []).append(step)
    return found


async def steps_of(session: ControlSession, run_id: UUID) -> Sequence[ProvisioningStep]:
    """Return a run's steps in order."""
    statement = (
        select(ProvisioningStep)
        .where(ProvisioningStep.run_id == run_id)
        .order_by(ProvisioningStep.position)
    )
    return (await session.scalars(statement)).all()


async def server_by_name(session: ControlSession, name: str) -> TradingServer | None:
    """Return the trading server of that name."""
    return await session.scalar(select(TradingServer).where(TradingServer.name == name))


async def servers(session: ControlSession) -> Sequence[TradingServer]:
    """Return every trading server."""
    return (await session.scalars(select(TradingServer).order_by(TradingServer.name))).all()


async def tenants_of_server(
    session: ControlSession, server_id: UUID
) -> Sequence[Row[ServerTenant, Tenant]]:
    """Return the tenants on a server with the masks of their groups."""
    statement = (
        select(ServerTenant, Tenant)
        .join(Tenant, Tenant.id == ServerTenant.tenant_id)
        .where(ServerTenant.server_id == server_id)
        .order_by(Tenant.slug)
    )
    return (await session.execute(statement)).all()


async def servers_of_tenant(
    session: ControlSession, tenant_id: UUID
) -> Sequence[Row[ServerTenant, TradingServer]]:
    """Return the servers a tenant trades on."""
    statement = (
        select(ServerTenant, TradingServer)
        .join(TradingServer, TradingServer.id == ServerTenant.server_id)
        .where(ServerTenant.tenant_id == tenant_id)
        .order_by(TradingServer.name)
    )
    return (await session.execute(statement)).all()


async def cluster_by_name(session: ControlSession, name: str) -> Cluster | None:
    """Return the cluster of that name."""
    return await session.scalar(select(Cluster).where(Cluster.name == name))
