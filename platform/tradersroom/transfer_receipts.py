"""The receipt of a transfer as PDF, for whoever sent or received it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from kernel.web.access import SELF
from kernel.web.attachments import attachment
from kernel.web.inject import Seen, Session
from messaging import blocks, letterheads
from messaging import documents as issued
from tenants.inject import Outside
from themes.formats import isolated, money_text
from tradersroom import people, transfers
from treasury.transfers import documents

_PDF = "application/pdf"


@get("/transfer/{reference:str}/receipt.pdf", permission=SELF)
async def receipt(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    reference: FromPath[str],
) -> Response[bytes]:
    """Give the receipt of one of the client's own transfers."""
    me = await people.me(session, viewer)
    row = await transfers.own(session, me, reference)
    head = await letterheads.at(request.scope["state"]["place"], ports)
    addressee = (me.client.name, isolated(me.client.reference))
    made = await issued.issue(
        session,
        document=documents.receipt(row, head.brand, addressee=addressee),
        subject=("transfer", row.id),
        amount=row.arrived,
        letterhead=head,
        note=await blocks.text(
            session,
            event="receipt",
            letterhead=head,
            values={
                "name": me.client.first_name,
                "amount": money_text(row.arrived),
                "reference": row.reference,
            },
            database=ports.database,
            renderer=request.app.state.rendering,
        ),
    )
    return attachment(made.data, name=f"{row.reference}.pdf", media_type=_PDF)


ROUTES: list[HTTPRouteHandler] = [receipt]
