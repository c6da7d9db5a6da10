"""A client's trading accounts: cards, one account with its deals, and another one asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from clients.restrictions import ClientRestricted
from compliance import queries as compliance_queries
from kernel.actor import TenantRef
from kernel.database import ReadSession, TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.language import gettext, marked
from kernel.money import Money
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session, Tenant
from kernel.web.pages import flash, form_state, form_values, page, see_other
from tenants import queries as tenant_queries
from tenants.inject import Outside
from tenants.ports import Ports
from themes.formats import isolated as ltr
from themes.formats import money_text, theirs
from tradersroom import people
from trading import accounts, queries
from trading.accounts import UnknownAccountType
from trading.models import AccountType, Deal, TradingAccount

_PAGE = 25
_ACCOUNTS_MAX = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTIONS = {
    0: marked("Buy"),
    1: marked("Sell"),
    2: marked("Balance"),
    3: marked("Credit"),
    4: marked("Charge"),
    5: marked("Correction"),
}
_OTHER = marked("Other")
_TRADES = (0, 1)
_ENTRIES = {0: marked("in"), 1: marked("out"), 2: marked("in and out"), 3: marked("out by")}


@dataclass(frozen=True, slots=True)
class Card:
    """An account as its card shows it; money is the server's, as it was at `synced_at`."""

    account: TradingAccount
    name: str
    server: str
    balance: Money
    equity: Money
    margin_free: Money
    floating: Money

    @property
    def margin_level(self) -> Decimal | None:
        """Equity in percent of the margin in use; None without open positions."""
        if not self.account.margin:
            return None
        return self.account.equity / self.account.margin * 100


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal as the history shows it; lots, price and money in the account's currency."""

    deal: Deal
    action: str
    entry: str
    trade: bool
    result: Money
    charges: Money


async def cards_of(
    session: TenantSession | ReadSession, ports: Ports, tenant: TenantRef, client_id: UUID
) -> list[Card]:
    """Return the cards of a client's accounts, those that failed to open left out."""
    owned = await queries.accounts_of(session, client_id)
    names = await _server_names(ports, tenant) if owned else {}
    return [await _card(session, row, names) for row in owned if row.state != "failed"]


