"""Every select of the book's screens: accounts with their owners, and the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Uuid, case, cast, func, or_, select

from clients.models import Client
from introducers.models import Partner
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.money import Money
from kernel.slices import Source
from kernel.web.cursors import Window
from kernel.web.table import State
from ledger.chart import ACCOUNTS
from ledger.models import AccountBalance, Entry, Posting
from ledger.statements.queries import natural
from trading.models import TradingAccount
from treasury.models import PspConnection

Session = TenantSession | ReadSession
NAMES = {account.code: account.name for account in ACCOUNTS}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account with what stands on it in its natural sign, and whose it is in words."""

    id: UUID
    code: str
    currency: str
    owner_kind: str
    owner_id: str
    owner: str
    amount: Decimal
    held: Decimal

    @property
    def name(self) -> str:
        """What the code is called."""
        return NAMES.get(self.code, self.code)

    @property
    def available(self) -> Decimal:
        """What is not held."""
        return self.amount - self.held

    @property
    def owner_path(self) -> str:
        """Where the owner's own page is; empty for those that have none."""
        places = {"client": "/crm/clients/", "partner": "/backoffice/partners/"}
        place = places.get(self.owner_kind, "")
        return f"{place}{self.owner_id}" if place else ""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry of the journal; `turnover` is what it moves in each currency."""

    id: UUID
    kind: str
    reference: str
    external_reference: str | None
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    reverses_id: UUID | None
    turnover: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line of an entry, signed (debit positive), with its account's owner in words."""

    line: int
    account_id: UUID
    code: str
    owner: str
    currency: str
    amount: Decimal
    balance_after: Decimal


def _id_of(kind: str) -> ColumnElement[UUID]:
    """Return the owner's id as one, for owners of a kind; other owners' ids are no UUIDs."""
    of_kind = AccountBalance.owner_kind == kind
    return case((of_kind, cast(AccountBalance.owner_id, Uuid)), else_=None)


def _owned() -> tuple[Any, ColumnElement[str]]:
    """Return the joins that know the owners of balances, and the owner's name of each."""
    tables = (
        AccountBalance.__table__.outerjoin(Client, Client.id == _id_of("client"))
        .outerjoin(TradingAccount, TradingAccount.id == _id_of("account"))
        .outerjoin(Partner, Partner.id == _id_of("partner"))
        .outerjoin(PspConnection, PspConnection.id == _id_of("psp"))
    )
    name = func.coalesce(
        Client.first_name + " " + Client.last_name,
        "Account " + cast(TradingAccount.login, String),
        Partner.name,
        PspConnection.name,
        case((AccountBalance.owner_kind == "house", "The brokerage"), else_=None),
        func.initcap(AccountBalance.owner_kind) + " " + AccountBalance.owner_id,
    )
    return tables, name


_TABLES, _OWNER = _owned()
_NATURAL = natural(AccountBalance.code) * AccountBalance.amount
_ACCOUNT_SOURCE = Source(
    {
        "account": AccountBalance.code,
        "currency": AccountBalance.currency,
        "owner": _OWNER,
        "kind": AccountBalance.owner_kind,
        "balance": _NATURAL,
        "held": AccountBalance.held,
    },
    key=AccountBalance.account_id,
    search=lambda word: [
        func.lower(_OWNER).contains(word, autoescape=True),
        func.lower(Client.reference) == word,
        func.lower(Partner.reference) == word,
        AccountBalance.owner_id == word,
        AccountBalance.code.contains(word, autoescape=True),
    ],
    special={
        "open": lambda _: or_(AccountBalance.amount != 0, AccountBalance.held != 0),
    },
)


def _accounts() -> Select[*tuple[Any, ...]]:
    return select(
        AccountBalance.account_id,
        AccountBalance.code,
        AccountBalance.currency,
        AccountBalance.owner_kind,
        AccountBalance.owner_id,
        _OWNER,
        _NATURAL,
        AccountBalance.held,
    ).select_from(_TABLES)


