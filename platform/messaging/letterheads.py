"""What a document of a brokerage is written on, from the place that a request came to."""

from __future__ import annotations

from kernel.errors import NotFound
from kernel.language import current
from kernel.storage import ObjectMissing
from messaging.documents import Letterhead
from tenants import brands
from tenants.ports import Ports
from tenants.resolver import Place
from themes.documents import Logo


async def at(place: Place, ports: Ports, *, language: str = "") -> Letterhead:
    """Return the letterhead of a tenant's host, in a language or in that of this request.

    Raises NotFound on the vendor's own hosts.
    """
    if place.tenant is None:
        raise NotFound
    settings = ports.settings
    return Letterhead(
        brand=brands.dressed(place.tenant, place.brand or {}),
        logo=await _logo(place, ports),
        language=language or current(),
        site=settings.origin(f"www.{place.tenant.slug}.{settings.domain}"),
    )


async def _logo(place: Place, ports: Ports) -> Logo | None:
    """Return the logo for white paper; one that is gone is no reason to make no document."""
    entry = ((place.brand or {}).get("files") or {}).get("light")
    if entry is None or place.tenant is None:
        return None
    try:
        data = await ports.store.get(place.tenant, entry["key"])
    except ObjectMissing:
        return None
    return Logo(data, entry["media_type"])
