"""Addresses of a brokerage's own hosts, for mails that are written where no request came in."""

from __future__ import annotations

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.settings import Settings
from tenants import queries

_USUAL = {"public": "www", "trader": "my", "partner": "ib", "staff": "team"}


async def origin(database: Database, settings: Settings, tenant: TenantRef, *, surface: str) -> str:
    """Return the origin of a surface: the tenant's own host where one is verified."""
    async with database.control() as control:
        hosts = await queries.domains_of(control, tenant.id)
    usual = f"{_USUAL[surface]}.{tenant.slug}.{settings.domain}"
    own = (row.host for row in hosts if row.surface == surface and row.verified)
    return settings.origin(next(own, usual))
