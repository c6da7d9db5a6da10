"""What a client takes along as PDF: the receipt of a deposit, a statement of a wallet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients.models import Client
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.language import gettext
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.attachments import attachment
from kernel.web.inject import Seen, Session
from kernel.web.pages import form_state
from ledger import chart
from ledger import queries as ledger_queries
from ledger.queries import Period, StatementLine
from messaging import blocks, letterheads
from messaging import documents as issued
from tenants.inject import Outside
from themes.documents import Document, statement_columns
from themes.formats import amount_text, day_text, isolated, money_text, number_text
from themes.page import Brand
from tradersroom import entry_words, people
from treasury import documents as treasury_documents
from treasury import queries as treasury_queries

LINES_MAX = 2_000
_DAYS_MAX = 366
_PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which statement is asked for; both days are part of it, in UTC."""

    since: dt.date
    until: dt.date
    currency: str

    @property
    def start(self) -> dt.datetime:
        """The first moment of the period."""
        return dt.datetime.combine(self.since, dt.time(), dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The first moment after the period."""
        return dt.datetime.combine(self.until + dt.timedelta(days=1), dt.time(), dt.UTC)


@get("/deposit/{reference:str}/receipt.pdf", permission=SELF)
async def receipt(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    viewer: Seen,
    ports: Outside,
    reference: FromPath[str],
) -> Response[bytes]:
    """Give the receipt of one of the client's own deposits."""
    me = await people.me(session, viewer)
    deposit = await treasury_queries.deposit_by_reference(
        session, reference=reference[:16], client_id=me.client.id
    )
    row = (
        await treasury_queries.deposit_row(session, deposit_id=deposit.id)
        if deposit is not None
        else None
    )
    if row is None:
        raise NotFound
    head = await letterheads.at(request.scope["state"]["place"], ports)
    made = await issued.issue(
        session,
        document=treasury_documents.receipt(row, head.brand),
        subject=("deposit", row.id),
        amount=row.settled or row.amount,
        letterhead=head,
        note=await blocks.text(
            session,
            event="receipt",
            letterhead=head,
            values=treasury_documents.told(row, name=me.client.first_name),
            database=ports.database,
            renderer=request.app.state.rendering,
        ),
    )
    return attachment(made.data, name=f"{row.reference}.pdf", media_type=_PDF)


async def statement(
    request: Request[Any, Any, Any], session: TenantSession, viewer: Seen, ports: Outside
) -> Response[bytes]:
    """Give the statement of one of the client's own wallets; raise InvalidInput for bad days."""
    me = await people.me(session, viewer)
    wanted = read(request.query_params, await currencies(session, me.client))
    found = await ledger_queries.period(
        session,
        code=chart.CLIENT_WALLET,
        currency=wanted.currency,
        owner=("client", me.client.id),
        since=wanted.start,
        until=wanted.end,
        limit=LINES_MAX,
    )
    if found.count > LINES_MAX:
        most = number_text(LINES_MAX)
        raise InvalidInput(
            {"until": gettext("A statement holds at most %s lines. Choose fewer days.") % most}
        )
    head = await letterheads.at(request.scope["state"]["place"], ports)
    made = await issued.issue(
        session,
        document=_statement(me.client, wanted, found, head.brand),
        subject=("client", me.client.id),
        amount=Money(found.closing, wanted.currency),
        letterhead=head,
        note=await blocks.text(
            session,
            event="statement",
            letterhead=head,
            values={"name": me.client.first_name},
            database=ports.database,
            renderer=request.app.state.rendering,
        ),
    )
    name = f"statement-{wanted.currency}-{wanted.since}-{wanted.until}.pdf"
    return attachment(made.data, name=name, media_type=_PDF)


async def currencies(session: TenantSession, client: Client) -> list[str]:
    """Return the currencies of a client's wallets, by name."""
    owned = await ledger_queries.balances(session, code=chart.CLIENT_WALLET, owners=[client.id])
    return [one.currency for one in owned]


def form(
    values: Mapping[str, str], offered: list[str], error: InvalidInput | None
) -> dict[str, Any]:
    """Return the statement's form: what was typed and is wrong, else this month so far."""
    today = now().date()
    shown = {
        "since": values.get("since") or today.replace(day=1).isoformat(),
        "until": values.get("until") or today.isoformat(),
        "currency": values.get("currency") or (offered[0] if offered else ""),
    }
    return form_state(shown, error.fields, error.text) if error else form_state(shown)


def read(values: Mapping[str, str], offered: list[str]) -> Wanted:
    """Read the form of a statement; raise InvalidInput with what to do beside each field."""
    errors: dict[str, str] = {}
    since, until = _day(values.get("since", "")), _day(values.get("until", ""))
    if since is None:
        errors["since"] = gettext("Choose the first day.")
    if until is None:
        errors["until"] = gettext("Choose the last day.")
    if since and until and until < since:
        errors["until"] = gettext("The last day is before the first. Turn them round.")
    elif since and until and (until - since).days >= _DAYS_MAX:
        errors["until"] = gettext("A statement covers a year at most. Choose fewer days.")
    currency = values.get("currency", "")
    if currency not in offered:
        errors["currency"] = gettext("Choose one of your wallets.")
    if errors or since is None or until is None:
        raise InvalidInput(errors)
    return Wanted(since, until, currency)


def _day(text: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if dt.date(2000, 1, 1) <= day <= dt.date(2200, 1, 1) else None


def _statement(client: Client, wanted: Wanted, found: Period, brand: Brand) -> Document:
    def shown(amount: Decimal) -> str:
        return isolated(money_text(Money(amount, wanted.currency)))

    return Document(
        kind="wallet_statement",
        title=gettext("Wallet statement"),
        subtitle=isolated(f"{day_text(wanted.since)} – {day_text(wanted.until)}, UTC"),
        addressee=(f"{client.first_name} {client.last_name}", isolated(client.reference)),
        facts=(
            (gettext("Wallet"), isolated(wanted.currency)),
            (gettext("Opening balance"), shown(found.opening)),
        ),
        columns=statement_columns(),
        rows=tuple(_row(line, wanted.currency) for line in found.lines),
        empty=gettext("Nothing was booked in this period."),
        totals=(
            (gettext("Paid in"), shown(found.paid_in)),
            (gettext("Paid out"), shown(found.paid_out)),
            (gettext("Closing balance"), shown(found.closing)),
        ),
        small_print=(brand.risk_warning,) if brand.risk_warning else (),
    )


def _row(line: StatementLine, currency: str) -> tuple[str, ...]:
    amount = Money(line.amount, currency)
    sign = "+" if line.amount > 0 else ""
    return (
        isolated(day_text(line.occurred_at)),
        entry_words.kind(line.kind),
        isolated(line.reference),
        isolated(f"{sign}{amount_text(amount)}"),
        isolated(amount_text(Money(line.balance_after, currency))),
    )


ROUTES: list[HTTPRouteHandler] = [receipt]
