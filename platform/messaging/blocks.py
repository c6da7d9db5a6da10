"""The block of a document that a tenant writes itself: rendered for each document that is made."""

from __future__ import annotations

from collections.abc import Mapping

from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.errors import ProductError
from kernel.language import SOURCE
from messaging import templates
from messaging.documents import Letterhead
from messaging.liquid import variables
from messaging.liquid.renderer import Renderer, RendererBusy

KIND = "pdf_block"


async def text(
    session: TenantSession,
    *,
    event: str,
    letterhead: Letterhead,
    values: Mapping[str, object],
    database: Database,
    renderer: Renderer,
) -> str:
    """Return the text under a document's table, "" when the tenant wrote none or it fails.

    English stands in for the document's language. The document is made without a block that
    fails, and its author is told beside it. Raises RendererBusy.
    """
    tenant: TenantRef = session.info["tenant"]
    for language in dict.fromkeys((letterhead.language, SOURCE)):
        source = await templates.live_source(session, event=event, language=language, kind=KIND)
        if source is not None:
            break
    else:
        return ""
    given = {**values, "brand": templates.told(letterhead.brand), "language": language}
    try:
        offered = variables.offered(event, given)
        return await renderer.render(source, offered, kind=KIND, owner=str(tenant.id))
    except RendererBusy:
        raise
    except ProductError as error:
        await templates.note_failure(
            database, tenant, event=event, language=language, kind=KIND, error=error
        )
        return ""
