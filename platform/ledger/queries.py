"""Every select of the book: balances, statements, and the sums that verification compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, SelectBase, and_, func, or_, select

from kernel.database import ReadSession, TenantSession
from ledger.chart import natural_sign
from ledger.lines import Owner
from ledger.models import AccountBalance, AccountCode, Entry, Hold, LedgerAccount, Posting

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
) -> Period:
    """Return an account from one moment to before another, its lines in the order of time.

    Balances of lines run on from the opening one in that order, which may differ from the order
    they were written in.
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
    query = (
        select(Posting, Entry, func.sum(amount).over(order_by=order, rows=(None, 0)))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(of_account, *inside)
        .order_by(*order)
        .limit(limit)
    )
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


async def sums_by_currency(session: Session) -> list[tuple[str, Decimal, int]]:
    """Return each currency's sum over all lines, which must be zero, and the number of lines."""
    query = (
        select(Posting.currency, func.sum(Posting.amount), func.count())
        .group_by(Posting.currency)
        .order_by(Posting.currency)
    )
    return [(currency, total, count) for currency, total, count in await session.execute(query)]


async def count_unbalanced_entries(session: Session) -> int:
    """Count entries whose lines do not add up to zero in a currency, or that have none."""
    uneven = (
        select(Posting.entry_id)
        .group_by(Posting.entry_id, Posting.currency)
        .having(func.sum(Posting.amount) != 0)
    )
    empty = (
        select(Entry.id)
        .outerjoin(Posting, Posting.entry_id == Entry.id)
        .where(Posting.entry_id.is_(None))
    )
    return await _count(session, uneven.union(empty))


async def count_wrong_balances(session: Session) -> int:
    """Count accounts whose balance or version is not what their lines add up to."""
    lines = (
        select(
            Posting.account_id,
            func.sum(Posting.amount).label("amount"),
            func.count().label("version"),
        )
        .group_by(Posting.account_id)
        .subquery()
    )
    wrong = (
        select(func.coalesce(AccountBalance.account_id, lines.c.account_id))
        .select_from(AccountBalance)
        .join(lines, lines.c.account_id == AccountBalance.account_id, full=True)
        .where(
            or_(
                func.coalesce(lines.c.amount, 0).is_distinct_from(AccountBalance.amount),
                func.coalesce(lines.c.version, 0).is_distinct_from(AccountBalance.version),
            )
        )
    )
    return await _count(session, wrong)


async def count_broken_runs(session: Session) -> int:
    """Count lines whose balance after is not the one before plus the amount, or out of sequence."""
    account, order = Posting.account_id, Posting.account_version
    runs = select(
        Posting.entry_id,
        Posting.balance_after,
        func.sum(Posting.amount).over(partition_by=account, order_by=order).label("sum"),
        Posting.account_version,
        func.row_number().over(partition_by=account, order_by=order).label("step"),
    ).subquery()
    broken = select(runs.c.entry_id).where(
        or_(runs.c.balance_after != runs.c.sum, runs.c.account_version != runs.c.step)
    )
    return await _count(session, broken)


async def count_lines_of_other_currency(session: Session) -> int:
    """Count lines whose account is missing or kept in another currency."""
    strays = (
        select(Posting.entry_id)
        .outerjoin(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(LedgerAccount.currency.is_distinct_from(Posting.currency))
    )
    return await _count(session, strays)


async def count_negative_wallets(session: Session) -> int:
    """Count guarded accounts below zero on what is available, or that lost their guard."""
    negative = (
        select(AccountBalance.account_id)
        .join(LedgerAccount, LedgerAccount.id == AccountBalance.account_id)
        .join(AccountCode, AccountCode.code == LedgerAccount.code)
        .where(
            or_(
                AccountBalance.guarded != AccountCode.guarded,
                and_(
                    AccountCode.guarded,
                    ~AccountCode.forcible,
                    -AccountBalance.amount - AccountBalance.held < 0,
                ),
            )
        )
    )
    return await _count(session, negative)


async def count_wrong_holds(session: Session) -> int:
    """Count accounts whose held amount is not the sum of their pending holds."""
    pending = (
        select(Hold.account_id, func.sum(Hold.amount).label("held"))
        .where(Hold.state == "pending")
        .group_by(Hold.account_id)
        .subquery()
    )
    wrong = (
        select(AccountBalance.account_id)
        .outerjoin(pending, pending.c.account_id == AccountBalance.account_id)
        .where(func.coalesce(pending.c.held, 0) != AccountBalance.held)
    )
    return await _count(session, wrong)


async def count_misused_holds(session: Session) -> int:
    """Count posted holds whose entry took nothing from their account, or more than was held."""
    taken = (
        select(func.coalesce(func.sum(Posting.amount), 0))
        .where(Posting.entry_id == Hold.entry_id, Posting.account_id == Hold.account_id)
        .correlate(Hold)
        .scalar_subquery()
    )
    misused = select(Hold.id).where(Hold.state == "posted", or_(taken <= 0, taken > Hold.amount))
    return await _count(session, misused)


async def count_repeated_references(session: Session) -> int:
    """Count external references, keys and reversals that stand in the book more than once."""
    total = 0
    for column in (Entry.external_reference, Entry.key, Entry.reverses_id):
        repeated = (
            select(column).where(column.is_not(None)).group_by(column).having(func.count() > 1)
        )
        total += await _count(session, repeated)
    return total


async def count_entries(session: Session) -> tuple[int, int, int]:
    """Return how many entries, accounts and holds the book has."""
    return (
        await _count(session, select(Entry.id)),
        await _count(session, select(LedgerAccount.id)),
        await _count(session, select(Hold.id)),
    )


async def _count(session: Session, rows: SelectBase) -> int:
    query = select(func.count()).select_from(rows.subquery())
    return int((await session.execute(query)).scalar_one())