@get("/accounts", permission=SELF)
async def account_list(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Show the accounts, and the offers for another one."""
    return await _list(
        request, form_state(), session=session, tenant=tenant, viewer=viewer, ports=ports
    )


@post("/accounts", permission=SELF, status_code=200)
async def open_another(
    request: Request[Any, Any, Any],
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
) -> Response[Any]:
    """Ask for another account; it opens on the server in a moment."""
    me = await people.me(session, viewer)
    values = form_values(await request.form())
    owned = await queries.accounts_of(session, me.client.id)
    try:
        if sum(1 for row in owned if row.state in ("open", "opening", "unknown")) >= _ACCOUNTS_MAX:
            raise InvalidInput(
                {"account_type": gettext("You have %d accounts already.") % _ACCOUNTS_MAX}
            )
        await accounts.request_opening(
            session,
            client_id=me.client.id,
            account_type_code=values.get("account_type", ""),
            nickname=values.get("nickname", ""),
        )
    except InvalidInput as error:
        form = form_state(values, error.fields)
    except (ClientRestricted, UnknownAccountType) as error:
        form = form_state(values, {"account_type": error.text})
    else:
        text = gettext("Your account is being opened. Its login and passwords come by mail.")
        return flash(request, see_other("/accounts"), text)
    return await _list(
        request, form, session=session, tenant=tenant, viewer=viewer, ports=ports, status=422
    )


@get("/accounts/{account_id:uuid}", permission=SELF)
async def account(
    request: Request[Any, Any, Any],
    *,
    session: Session,
    tenant: Tenant,
    viewer: Seen,
    ports: Outside,
    account_id: FromPath[UUID],
) -> Response[Any]:
    """Show one of the client's own accounts with its positions and deals, newest first."""
    me = await people.me(session, viewer)
    found = await queries.account(session, account_id)
    if found is None or found.client_id != me.client.id:
        raise NotFound
    deals: Sequence[Deal] = ()
    positions: Sequence[Any] = ()
    if found.login is not None:
        deals = await queries.deals_of(
            session,
            server_id=found.server_id,
            login=found.login,
            before=_cursor(request.query_params.get("before", "")),
            limit=_PAGE + 1,
        )
        positions = await queries.positions_of(
            session, server_id=found.server_id, login=found.login
        )
    rows = [_deal_row(deal, found.currency) for deal in deals[:_PAGE]]
    here = f"/accounts/{found.id}"
    further = f"{here}?before={_mark(deals[_PAGE - 1])}" if len(deals) > _PAGE else None
    first = here if "before" in request.query_params else None
    return await page(
        request,
        "trader/account.html",
        title=gettext("Account %s") % (found.login or found.reference),
        active="/accounts",
        card=await _card(session, found, await _server_names(ports, tenant)),
        deals=rows,
        positions=[{"row": row, "result": Money(row.profit, found.currency)} for row in positions],
        paging={"previous": first, "next": further} if first or further else None,
    )


async def _list(
    request: Request[Any, Any, Any],
    form: dict[str, Any],
    *,
    session: TenantSession,
    tenant: TenantRef,
    viewer: Seen,
    ports: Ports,
    status: int = 200,
) -> Response[Any]:
    me = await people.me(session, viewer)
    case = await compliance_queries.case_of_client(session, me.client.id)
    offers = await queries.account_types(session)
    return await page(
        request,
        "trader/accounts.html",
        title=gettext("Accounts"),
        active="/accounts",
        status=status,
        cards=await cards_of(session, ports, tenant, me.client.id),
        offers=[offer_option(offer) for offer in offers],
        may_open=case is not None and case.state == "approved" and bool(offers),
        form=form,
    )


def offer_option(offer: AccountType) -> dict[str, Any]:
    """Return an offer as a card to choose."""
    return {
        "value": offer.code,
        "label": theirs(offer.name),
        "icon": "bolt" if offer.code == "RAW" else "chart-candle",
        "line": ltr(offer.markup_note),
        "end": ltr(f"{offer.currency}, 1:{offer.leverage_max}"),
        "end_line": gettext("from %s")
        % ltr(money_text(Money(offer.minimum_deposit, offer.currency))),
    }


async def _server_names(ports: Ports, tenant: TenantRef) -> dict[UUID, str]:
    async with ports.database.control() as control:
        found = await tenant_queries.servers_of_tenant(control, tenant.id)
        return {server.id: server.name for _, server in found}


async def _card(
    session: TenantSession | ReadSession, row: TradingAccount, servers: dict[UUID, str]
) -> Card:
    offer = await queries.account_type_by_id(session, row.account_type_id)
    return Card(
        account=row,
        name=row.nickname or (offer.name if offer is not None else row.reference),
        server=servers.get(row.server_id, "MetaTrader 5"),
        balance=Money(row.balance, row.currency),
        equity=Money(row.equity, row.currency),
        margin_free=Money(row.margin_free, row.currency),
        floating=Money(row.floating, row.currency),
    )


def _deal_row(deal: Deal, currency: str) -> DealRow:
    return DealRow(
        deal=deal,
        action=gettext(_ACTIONS.get(deal.action, _OTHER)),
        entry=gettext(_ENTRIES[deal.entry])
        if deal.action in _TRADES and deal.entry in _ENTRIES
        else "",
        trade=deal.action in _TRADES,
        result=Money(deal.profit, currency),
        charges=Money(deal.commission + deal.fee + deal.storage, currency),
    )


def _mark(deal: Deal) -> str:
    return f"{(deal.time_utc - _EPOCH) // timedelta(microseconds=1)}-{deal.ticket}"


def _cursor(text: str) -> tuple[datetime, int] | None:
    """Read where a page continues; whatever is no cursor is the first page."""
    moment, _, ticket = text.partition("-")
    if not (moment.isdecimal() and ticket.isdecimal() and len(moment) < 18 and len(ticket) < 19):
        return None
    return _EPOCH + timedelta(microseconds=int(moment)), int(ticket)


ROUTES: list[HTTPRouteHandler] = [account_list, open_another, account]
