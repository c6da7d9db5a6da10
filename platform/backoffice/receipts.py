"""The receipt of a deposit as staff hand it out; who took it along is on record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients import queries as client_queries
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.language import speaking
from kernel.viewer import Viewer
from kernel.web.attachments import attachment
from kernel.web.inject import Seen, Session
from messaging import blocks, letterheads
from messaging import documents as issued
from tenants.inject import Outside
from treasury import documents, queries
from treasury.queries import DepositFilter, DepositRow

_READ = "treasury.deposit.read"


@get("/backoffice/deposits/{deposit_id:uuid}/receipt.pdf", permission=_READ)
async def receipt(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    deposit_id: FromPath[UUID],
) -> Response[bytes]:
    """Give the receipt of a deposit within the viewer's scope, in its client's language."""
    row = await _seen(session, viewer, deposit_id)
    client = await client_queries.client(session, row.client_id)
    language = client.language if client is not None else ""
    with speaking(language or "en"):
        head = await letterheads.at(request.scope["state"]["place"], ports, language=language)
        document = documents.receipt(row, head.brand)
    made = await issued.issue(
        session,
        document=document,
        subject=("deposit", row.id),
        amount=row.settled or row.amount,
        letterhead=head,
        note=await blocks.text(
            session,
            event="receipt",
            letterhead=head,
            values=documents.told(row, name=client.first_name if client is not None else ""),
            database=ports.database,
            renderer=request.app.state.rendering,
        ),
    )
    return attachment(made.data, name=f"{row.reference}.pdf", media_type="application/pdf")


async def _seen(session: TenantSession, viewer: Viewer, deposit_id: UUID) -> DepositRow:
    """Return a deposit that the viewer may see; raise NotFound for any other."""
    row = await queries.deposit_row(session, deposit_id=deposit_id)
    if row is None:
        raise NotFound
    if viewer.scope(_READ) == "own":
        own = DepositFilter(search=row.reference, owner_id=viewer.id)
        if not (await queries.deposit_page(session, narrowed=own)).rows:
            raise NotFound
    return row


ROUTES: list[HTTPRouteHandler] = [receipt]
