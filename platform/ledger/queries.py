"""Every select of the book: balances, statements, holds, periods and clients' money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from kernel.database import ReadSession, TenantSession
from ledger.chart import (
    BANK,
    CLIENT_RECEIVABLE,
    CLIENT_WALLET,
    WITHDRAWALS_PENDING,
    natural_sign,
)
from ledger.client_money import Holding
from ledger.lines import Owner, Rate
from ledger.models import (
    AccountBalance,
    BalanceRepair,
    Entry,
    EntryRate,
    Hold,
    LedgerAccount,
    PeriodLock,
    Posting,
)

Session = TenantSession | ReadSession
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's amount in its natural sign, what is held of it and what is available."""

    amount: Decimal
    held: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class OwnedBalance:
    """A balance together with the account it is of."""

    code: str
    currency: str
    owner_id: str
    balance: Balance


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line of an account's statement, amounts in the account's natural sign."""

    version: int
    entry_id: UUID
    kind: str
    reference: str
    occurred_at: datetime
    amount: Decimal
    balance_after: Decimal


@dataclass(frozen=True, slots=True)
class Period:
    """An account over a period, amounts in its natural sign: sums of the book, and its lines.

    `count` is the number of lines of the whole period, also when `lines` holds only the first.
    """

    opening: Decimal
    closing: Decimal
    paid_in: Decimal
    paid_out: Decimal
    count: int
    lines: list[StatementLine]


def _of_account(code: str, currency: str, owner: Owner) -> Select[UUID]:
    return select(LedgerAccount.id).where(
        LedgerAccount.code == code,
        LedgerAccount.currency == currency,
        LedgerAccount.owner_kind == owner[0],
        LedgerAccount.owner_id == str(owner[1]),
    )


def _natural(code: str, amount: Decimal, held: Decimal) -> Balance:
    natural = natural_sign(code) * amount
    return Balance(natural, held, natural - held)


async def balance(session: Session, *, code: str, currency: str, owner: Owner) -> Balance:
    """Return an account's balance; zeros when nothing was ever posted to it."""
    statement = select(AccountBalance.amount, AccountBalance.held).where(
        AccountBalance.account_id == _of_account(code, currency, owner).scalar_subquery()
    )
    row = (await session.execute(statement)).one_or_none()
    return _natural(code, *row) if row is not None else Balance(_ZERO, _ZERO, _ZERO)


async def balances(
    session: Session, *, code: str, owners: Sequence[UUID | str] | None = None
) -> list[OwnedBalance]:
    """Return the balances of all accounts of a code, or of some owners, ordered by currency."""
    statement = (
        select(
            LedgerAccount.currency,
            LedgerAccount.owner_id,
            AccountBalance.amount,
            AccountBalance.held,
        )
        .join(AccountBalance, AccountBalance.account_id == LedgerAccount.id)
        .where(LedgerAccount.code == code)
        .order_by(LedgerAccount.currency, LedgerAccount.owner_id)
    )
    if owners is not None:
        statement = statement.where(LedgerAccount.owner_id.in_([str(owner) for owner in owners]))
    rows = (await session.execute(statement)).all()
    return [
        OwnedBalance(code, currency, owner_id, _natural(code, amount, held))
        for currency, owner_id, amount, held in rows
    ]


async def statement(
    session: Session,
    *,
    code: str,
    currency: str,
    owner: Owner,
    before: int | None = None,
    limit: int = 50,
) -> list[StatementLine]:
    """Return an account's lines, newest first; `before` is the last line's version on the page."""
    query = (
        select(Posting, Entry)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Posting.account_id == _of_account(code, currency, owner).scalar_subquery())
        .order_by(Posting.account_version.desc())
        .limit(min(limit, 500))
    )
    if before is not None:
        query = query.where(Posting.account_version < before)
    sign = natural_sign(code)
    return [
        StatementLine(
            posting.account_version,
            entry.id,
            entry.kind,
            entry.reference,
            entry.occurred_at,
            sign * posting.amount,
            sign * posting.balance_after,
        )
        for posting, entry in await session.execute(query)
    ]


