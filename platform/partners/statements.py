"""The partner's month as PDF: what was posted to their balance, and the trades behind it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from introducers.models import Partner
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.attachments import attachment
from kernel.web.inject import Seen, Session, Tenant
from ledger import chart
from ledger import queries as ledger_queries
from ledger.queries import Period, StatementLine
from messaging import documents, letterheads
from partners import people, queries
from partners.queries import Narrowed
from tenants.inject import Outside
from themes.documents import Document, statement_columns
from themes.formats import amount_text, day_text, isolated, money_text, number_text

MONTHS_OFFERED = 12
# A day has one posting for each partner, so that a month's lines always fit.
_LINES_MAX = 1_000


@get("/commissions/statement.pdf", permission=SELF)
async def statement(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
) -> Response[bytes]:
    """Give the statement of one month, `?month=2026-11`, of the partner's own wallet."""
    partner = await people.open_partner(session, viewer)
    first = _month(request.query_params.get("month", ""))
    following = _following(first)
    found = await ledger_queries.period(
        session,
        code=chart.PARTNER_WALLET,
        currency=tenant.base_currency,
        owner=("partner", partner.id),
        since=dt.datetime.combine(first, dt.time(), dt.UTC),
        until=dt.datetime.combine(following, dt.time(), dt.UTC),
        limit=_LINES_MAX,
    )
    head = await letterheads.at(request.scope["state"]["place"], ports)
    made = await documents.issue(
        session,
        document=await _document(session, partner, found, first, tenant.base_currency),
        subject=("partner", partner.id),
        amount=Money(found.paid_in, tenant.base_currency),
        letterhead=head,
    )
    name = f"commissions-{partner.reference}-{first:%Y-%m}.pdf"
    return attachment(made.data, name=name, media_type="application/pdf")


def months() -> list[str]:
    """Return the months that a statement is offered for, this one first: `2026-11`."""
    first = now().date().replace(day=1)
    found = []
    for _ in range(MONTHS_OFFERED):
        found.append(f"{first:%Y-%m}")
        first = (first - dt.timedelta(days=1)).replace(day=1)
    return found


def _month(text: str) -> dt.date:
    try:
        first = dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        first = None
    if first is None or not dt.date(2000, 1, 1) <= first <= now().date():
        raise InvalidInput({"month": gettext("Choose a month that has begun.")})
    return first


def _following(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=32)).replace(day=1)


async def _document(
    session: TenantSession, partner: Partner, found: Period, first: dt.date, currency: str
) -> Document:
    last = _following(first) - dt.timedelta(days=1)
    narrowed = Narrowed(since=first, until=last)
    count, lots, amount = await queries.totals(session, partner.id, narrowed)

    def shown(value: Decimal) -> str:
        return isolated(money_text(Money(value, currency)))

    return Document(
        kind="commission_statement",
        title=gettext("Commission statement"),
        subtitle=isolated(f"{day_text(first)} – {day_text(last)}"),
        addressee=(partner.name, isolated(partner.reference)),
        facts=(
            (gettext("Trades closed by clients"), isolated(number_text(count))),
            (gettext("Lots"), isolated(number_text(lots, 2))),
            (gettext("Commission of these trades"), shown(amount)),
            (gettext("Opening balance"), shown(found.opening)),
        ),
        columns=statement_columns(),
        rows=tuple(_row(line, currency) for line in found.lines),
        empty=gettext("Nothing was posted in this month."),
        totals=(
            (gettext("Posted to your balance"), shown(found.paid_in)),
            (gettext("Paid out or corrected"), shown(found.paid_out)),
            (gettext("Closing balance"), shown(found.closing)),
        ),
        small_print=(
            gettext("A trade of the last days may be posted in the month after it was closed."),
        ),
    )


def _row(line: StatementLine, currency: str) -> tuple[str, ...]:
    daily = line.kind == "partner_commission"
    sign = "+" if line.amount > 0 else ""
    return (
        isolated(day_text(line.occurred_at)),
        gettext("Commission of a day") if daily else gettext("Booking"),
        isolated(line.reference),
        isolated(f"{sign}{amount_text(Money(line.amount, currency))}"),
        isolated(amount_text(Money(line.balance_after, currency))),
    )


ROUTES: list[HTTPRouteHandler] = [statement]
