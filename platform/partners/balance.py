"""The partner's balance: what the book owes them, and how it came about."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from introducers import queries as introducer_queries
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import page
from ledger import chart
from ledger import queries as ledger_queries
from partners import people

_PAGE = 50
_DAY = "partner_commission"


@get("/balance", permission=SELF)
async def balance(
    request: Request[Any, Any, Any], session: Session, tenant: Tenant, viewer: Seen
) -> Response[Any]:
    """Show the statement of the partner's wallet, newest first, and what is not posted yet."""
    partner = await people.open_partner(session, viewer)
    currency, owner = tenant.base_currency, ("partner", partner.id)
    found = await ledger_queries.balance(
        session, code=chart.PARTNER_WALLET, currency=currency, owner=owner
    )
    lines = await ledger_queries.statement(
        session,
        code=chart.PARTNER_WALLET,
        currency=currency,
        owner=owner,
        before=_before(request),
        limit=_PAGE + 1,
    )
    return await page(
        request,
        "partner/balance.html",
        title=gettext("Balance"),
        active="/balance",
        partner=partner,
        available=Money(found.available, currency),
        held=Money(found.held, currency),
        waiting=Money(
            await introducer_queries.not_yet_posted(session, partner_id=partner.id), currency
        ),
        rows=[
            {
                "line": line,
                "what": line.kind.replace("_", " ").capitalize(),
                "day": date.fromisoformat(line.reference) if line.kind == _DAY else None,
            }
            for line in lines[:_PAGE]
        ],
        after=lines[_PAGE - 1].version if len(lines) > _PAGE else None,
        currency=currency,
    )


def _before(request: Request[Any, Any, Any]) -> int | None:
    text = request.query_params.get("after", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


ROUTES: list[HTTPRouteHandler] = [balance]