async def period(
    session: Session,
    *,
    code: str,
    currency: str,
    owner: Owner,
    since: datetime,
    until: datetime,
    limit: int,
    after: tuple[datetime, int] | None = None,
) -> Period:
    """Return an account from one moment to before another, its lines in the order of time.

    Balances of lines run on from the opening one in that order, which may differ from the order
    they were written in. `after` is the last line of the page before, its moment and version: the
    sums stay those of the whole period, and lines go on behind it.
    """
    sign = natural_sign(code)
    of_account = Posting.account_id == _of_account(code, currency, owner).scalar_subquery()
    inside = (Entry.occurred_at >= since, Entry.occurred_at < until)
    amount = sign * Posting.amount
    sums = (
        select(
            func.coalesce(func.sum(amount).filter(Entry.occurred_at < since), _ZERO),
            func.coalesce(func.sum(amount), _ZERO),
            func.coalesce(func.sum(amount).filter(*inside, amount > 0), _ZERO),
            func.coalesce(func.sum(amount).filter(*inside, amount < 0), _ZERO),
            func.count().filter(*inside),
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .where(of_account, Entry.occurred_at < until)
    )
    opening, closing, paid_in, paid_out, count = (await session.execute(sums)).one()
    order = (Entry.occurred_at, Posting.account_version)
    runs = (
        select(
            Posting.entry_id,
            Posting.line,
            func.sum(amount).over(order_by=order, rows=(None, 0)).label("run"),
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .where(of_account, *inside)
        .subquery()
    )
    query = (
        select(Posting, Entry, runs.c.run)
        .join(runs, (runs.c.entry_id == Posting.entry_id) & (runs.c.line == Posting.line))
        .join(Entry, Entry.id == Posting.entry_id)
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*order) > after)
    lines = [
        StatementLine(
            posting.account_version,
            entry.id,
            entry.kind,
            entry.reference,
            entry.occurred_at,
            sign * posting.amount,
            opening + run,
        )
        for posting, entry, run in await session.execute(query)
    ]
    return Period(opening, closing, paid_in, paid_out, count, lines)


async def lines_of(session: Session, *, entry_id: UUID) -> list[tuple[str, str, str, Decimal]]:
    """Return an entry's lines in order: code, owner id, currency, signed amount."""
    query = (
        select(LedgerAccount.code, LedgerAccount.owner_id, Posting.currency, Posting.amount)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Posting.entry_id == entry_id)
        .order_by(Posting.line)
    )
    return [
        (code, owner, currency, amount)
        for code, owner, currency, amount in await session.execute(query)
    ]


async def hold(session: Session, *, hold_id: UUID) -> Hold | None:
    """Return a hold as it is now."""
    query = select(Hold).where(Hold.id == hold_id).execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def count_entries(session: Session) -> tuple[int, int, int]:
    """Return how many entries, accounts and holds the book has."""
    query = select(
        *(
            select(func.count()).select_from(table).scalar_subquery()
            for table in (Entry, LedgerAccount, Hold)
        )
    )
    entries, accounts, holds = (await session.execute(query)).one()
    return entries, accounts, holds


async def entry(session: Session, *, entry_id: UUID) -> Entry | None:
    """Return an entry."""
    return (await session.execute(select(Entry).where(Entry.id == entry_id))).scalar_one_or_none()


async def entry_of_key(session: Session, *, key: str) -> Entry | None:
    """Return the entry that a key has posted."""
    return (await session.execute(select(Entry).where(Entry.key == key))).scalar_one_or_none()


async def rate_of(session: Session, *, entry_id: UUID) -> Rate | None:
    """Return the rate that an entry converted at."""
    query = select(EntryRate).where(EntryRate.entry_id == entry_id)
    found = (await session.execute(query)).scalar_one_or_none()
    if found is None:
        return None
    return Rate(
        found.currency_from,
        found.currency_to,
        found.rate,
        found.rate_mid,
        found.source,
        found.quoted_at,
    )


async def closed_before(session: Session) -> datetime | None:
    """Return the moment before which the book is closed; None while all of it is open."""
    query = select(PeriodLock.closed_before).order_by(PeriodLock.number.desc()).limit(1)
    return (await session.execute(query)).scalar_one_or_none()


async def period_acts(session: Session, *, limit: int = 50) -> list[PeriodLock]:
    """Return how periods were closed and reopened, newest first."""
    query = select(PeriodLock).order_by(PeriodLock.number.desc()).limit(min(limit, 500))
    return list((await session.execute(query)).scalars())


async def repairs(session: Session, *, limit: int = 50) -> list[BalanceRepair]:
    """Return the balances that were made anew, newest first."""
    query = (
        select(BalanceRepair)
        .order_by(BalanceRepair.recorded_at.desc(), BalanceRepair.id.desc())
        .limit(min(limit, 500))
    )
    return list((await session.execute(query)).scalars())


async def client_money(session: Session, *, currency: str) -> list[Holding]:
    """Return what each client has in wallets and on its way out, and owes, by client.

    The equity of trading accounts is not the book's to know: see `client_money.with_equity`.
    """
    codes = (CLIENT_WALLET, CLIENT_RECEIVABLE, WITHDRAWALS_PENDING)

    def amount(code: str) -> ColumnElement[Decimal]:
        mine = func.sum(AccountBalance.amount).filter(AccountBalance.code == code)
        return func.coalesce(natural_sign(code) * mine, _ZERO)

    query = (
        select(
            AccountBalance.owner_id,
            amount(CLIENT_WALLET),
            amount(CLIENT_RECEIVABLE),
            amount(WITHDRAWALS_PENDING),
        )
        .where(AccountBalance.code.in_(codes), AccountBalance.currency == currency)
        .group_by(AccountBalance.owner_id)
        .order_by(AccountBalance.owner_id)
    )
    return [
        Holding(client_id, wallet=wallet, owed=owed, pending=pending)
        for client_id, wallet, owed, pending in await session.execute(query)
    ]


async def segregated(session: Session, *, currency: str) -> Decimal:
    """Return what stands in the bank accounts of clients' money, by the book."""
    query = select(func.coalesce(func.sum(AccountBalance.amount), _ZERO)).where(
        AccountBalance.code == BANK, AccountBalance.currency == currency
    )
    return (await session.execute(query)).scalar_one()
