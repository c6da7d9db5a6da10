"""A brokerage's brand as pages and mails wear it, from what its row in control says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import redis.asyncio

from kernel.actor import TenantRef
from kernel.database import Database
from kernel.images import Picture
from kernel.language import current as spoken
from kernel.language import gettext
from kernel.log import logger
from tenants import queries
from tenants.resolver import CHANNEL
from themes import arrangement, brand_texts
from themes.brand_texts import RISK_WARNING
from themes.page import Brand
from themes.tokens import BrandColours, theme_version

_LOG = logger(__name__)


async def current(database: Database, tenant: TenantRef) -> Brand:
    """Return the brand as it is now."""
    async with database.control() as session:
        row = await queries.tenant_by_id(session, tenant.id)
        return dressed(tenant, row.brand if row else {})


async def file_of(database: Database, tenant: TenantRef, name: str) -> dict[str, str] | None:
    """Return what the look that is worn says of one of its pictures, such as `light`."""
    async with database.control() as session:
        row = await queries.tenant_by_id(session, tenant.id)
        found: dict[str, str] | None = ((row.brand if row else {}).get("files") or {}).get(name)
        return found


async def wear(
    database: Database,
    client: redis.asyncio.Redis,
    *,
    tenant: TenantRef,
    look: Mapping[str, Any],
    since: datetime,
) -> bool:
    """Write the look into control and tell every web process; say whether it was put on.

    `since` is when it was published (UTC): of two that come late, the newer one stays.
    """
    async with database.control() as session:
        row = await queries.locked_tenant(session, tenant.id)
        moment = since.isoformat()
        if row is None or str(row.brand.get("since", "")) > moment:
            return False
        row.brand = {**row.brand, **look, "since": moment}
    await _tell(client, tenant)
    return True


async def reword(database: Database, client: redis.asyncio.Redis, *, tenant: TenantRef) -> None:
    """Give the brokerage's own texts their next version and tell every web process."""
    async with database.control() as session:
        row = await queries.locked_tenant(session, tenant.id)
        if row is None:
            return
        row.brand = {**row.brand, queries.WORDING: queries.wording(row.brand) + 1}
    await _tell(client, tenant)


async def _tell(client: redis.asyncio.Redis, tenant: TenantRef) -> None:
    try:
        await client.publish(CHANNEL, str(tenant.id))
    except (redis.exceptions.RedisError, OSError) as error:
        # They look again by themselves within seconds.
        _LOG.warning("web processes were not told of a change", error=type(error).__name__)


def file_entry(key: str, picture: Picture) -> dict[str, str]:
    """Return what a look says about one of its stored pictures."""
    return {
        "key": key,
        "media_type": picture.media_type,
        "extension": picture.extension,
        "sha": hashlib.sha256(picture.data).hexdigest()[:12],
    }


def dressed(tenant: TenantRef, chosen: Mapping[str, Any]) -> Brand:
    """Return the brand of what was chosen; the rest falls back to plain values."""
    language = str(chosen.get("language", tenant.language))
    name = str(chosen.get("name") or tenant.name)
    files = chosen.get("files") or {}
    texts = chosen.get("texts") or {}
    colours = BrandColours(
        str(chosen.get("main", "#1B2A4A")),
        str(chosen.get("accent", "#3E63DD")),
        str(chosen.get("radius", "1")),
        str(chosen.get("font", "inter")),
        str(chosen.get("density", "regular")),
    )
    shown = "".join(f"{one}{files[one]['sha']}" for one in sorted(files))
    return Brand(
        name=name,
        slug=tenant.slug,
        logo_initials=str(chosen.get("initials") or name[:1]),
        colours=colours,
        # Pictures travel under the style sheet's version too, so that a new one is fetched.
        theme_version=hashlib.sha256(f"{theme_version(colours)}{shown}".encode()).hexdigest()[:12],
        logo_url=_address(files, "square"),
        logo_light_url=_address(files, "light"),
        logo_dark_url=_address(files, "dark"),
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        support_email=str(chosen.get("support_email", f"support@{tenant.slug}.example")),
        legal_name=str(chosen.get("legal_name", tenant.name)),
        regulator_line=str(chosen.get("regulator_line", "")),
        risk_warning=brand_texts.own(texts, "risk", spoken())
        or str(chosen.get("risk_warning") or gettext(RISK_WARNING)),
        theme=str(chosen.get("theme", "default")),
        background=str(chosen.get("background") or "waves"),
        background_url=_address(files, "background"),
        menus=arrangement.menus(chosen.get("menu") or {}),
        card_order=chosen.get("cards") or {},
        texts=texts,
    )


def _address(files: Mapping[str, Any], name: str) -> str:
    return f"/brand/{name}?v={files[name]['sha']}" if name in files else ""
