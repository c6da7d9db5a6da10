"""Every select of bank accounts, statements and lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, tuple_

from clients.models import Client
from kernel.database import ReadSession, TenantSession
from kernel.money import Money
from ledger.models import Entry, LedgerAccount, Posting
from treasury.banks.models import (
    BankAccount,
    BankLine,
    BankLineStep,
    BankSender,
    BankStatement,
    ProviderLine,
    StatementFile,
)
from treasury.banks.rules import Candidate
from treasury.models import Deposit, PspConnection

Session = TenantSession | ReadSession
# Deposits of these connections are paid into a bank of ours.
WIRE = "bank_wire"
WAITING = ("created", "pending", "held")


@dataclass(frozen=True, slots=True)
class LineFilter:
    """What a list of lines is narrowed to; empty fields narrow nothing."""

    search: str = ""
    states: Sequence[str] = ()
    account_id: UUID | None = None
    currency: str = ""
    since: date | None = None
    until: date | None = None
    smallest: Decimal | None = None
    largest: Decimal | None = None
    third_party: bool = False


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line as lists show it, with its account and the deposit it is for."""

    line: BankLine
    account: str
    deposit: str

    @property
    def id(self) -> UUID:
        """The line's id."""
        return self.line.id

    @property
    def amount(self) -> Money:
        """The line's amount, money in positive."""
        return Money(self.line.amount, self.line.currency)


async def accounts(session: Session) -> Sequence[BankAccount]:
    """Return the bank accounts, clients' money first."""
    order = (BankAccount.kind.desc(), BankAccount.currency, BankAccount.name)
    return (await session.scalars(select(BankAccount).order_by(*order))).all()


async def account(session: Session, account_id: UUID) -> BankAccount | None:
    """Return a bank account."""
    return await session.get(BankAccount, account_id)


async def senders(session: Session) -> Sequence[tuple[BankSender, str]]:
    """Return the words that settlements are known by, with their connections' names."""
    query = (
        select(BankSender, PspConnection.name)
        .join(PspConnection, PspConnection.id == BankSender.connection_id)
        .order_by(PspConnection.name, BankSender.words)
    )
    return [(sender, name) for sender, name in await session.execute(query)]


async def connections(session: Session) -> Sequence[tuple[UUID, str]]:
    """Return the connections to providers, by name."""
    query = select(PspConnection.id, PspConnection.name).order_by(PspConnection.name)
    return [(found, name) for found, name in await session.execute(query)]


async def file_of(session: Session, digest: bytes) -> StatementFile | None:
    """Return the import of these very bytes."""
    return await session.scalar(select(StatementFile).where(StatementFile.digest == digest))


async def known_lines(
    session: Session, keys: Collection[tuple[UUID, bytes]]
) -> set[tuple[UUID, bytes]]:
    """Return those of some lines' keys that are there already."""
    query = select(BankLine.bank_account_id, BankLine.line_key).where(
        tuple_(BankLine.bank_account_id, BankLine.line_key).in_(keys)
    )
    return {(found, key) for found, key in await session.execute(query)}


async def candidates(session: Session, *, currency: str) -> list[Candidate]:
    """Return the deposits in a currency that wait for a bank transfer, with their clients."""
    name = func.concat_ws(" ", Client.first_name, Client.last_name)
    query = (
        select(
            Deposit.id,
            Deposit.reference,
            func.coalesce(Deposit.payable, Deposit.amount),
            Deposit.currency,
            name,
        )
        .join(PspConnection, PspConnection.id == Deposit.connection_id)
        .outerjoin(Client, Client.id == Deposit.client_id)
        .where(
            PspConnection.provider == WIRE,
            Deposit.state.in_(WAITING),
            Deposit.currency == currency,
        )
        .order_by(Deposit.id)
    )
    return [
        Candidate(found, reference, Money(amount, of), person or "")
        for found, reference, amount, of, person in await session.execute(query)
    ]


