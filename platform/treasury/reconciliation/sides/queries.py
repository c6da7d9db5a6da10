"""Every select of what the sides say: book, providers, banks, trading servers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from kernel.database import ReadSession, TenantSession
from ledger.chart import TRADING_ACCOUNT
from ledger.models import Entry, LedgerAccount, Posting
from trading.models import Deal, PlatformOperation, TradingAccount
from treasury.banks.models import BankLine, ProviderLine
from treasury.models import Deposit, WebhookEvent
from treasury.withdrawals.models import WithdrawalPart

Session = TenantSession | ReadSession
# A server's own action for money that is moved in or out by hand, as MT5 numbers it.
_BALANCE = 2
_TRADES = (0, 1)
# What is the brokerage's credit, and deals that were cancelled, are in no balance.
_NO_BALANCE = (3, 13, 14)
# Results of trades are many deals in one entry: accounts are compared as a whole for them.
_RESULTS = ("trading_result",)
_PAYMENT = "^(DEP|WDR)-"
_MOVEMENT = "^(DEP|WDR|TRF|ADJ)-"
_TRIAL = "TST-"
# The kind of the entries that payouts leave, at a provider or a bank.
PAYOUT = "withdrawal_paid"


@dataclass(frozen=True, slots=True)
class Said:
    """What one row of a side says about a payment, before it becomes a record."""

    reference: str
    kind: str
    amount: Decimal
    currency: str
    at: datetime
    place: str
    fee: Decimal | None = None
    reverses: bool = False


def _either(
    moment: InstrumentedAttribute[datetime],
    since: datetime,
    named: ColumnElement[Any] | InstrumentedAttribute[str],
    also: Collection[str],
) -> ColumnElement[bool]:
    """Return what is since a moment, or of a payment that is looked at anyway."""
    return or_(moment >= since, named == any_(literal(sorted(also), ARRAY(Text))))


async def book(
    session: Session, *, code: str, since: datetime, until: datetime, also: Collection[str]
) -> list[Said]:
    """Return the lines of the book on accounts of a code that belong to payments, debit positive.

    The place of a line on a trading account is the account's id. A payout that sends a deposit
    back to its source belongs to the deposit, as it does at the provider, and takes it back.
    """
    form = _MOVEMENT if code == TRADING_ACCOUNT else _PAYMENT
    named = func.coalesce(Deposit.reference, Entry.reference)
    query = (
        select(
            named,
            Entry.kind,
            Posting.amount,
            Posting.currency,
            Entry.occurred_at,
            LedgerAccount.owner_id,
            or_(Entry.reverses_id.is_not(None), Deposit.id.is_not(None)),
        )
        .join(Posting, Posting.entry_id == Entry.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .outerjoin(
            WithdrawalPart,
            (func.concat("payout:", WithdrawalPart.id.cast(Text)) == Entry.key)
            & (WithdrawalPart.way == "refund"),
        )
        .outerjoin(Deposit, Deposit.id == WithdrawalPart.deposit_id)
        .where(
            LedgerAccount.code == code,
            Entry.kind.not_in(_RESULTS),
            Entry.occurred_at < until,
            Entry.reference.regexp_match(form),
            _either(Entry.occurred_at, since, named, also),
        )
        .order_by(Entry.occurred_at, Entry.id, Posting.line)
    )
    return [Said(*row[:6], reverses=row[6]) for row in await session.execute(query)]


async def words(session: Session, *, since: datetime, also: Collection[str]) -> list[Said]:
    """Return what providers have told about payments by signed events, each thing once."""
    named = func.coalesce(func.nullif(WebhookEvent.reference, ""), Deposit.reference, "")
    query = (
        select(
            named,
            func.coalesce(func.nullif(WebhookEvent.claims, ""), WebhookEvent.state),
            WebhookEvent.amount,
            WebhookEvent.currency,
            WebhookEvent.received_at,
            WebhookEvent.provider_reference,
            WebhookEvent.fee,
            WebhookEvent.connection_id,
        )
        .outerjoin(
            Deposit,
            (Deposit.connection_id == WebhookEvent.connection_id)
            & (Deposit.provider_reference == WebhookEvent.provider_reference),
        )
        .where(
            WebhookEvent.amount.is_not(None),
            WebhookEvent.reference.not_like(f"{_TRIAL}%"),
            _either(WebhookEvent.received_at, since, named, also),
        )
        .order_by(WebhookEvent.received_at, WebhookEvent.id)
    )
    once: dict[tuple[object, ...], Said] = {}
    for name, kind, amount, currency, at, payment, fee, of in await session.execute(query):
        key = (of, payment, kind)
        known = once.get(key)
        if known is None:
            once[key] = Said(name, kind, amount, currency or "", at, payment, fee)
        elif known.fee is None and fee is not None:
            once[key] = Said(name, kind, known.amount, known.currency, known.at, payment, fee)
    return list(once.values())


async def provider_lists(
    session: Session, *, since: datetime, also: Collection[str]
) -> list[tuple[Said, str]]:
    """Return what providers' own lists say about payments, with its standing."""
    query = (
        select(ProviderLine)
        .where(_either(ProviderLine.at, since, ProviderLine.payment, also))
        .order_by(ProviderLine.at, ProviderLine.id)
    )
    return [
        (
            Said(one.payment, "", one.amount, one.currency, one.at, one.place, one.fee),
            one.standing,
        )
        for one in await session.scalars(query)
    ]


