"""The console's pages, and the vendor's own front page."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from console import health, tenant_list
from kernel.errors import NotFound
from kernel.web.access import PUBLIC
from kernel.web.inject import VendorSession
from kernel.web.pages import page, see_other
from tenants import queries
from tenants.inject import Outside

_READ = "console.tenant.read"


@get("/", permission=_READ)
async def home() -> Response[Any]:
    """Send the vendor's people to the list of brokerages."""
    return see_other("/tenants")


@get("/tenants/{slug:str}", permission=_READ)
async def tenant_page(
    request: Request[Any, Any, Any], session: VendorSession, ports: Outside, slug: FromPath[str]
) -> Response[Any]:
    """Show one brokerage: hosts, servers, each provisioning step with its time, and health."""
    tenant = await queries.tenant_by_slug(session, slug)
    if tenant is None:
        raise NotFound
    run = await queries.latest_run(session, tenant.id)
    ready = tenant.state != "provisioning"
    return await page(
        request,
        "console/tenant.html",
        title=tenant.name,
        active="/tenants",
        tenant=tenant,
        run=run,
        steps=await queries.steps_of(session, run.id) if run else [],
        domains=await queries.domains_of(session, tenant.id),
        servers=await queries.servers_of_tenant(session, tenant.id),
        health=await health.of(ports.database, queries.ref(tenant), verify=True) if ready else None,
        origin=ports.settings.origin,
    )


@get("/", permission=PUBLIC)
async def apex(
    request: Request[Any, Any, Any], session: VendorSession, ports: Outside
) -> Response[Any]:
    """Show the vendor's front page, with the demo brokerages that run here."""
    settings = ports.settings
    brands = []
    for tenant in await queries.all_tenants(session):
        if tenant.brand.get("demo") and tenant.state == "active":
            host = f"www.{tenant.slug}.{settings.domain}"
            brands.append({"name": tenant.name, "host": host, "href": f"{settings.origin(host)}/"})
    return await page(
        request,
        "vendor/home.html",
        title="Marque",
        active="/",
        brands=brands,
        console_href=f"{settings.origin(f'console.{settings.domain}')}/",
    )


ROUTES: list[HTTPRouteHandler] = [home, *tenant_list.ROUTES, tenant_page]
APEX: list[HTTPRouteHandler] = [apex]
