"""The register of brokerages: a slug is claimed once and never changes."""

from __future__ import annotations

import re
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from kernel.database import ControlSession, Database
from kernel.errors import Conflict, InvalidInput
from kernel.ids import uuid7
from tenants import queries
from tenants.models import Cluster, Domain, Tenant

_SLUG = re.compile(r"^[a-z][a-z0-9-]{1,30}$")
_RESERVED = frozenset(
    {"www", "my", "ib", "team", "console", "api", "admin", "mail", "static", "public", "control"}
)
_PREFIXES = {"public": "www", "trader": "my", "partner": "ib", "staff": "team"}


class SlugTaken(Conflict):
    """Another brokerage has the slug."""

    code = "slug_taken"
    message = "This short name is taken. Choose another."


async def main_cluster(session: ControlSession) -> Cluster:
    """Return the cluster that new tenants are placed on, made at first use."""
    cluster = await queries.cluster_by_name(session, "main")
    if cluster is None:
        cluster = Cluster(id=uuid7(), name="main")
        session.add(cluster)
        await session.flush()
    return cluster


async def claim(
    session: ControlSession, *, slug: str, name: str, brand: dict[str, str], language: str = "en"
) -> Tenant:
    """Register a brokerage under a free slug; raise SlugTaken or InvalidInput."""
    if not _SLUG.match(slug) or slug in _RESERVED or slug.endswith("-"):
        raise InvalidInput({"slug": "Use 2 to 31 small letters, digits and hyphens."})
    if not 2 <= len(name.strip()) <= 80:
        raise InvalidInput({"name": "Give the brokerage's name in 2 to 80 characters."})
    cluster = await main_cluster(session)
    tenant = Tenant(
        id=uuid7(),
        slug=slug,
        name=name.strip(),
        schema_name=f"t_{slug.replace('-', '_')}",
        cluster_id=cluster.id,
        brand=brand,
        language=language,
    )
    session.add(tenant)
    try:
        await session.flush()
    except IntegrityError:
        raise SlugTaken from None
    return tenant


async def give_hosts(session: ControlSession, *, tenant: Tenant, domain: str) -> list[str]:
    """Write the brokerage's own subdomains of the vendor's domain; return them."""
    hosts = []
    for surface, prefix in _PREFIXES.items():
        host = f"{prefix}.{tenant.slug}.{domain}"
        if await session.get(Domain, host) is None:
            session.add(Domain(host=host, tenant_id=tenant.id, surface=surface, verified=True))
        hosts.append(host)
    return hosts


async def note_head(database: Database, *, tenant_id: UUID, head: str) -> None:
    """Remember which revision a tenant's schema is at, so that nobody has to look."""
    async with database.control() as session:
        tenant = await queries.tenant_by_id(session, tenant_id)
        if tenant is not None:
            tenant.schema_head = head
