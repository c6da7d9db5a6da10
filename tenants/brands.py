"""A brokerage's brand as pages and mails wear it, from what its row in control says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.actor import TenantRef
from kernel.database import Database
from tenants import queries
from themes.page import Brand
from themes.tokens import BrandColours

RISK_WARNING = (
    "CFDs are complex instruments and come with a high risk of losing money rapidly due to"
    " leverage. Consider whether you understand how they work and whether you can afford the risk."
)


async def current(database: Database, tenant: TenantRef) -> Brand:
    """Return the brand as it is now."""
    async with database.control() as session:
        row = await queries.tenant_by_id(session, tenant.id)
        return dressed(tenant, row.brand if row else {})


def dressed(tenant: TenantRef, chosen: Mapping[str, Any]) -> Brand:
    """Return the brand of what was chosen; the rest falls back to plain values."""
    language = str(chosen.get("language", tenant.language))
    return Brand(
        name=tenant.name,
        slug=tenant.slug,
        logo_initials=str(chosen.get("initials") or tenant.name[:1]),
        colours=BrandColours(
            str(chosen.get("main", "#1B2A4A")),
            str(chosen.get("accent", "#3E63DD")),
            str(chosen.get("radius", "1")),
            str(chosen.get("font", "inter")),
        ),
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        support_email=str(chosen.get("support_email", f"support@{tenant.slug}.example")),
        legal_name=str(chosen.get("legal_name", tenant.name)),
        regulator_line=str(chosen.get("regulator_line", "")),
        risk_warning=str(chosen.get("risk_warning", RISK_WARNING)),
        theme=str(chosen.get("theme", "default")),
    )
