"""Sections of the public site that a tenant wrote: rendered when published, kept, and shown.

A visitor's page renders nothing of a tenant's: it reads what was rendered with the brand's
values when the section was published, or when the brand changed since.
"""

from __future__ import annotations

from kernel.actor import TenantRef
from kernel.database import Database, ReadSession, TenantSession
from kernel.errors import ProductError
from kernel.language import SOURCE
from messaging import queries, templates
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer, RendererBusy
from messaging.liquid.variables import Plain
from themes.page import Brand

KIND = "landing"
# Paths of the public site itself, which leads on with the visitor's referral.
REGISTER, SIGN_IN = "/go/register", "/go/login"


def values(brand: Brand, language: str) -> dict[str, Plain]:
    """Return what a section is rendered with."""
    told: dict[str, Plain] = {**templates.told(brand)}
    links: dict[str, Plain] = {"register_href": REGISTER, "sign_in_href": SIGN_IN}
    return {**links, "brand": told, "language": language}


async def shown(session: TenantSession | ReadSession, *, language: str) -> dict[str, str]:
    """Return the HTML of each slot, cleaned when it was rendered; English stands in."""
    found: dict[str, str] = {}
    rows = await queries.live_sections(session, languages=[language, SOURCE])
    for row in sorted(rows, key=lambda one: one.language != language):
        if row.rendered:
            found.setdefault(row.event, row.rendered)
    return found


async def refresh(
    database: Database, tenant: TenantRef, *, brand: Brand, renderer: Renderer
) -> int:
    """Render every live section anew, since the brand has changed; return how many changed.

    One that fails goes on saying what it said, and its author is told beside it. Raises
    RendererBusy: try again later.
    """
    async with database.tenant_read(tenant) as session:
        rows = await queries.live_sections(session)
    changed = 0
    for row in rows:
        offered = variables.offered(row.event, values(brand, row.language))
        try:
            text = await renderer.render(row.source, offered, kind=KIND, owner=str(tenant.id))
        except RendererBusy:
            raise
        except ProductError as error:
            await templates.note_failure(
                database,
                tenant,
                event=row.event,
                language=row.language,
                kind=KIND,
                error=error,
            )
            continue
        if text and text != row.rendered:
            async with database.tenant(tenant) as session:
                changed += await queries.keep_rendered(session, template_id=row.id, rendered=text)
    return changed
