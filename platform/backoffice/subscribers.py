"""What the Back Office does after commits: brand and texts are put on, people are told."""

from __future__ import annotations

from functools import partial

import redis.asyncio

from backoffice import notices, queries
from backoffice.events import BrandPublished, TextsChanged
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.subscriptions import Subscriptions
from messaging import sections
from messaging.liquid.renderer import Renderer
from tenants import brands
from tenants.ports import Ports


def subscribe(made: Subscriptions, ports: Ports, renderer: Renderer) -> None:
    """Bind this room's subscribers."""
    notices.subscribe(made)
    made.job(
        BrandPublished, "backoffice.wear", partial(wear, client=ports.redis, renderer=renderer)
    )
    made.job(TextsChanged, "backoffice.reword", partial(reword, client=ports.redis))


async def wear(
    database: Database,
    tenant: TenantRef,
    event: BrandPublished,
    *,
    client: redis.asyncio.Redis,
    renderer: Renderer | None = None,
) -> None:
    """Put the version that is published now on every surface, whichever the event named.

    Sections of the public site that name the brand are rendered anew.
    """
    async with database.tenant_read(tenant) as session:
        worn = await queries.version_in(session, "published")
    if worn is not None and worn.published_at is not None:
        await brands.wear(database, client, tenant=tenant, look=worn.look, since=worn.published_at)
    if renderer is not None:
        brand = await brands.current(database, tenant)
        await sections.refresh(database, tenant, brand=brand, renderer=renderer)


async def reword(
    database: Database, tenant: TenantRef, event: TextsChanged, *, client: redis.asyncio.Redis
) -> None:
    """Let every process read the brokerage's own texts anew, however many the event counts."""
    del event
    await brands.reword(database, client, tenant=tenant)