async def entries_of_reference(
    session: Session, *, reference: str, amount: Decimal
) -> list[tuple[UUID, str, str, str]]:
    """Return the entries of a reference that moved an amount, debit positive, oldest first.

    Each with its kind and the account that it moved, code and owner; those that a statement's line
    has shown before are left out.
    """
    # Both ends of a transfer between our banks are shown, each on its own account.
    shown = exists().where(BankLine.entry_id == Entry.id, BankLine.amount == amount)
    query = (
        select(Entry.id, Entry.kind, LedgerAccount.code, LedgerAccount.owner_id)
        .join(Posting, Posting.entry_id == Entry.id)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Entry.reference == reference, Posting.amount == amount, ~shown)
        .order_by(Entry.id)
    )
    return [
        (entry_id, kind, code, owner)
        for entry_id, kind, code, owner in await session.execute(query)
    ]


async def line(session: Session, line_id: UUID) -> BankLine | None:
    """Return a line."""
    return await session.get(BankLine, line_id)


async def locked_line(session: TenantSession, line_id: UUID) -> BankLine | None:
    """Return a line as it is now, locked until the transaction ends."""
    return await session.get(BankLine, line_id, with_for_update=True, populate_existing=True)


async def returning_line(session: TenantSession, *, reference: str) -> BankLine | None:
    """Return the line that is sent back under a reference, locked."""
    query = (
        select(BankLine)
        .where(BankLine.return_reference == reference, BankLine.state == "returning")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def steps(session: Session, line_id: UUID) -> Sequence[BankLineStep]:
    """Return a line's steps in order."""
    query = select(BankLineStep).where(BankLineStep.line_id == line_id)
    return (await session.scalars(query.order_by(BankLineStep.at, BankLineStep.id))).all()


async def statements(
    session: Session, *, account_id: UUID | None = None, limit: int = 50
) -> Sequence[tuple[BankStatement, StatementFile, str, int]]:
    """Return statements, newest first, with their file, account and number of lines."""
    count = (
        select(func.count())
        .where(BankLine.statement_id == BankStatement.id)
        .correlate(BankStatement)
        .scalar_subquery()
    )
    query = (
        select(BankStatement, StatementFile, BankAccount.name, count)
        .join(StatementFile, StatementFile.id == BankStatement.file_id)
        .join(BankAccount, BankAccount.id == BankStatement.bank_account_id)
        .order_by(BankStatement.id.desc())
        .limit(min(limit, 200))
    )
    if account_id is not None:
        query = query.where(BankStatement.bank_account_id == account_id)
    return [(one, file, name, lines) for one, file, name, lines in await session.execute(query)]


async def suspense(session: Session) -> list[tuple[str, int, Decimal]]:
    """Return how many lines wait in suspense and how much they are, by currency."""
    query = (
        select(BankLine.currency, func.count(), func.sum(BankLine.amount))
        .where(BankLine.state.in_(("suspense", "returning")))
        .group_by(BankLine.currency)
        .order_by(BankLine.currency)
    )
    return [(currency, count, amount) for currency, count, amount in await session.execute(query)]


async def last_closing(session: Session) -> dict[UUID, tuple[date | None, Decimal | None]]:
    """Return each account's newest closing balance by its statements."""
    newest = (
        select(
            BankStatement.bank_account_id,
            func.max(func.row(BankStatement.closed_on, BankStatement.id)).label("last"),
        )
        .where(BankStatement.closing.is_not(None), BankStatement.closed_on.is_not(None))
        .group_by(BankStatement.bank_account_id)
        .subquery()
    )
    query = select(
        BankStatement.bank_account_id, BankStatement.closed_on, BankStatement.closing
    ).join(
        newest,
        (newest.c.bank_account_id == BankStatement.bank_account_id)
        & (newest.c.last == func.row(BankStatement.closed_on, BankStatement.id)),
    )
    return {account_id: (day, closing) for account_id, day, closing in await session.execute(query)}


LINE_ORDERS: dict[str, Any] = {
    "imported": BankLine.imported_at,
    "reference": BankLine.reference,
    "account": BankAccount.name,
    "party": BankLine.party_name,
    "state": BankLine.state,
    "amount": BankLine.amount,
}


async def line_slice(
    session: Session,
    *,
    narrowed: LineFilter,
    order: str,
    descending: bool,
    after: tuple[object, UUID] | None = None,
    limit: int,
) -> list[LineRow]:
    """Return lines in one of `LINE_ORDERS`, from a key on, at most `limit`."""
    keys = (LINE_ORDERS[order], BankLine.id)
    query = _narrowed(_rows(), narrowed)
    if after is not None:
        place, wanted = tuple_(*keys), tuple_(*after)
        query = query.where(place < wanted if descending else place > wanted)
    query = query.order_by(*(one.desc() if descending else one.asc() for one in keys))
    return [LineRow(*row) for row in await session.execute(query.limit(limit))]


async def line_row(session: Session, line_id: UUID) -> LineRow | None:
    """Return one line as lists show it."""
    row = (await session.execute(_rows().where(BankLine.id == line_id))).one_or_none()
    return LineRow(*row) if row is not None else None


async def line_groups(
    session: Session, *, narrowed: LineFilter
) -> list[tuple[str, str, int, Decimal]]:
    """Return how many lines of each state and currency a filter leaves, and their sum."""
    sums = select(BankLine.state, BankLine.currency, func.count(), func.sum(BankLine.amount))
    query = _narrowed(
        sums.join(BankAccount, BankAccount.id == BankLine.bank_account_id), narrowed
    ).group_by(BankLine.state, BankLine.currency)
    query = query.order_by(BankLine.state, BankLine.currency)
    return [
        (state, currency, count, amount)
        for state, currency, count, amount in await session.execute(query)
    ]


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(BankLine, BankAccount.name, func.coalesce(Deposit.reference, ""))
        .join(BankAccount, BankAccount.id == BankLine.bank_account_id)
        .outerjoin(Deposit, Deposit.id == BankLine.deposit_id)
    )