async def account_page(session: Session, state: State) -> Window[AccountRow]:
    """Return a page of the list of accounts."""
    return await slices.page(session, _accounts(), state, _ACCOUNT_SOURCE, make=AccountRow)


async def account_rows(session: Session, state: State, *, limit: int) -> list[AccountRow]:
    """Return the start of the whole list of accounts, for a file."""
    return await slices.rows(
        session, _accounts(), state, _ACCOUNT_SOURCE, make=AccountRow, limit=limit
    )


async def account_facets(session: Session, state: State) -> slices.Facets:
    """Count accounts by code and currency."""
    counted = select(func.count()).select_from(_TABLES)
    return await slices.facets(session, counted, state, _ACCOUNT_SOURCE, ("account", "currency"))


async def account(session: Session, account_id: UUID) -> AccountRow | None:
    """Return one account, or None."""
    query = _accounts().where(AccountBalance.account_id == account_id)
    row = (await session.execute(query)).one_or_none()
    return AccountRow(*row) if row is not None else None


_ENTRY_SOURCE = Source(
    {
        "occurred": Entry.occurred_at,
        "kind": Entry.kind,
        "reference": Entry.reference,
        "external": Entry.external_reference,
        "recorded": Entry.recorded_at,
        "actor": Entry.actor,
    },
    key=Entry.id,
    search=lambda word: [
        func.lower(Entry.reference).contains(word, autoescape=True),
        func.lower(Entry.external_reference) == word,
        cast(Entry.id, String) == word,
        Entry.kind == word,
    ],
    special={"reversal": lambda _: Entry.reverses_id.is_not(None)},
)


def _entries() -> Select[*tuple[Any, ...]]:
    return select(
        Entry.id,
        Entry.kind,
        Entry.reference,
        Entry.external_reference,
        Entry.occurred_at,
        Entry.recorded_at,
        Entry.actor,
        Entry.reverses_id,
    )


async def entry_page(session: Session, state: State) -> Window[EntryRow]:
    """Return a page of the journal."""
    found = await slices.page(session, _entries(), state, _ENTRY_SOURCE, make=EntryRow)
    rows = await _with_turnover(session, found.rows)
    return Window(rows, found.first, found.next, found.previous)


async def entry_rows(session: Session, state: State, *, limit: int) -> list[EntryRow]:
    """Return the start of the whole journal, for a file."""
    rows = await slices.rows(session, _entries(), state, _ENTRY_SOURCE, make=EntryRow, limit=limit)
    return await _with_turnover(session, rows)


async def entry_count(session: Session, state: State) -> int:
    """Return how many entries the journal has."""
    return await slices.count(session, select(Entry.id), state, _ENTRY_SOURCE)


async def _with_turnover(session: Session, rows: Sequence[EntryRow]) -> list[EntryRow]:
    ids = [row.id for row in rows]
    query = (
        select(Posting.entry_id, Posting.currency, func.sum(Posting.amount))
        .where(Posting.entry_id.in_(ids), Posting.amount > 0)
        .group_by(Posting.entry_id, Posting.currency)
        .order_by(Posting.currency)
    )
    moved: dict[UUID, list[Money]] = {}
    for entry_id, currency, amount in await session.execute(query):
        moved.setdefault(entry_id, []).append(Money(amount, currency))
    return [replace(row, turnover=tuple(moved.get(row.id, ()))) for row in rows]


async def entry_lines(session: Session, entry_id: UUID) -> list[EntryLine]:
    """Return the lines of an entry in their order."""
    query = (
        select(
            Posting.line,
            Posting.account_id,
            AccountBalance.code,
            _OWNER,
            Posting.currency,
            Posting.amount,
            Posting.balance_after,
        )
        .select_from(_TABLES.join(Posting, Posting.account_id == AccountBalance.account_id))
        .where(Posting.entry_id == entry_id)
        .order_by(Posting.line)
    )
    return [EntryLine(*row) for row in await session.execute(query)]


async def reversal_of(session: Session, entry_id: UUID) -> UUID | None:
    """Return the entry that reverses an entry, if there is one."""
    return await session.scalar(select(Entry.id).where(Entry.reverses_id == entry_id))