async def wires(session: Session, *, since: date, also: Collection[str]) -> list[Said]:
    """Return the banks' lines that are money for deposits."""
    query = (
        select(BankLine, Deposit.reference)
        .join(Deposit, Deposit.id == BankLine.deposit_id)
        .where(
            BankLine.state.in_(("matched", "released")),
            or_(
                BankLine.booked_on >= since,
                Deposit.reference == any_(literal(sorted(also), ARRAY(Text))),
            ),
        )
        .order_by(BankLine.booked_on, BankLine.id)
    )
    return [
        Said(reference, "", one.amount, one.currency, one.imported_at, one.reference)
        for one, reference in await session.execute(query)
    ]


async def paid_out(session: Session, *, since: date, also: Collection[str]) -> list[Said]:
    """Return the banks' lines that are payouts which the book has at the bank itself."""
    query = (
        select(BankLine, Entry.reference)
        .join(Entry, Entry.id == BankLine.entry_id)
        .where(
            BankLine.state == "known",
            Entry.kind == PAYOUT,
            or_(
                BankLine.booked_on >= since,
                Entry.reference == any_(literal(sorted(also), ARRAY(Text))),
            ),
        )
        .order_by(BankLine.booked_on, BankLine.id)
    )
    return [
        Said(reference, "", one.amount, one.currency, one.imported_at, one.reference)
        for one, reference in await session.execute(query)
    ]


async def in_suspense(session: Session, *, until: datetime) -> list[Said]:
    """Return the banks' lines that nobody is credited for yet."""
    query = (
        select(BankLine)
        .where(BankLine.state.in_(("suspense", "returning")), BankLine.imported_at < until)
        .order_by(BankLine.id)
    )
    return [
        Said("", "", one.amount, one.currency, one.imported_at, one.reference)
        for one in await session.scalars(query)
    ]


async def operations(
    session: Session, *, since: datetime, until: datetime, also: Collection[str]
) -> list[Said]:
    """Return the balance operations of the mirror, by the token that stands in their comment.

    One without a token of ours names no payment; the place is the account's id and the ticket.
    """
    token = func.split_part(Deal.comment, " ", 1)
    named = func.coalesce(PlatformOperation.reference, "")
    query = (
        select(
            named,
            Deal.profit,
            TradingAccount.currency,
            Deal.time_utc,
            TradingAccount.id,
            TradingAccount.login,
            Deal.ticket,
        )
        .join(
            TradingAccount,
            (TradingAccount.server_id == Deal.server_id) & (TradingAccount.login == Deal.login),
        )
        .outerjoin(
            PlatformOperation,
            (PlatformOperation.token == token) & (PlatformOperation.server_id == Deal.server_id),
        )
        .where(
            Deal.action == _BALANCE,
            Deal.time_utc < until,
            _either(Deal.time_utc, since, named, also),
        )
        .order_by(Deal.time_utc, Deal.ticket)
    )
    return [
        Said(name, str(login), amount, currency, at, f"{account_id} {ticket}")
        for name, amount, currency, at, account_id, login, ticket in await session.execute(query)
    ]


async def equity(
    session: Session, *, until: datetime
) -> list[tuple[UUID, int, str, Decimal, Decimal, datetime | None]]:
    """Return each account's balance by the book and by all deals of its server.

    Account, login, currency, book, server, and when either of them last moved. Accounts of demo
    groups hold nobody's money.
    """
    ours = (
        select(
            LedgerAccount.owner_id.label("owner"),
            LedgerAccount.currency.label("currency"),
            (-func.sum(Posting.amount)).label("amount"),
            func.max(Entry.occurred_at).label("last"),
        )
        .join(Posting, Posting.account_id == LedgerAccount.id)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(LedgerAccount.code == TRADING_ACCOUNT, Entry.occurred_at < until)
        .group_by(LedgerAccount.owner_id, LedgerAccount.currency)
        .subquery()
    )
    theirs = (
        select(
            Deal.server_id,
            Deal.login,
            func.sum(
                Deal.profit
                + case(
                    (Deal.action.in_(_TRADES), Deal.storage + Deal.commission + Deal.fee), else_=0
                )
            ).label("amount"),
            func.max(Deal.time_utc).label("last"),
        )
        .where(Deal.action.not_in(_NO_BALANCE), Deal.time_utc < until)
        .group_by(Deal.server_id, Deal.login)
        .subquery()
    )
    zero = Decimal(0)
    query = (
        select(
            TradingAccount.id,
            TradingAccount.login,
            TradingAccount.currency,
            func.coalesce(ours.c.amount, zero),
            func.coalesce(theirs.c.amount, zero),
            func.greatest(ours.c.last, theirs.c.last),
        )
        .outerjoin(
            ours,
            (ours.c.owner == TradingAccount.id.cast(Text))
            & (ours.c.currency == TradingAccount.currency),
        )
        .outerjoin(
            theirs,
            (theirs.c.server_id == TradingAccount.server_id)
            & (theirs.c.login == TradingAccount.login),
        )
        .where(
            TradingAccount.login.is_not(None),
            func.lower(TradingAccount.group_name).not_like("demo%"),
        )
        .order_by(TradingAccount.login)
    )
    return [
        (account_id, login, currency, book_, server, last)
        for account_id, login, currency, book_, server, last in await session.execute(query)
        if login is not None
    ]