def _narrowed(query: Select[*tuple[Any, ...]], narrowed: LineFilter) -> Select[*tuple[Any, ...]]:
    if narrowed.states:
        query = query.where(BankLine.state.in_(narrowed.states))
    conditions: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
        (narrowed.account_id, lambda value: BankLine.bank_account_id == value),
        (narrowed.currency or None, lambda value: BankLine.currency == value),
        (narrowed.since, lambda value: BankLine.booked_on >= value),
        (narrowed.until, lambda value: BankLine.booked_on <= value),
        (narrowed.smallest, lambda value: BankLine.amount >= value),
        (narrowed.largest, lambda value: BankLine.amount <= value),
        (narrowed.third_party or None, BankLine.third_party.is_),
    ]
    for value, condition in conditions:
        if value is not None:
            query = query.where(condition(value))
    if words := narrowed.search.strip():
        texts = (BankLine.purpose, BankLine.party_name, BankLine.end_to_end)
        query = query.where(
            or_(
                BankLine.reference == words.upper(),
                BankLine.bank_reference == words,
                *(one.icontains(words, autoescape=True) for one in texts),
            )
        )
    return query


async def deposit_lines(session: Session, *, since: datetime) -> Sequence[BankLine]:
    """Return the lines since a moment that are money for a deposit."""
    query = select(BankLine).where(
        BankLine.deposit_id.is_not(None),
        BankLine.state.in_(("matched", "released")),
        BankLine.booked_on >= since.date(),
    )
    return (await session.scalars(query.order_by(BankLine.id))).all()


async def provider_lines(session: Session, *, since: datetime) -> Sequence[ProviderLine]:
    """Return what providers' own lists say since a moment."""
    query = select(ProviderLine).where(ProviderLine.at >= since)
    return (await session.scalars(query.order_by(ProviderLine.at, ProviderLine.id))).all()


async def known_provider_lines(
    session: Session, *, connection_id: UUID, keys: Collection[bytes]
) -> set[bytes]:
    """Return those of some lines' keys that a connection's lists have brought already."""
    query = select(ProviderLine.line_key).where(
        ProviderLine.connection_id == connection_id, ProviderLine.line_key.in_(keys)
    )
    return set(await session.scalars(query))
