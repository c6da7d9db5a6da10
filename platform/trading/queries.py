"""Every select of the mirror: for the verbs of this room, and read models for the pillars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, String, and_, cast, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from clients.models import Client
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State
from trading.models import (
    AccountType,
    Deal,
    DealRejection,
    DealVersion,
    OpenPosition,
    OperationStep,
    PlatformGroup,
    PlatformOperation,
    PlatformSymbol,
    SyncWatermark,
    TradingAccount,
)

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class Health:
    """How one server's mirror does: lag in seconds, last deal, and what needs a person."""

    server_id: UUID
    lag_seconds: Decimal
    checked_at: datetime
    scanned_at: datetime
    last_deal_at: datetime | None
    deals_total: int
    deals_rejected: int
    operations_waiting: int
    operations_unknown: int
    operations_frozen: int
    error: str


async def account(session: Session, account_id: UUID) -> TradingAccount | None:
    """Return one account."""
    return await session.get(TradingAccount, account_id)


async def accounts_of(session: Session, client_id: UUID) -> Sequence[TradingAccount]:
    """Return a client's accounts, oldest first."""
    statement = (
        select(TradingAccount)
        .where(TradingAccount.client_id == client_id)
        .order_by(TradingAccount.created_at, TradingAccount.id)
    )
    return (await session.scalars(statement)).all()


async def account_type(session: Session, code: str) -> AccountType | None:
    """Return the active version of an offer."""
    statement = select(AccountType).where(AccountType.code == code, AccountType.active)
    return await session.scalar(statement)


async def account_types(session: Session) -> Sequence[AccountType]:
    """Return the active offers, cheapest first."""
    statement = (
        select(AccountType)
        .where(AccountType.active)
        .order_by(AccountType.minimum_deposit, AccountType.code)
    )
    return (await session.scalars(statement)).all()


async def account_type_by_id(session: Session, account_type_id: UUID) -> AccountType | None:
    """Return an offer of any version."""
    return await session.get(AccountType, account_type_id)


async def group(session: Session, *, server_id: UUID, name: str) -> PlatformGroup | None:
    """Return a group of the mirror."""
    return await session.get(PlatformGroup, (server_id, name))


async def groups(session: Session, server_id: UUID) -> Sequence[PlatformGroup]:
    """Return a server's groups in the mirror."""
    statement = (
        select(PlatformGroup)
        .where(PlatformGroup.server_id == server_id)
        .order_by(PlatformGroup.name)
    )
    return (await session.scalars(statement)).all()


async def symbols(session: Session, server_id: UUID) -> Sequence[PlatformSymbol]:
    """Return a server's instruments in the mirror."""
    statement = (
        select(PlatformSymbol)
        .where(PlatformSymbol.server_id == server_id)
        .order_by(PlatformSymbol.path, PlatformSymbol.name)
    )
    return (await session.scalars(statement)).all()


async def positions_of(session: Session, *, server_id: UUID, login: int) -> Sequence[OpenPosition]:
    """Return an account's open positions, oldest first."""
    statement = (
        select(OpenPosition)
        .where(OpenPosition.server_id == server_id, OpenPosition.login == login)
        .order_by(OpenPosition.opened_at, OpenPosition.ticket)
    )
    return (await session.scalars(statement)).all()


async def deals_of(
    session: Session,
    *,
    server_id: UUID,
    login: int,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> Sequence[Deal]:
    """Return an account's deals, newest first; `before` is the last (time_utc, ticket) seen."""
    statement = (
        select(Deal)
        .where(Deal.server_id == server_id, Deal.login == login)
        .order_by(Deal.time_utc.desc(), Deal.ticket.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(
            Deal.time_utc <= before[0], tuple_(Deal.time_utc, Deal.ticket) < before
        )
    return (await session.scalars(statement)).all()


async def deal(session: Session, *, server_id: UUID, ticket: int) -> Deal | None:
    """Return the deal of a ticket as it is now."""
    statement = select(Deal).where(Deal.server_id == server_id, Deal.ticket == ticket)
    return await session.scalar(statement)


async def deal_versions(session: Session, *, server_id: UUID, ticket: int) -> Sequence[DealVersion]:
    """Return what a deal was before, oldest first."""
    statement = (
        select(DealVersion)
        .where(DealVersion.server_id == server_id, DealVersion.ticket == ticket)
        .order_by(DealVersion.version)
    )
    return (await session.scalars(statement)).all()


async def operation(session: Session, operation_id: UUID) -> PlatformOperation | None:
    """Return one operation."""
    return await session.get(PlatformOperation, operation_id)


async def operations(
    session: Session,
    *,
    states: Sequence[str] = (),
    account_id: UUID | None = None,
    limit: int = 50,
) -> Sequence[PlatformOperation]:
    """Return operations, newest first, of the states and the account asked for."""
    statement = select(PlatformOperation).order_by(PlatformOperation.id.desc()).limit(limit)
    if states:
        statement = statement.where(PlatformOperation.state.in_(states))
    if account_id is not None:
        statement = statement.where(PlatformOperation.account_id == account_id)
    return (await session.scalars(statement)).all()


async def operation_steps(session: Session, operation_id: UUID) -> Sequence[OperationStep]:
    """Return an operation's timeline, oldest first."""
    statement = (
        select(OperationStep)
        .where(OperationStep.operation_id == operation_id)
        .order_by(OperationStep.at, OperationStep.id)
    )
    return (await session.scalars(statement)).all()


async def unmatched_deals(
    session: Session, *, server_id: UUID, since: datetime, limit: int = 100
) -> Sequence[Deal]:
    """Return balance and credit deals that no operation of ours stands behind, newest first.

    A dealer's own booking is one; one that carries a token of ours is an alarm.
    """
    ours = exists().where(
        PlatformOperation.server_id == Deal.server_id,
        PlatformOperation.external_ticket == Deal.ticket,
        PlatformOperation.kind != "open_account",
    )
    statement = (
        select(Deal)
        .where(
            Deal.server_id == server_id,
            Deal.time_utc >= since,
            Deal.action.in_((2, 3)),
            ~ours,
        )
        .order_by(Deal.time_utc.desc(), Deal.ticket.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def unmatched_operations(
    session: Session, *, server_id: UUID, before: datetime, limit: int = 100
) -> Sequence[PlatformOperation]:
    """Return operations done before a moment whose deal is not in the mirror: an alarm each."""
    there = exists().where(
        Deal.server_id == PlatformOperation.server_id,
        Deal.ticket == PlatformOperation.external_ticket,
    )
    statement = (
        select(PlatformOperation)
        .where(
            PlatformOperation.server_id == server_id,
            PlatformOperation.state == "done",
            PlatformOperation.kind != "open_account",
            PlatformOperation.finished_at < before,
            ~there,
        )
        .order_by(PlatformOperation.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def watermark(session: Session, server_id: UUID) -> SyncWatermark | None:
    """Return how far a server's deals have been read."""
    return await session.get(SyncWatermark, server_id)


async def health(session: Session) -> list[Health]:
    """Return the health of every server whose deals the tenant reads."""
    states = (
        select(
            PlatformOperation.server_id,
            func.count().filter(PlatformOperation.state.in_(("ready", "sending"))).label("waiting"),
            func.count().filter(PlatformOperation.state == "unknown").label("unknown"),
            func.count().filter(PlatformOperation.state == "frozen").label("frozen"),
        )
        .where(PlatformOperation.state.in_(("ready", "sending", "unknown", "frozen")))
        .group_by(PlatformOperation.server_id)
        .subquery()
    )
    rejected = (
        select(DealRejection.server_id, func.count().label("rejected"))
        .group_by(DealRejection.server_id)
        .subquery()
    )
    statement = (
        select(
            SyncWatermark,
            func.coalesce(states.c.waiting, 0),
            func.coalesce(states.c.unknown, 0),
            func.coalesce(states.c.frozen, 0),
            func.coalesce(rejected.c.rejected, 0),
        )
        .outerjoin(states, states.c.server_id == SyncWatermark.server_id)
        .outerjoin(rejected, rejected.c.server_id == SyncWatermark.server_id)
        .order_by(SyncWatermark.server_id)
    )
    return [
        Health(
            server_id=mark.server_id,
            lag_seconds=mark.lag_seconds,
            checked_at=mark.checked_at,
            scanned_at=mark.scanned_utc,
            last_deal_at=mark.last_deal_at,
            deals_total=mark.deals_total,
            deals_rejected=refused,
            operations_waiting=waiting,
            operations_unknown=unknown,
            operations_frozen=frozen,
            error=mark.error,
        )
        for mark, waiting, unknown, frozen, refused in await session.execute(statement)
    ]


async def locked_account(session: TenantSession, account_id: UUID) -> TradingAccount | None:
    """Return an account, locked until the transaction ends."""
    return await session.get(TradingAccount, account_id, with_for_update=True)


async def locked_accounts(
    session: TenantSession, account_ids: Collection[UUID]
) -> dict[UUID, TradingAccount]:
    """Return accounts by id, locked in the order of their ids until the transaction ends."""
    statement = (
        select(TradingAccount)
        .where(TradingAccount.id.in_(account_ids))
        .order_by(TradingAccount.id)
        .with_for_update()
    )
    return {account.id: account for account in await session.scalars(statement)}


async def locked_operation(session: TenantSession, operation_id: UUID) -> PlatformOperation | None:
    """Return an operation, locked until the transaction ends."""
    return await session.get(PlatformOperation, operation_id, with_for_update=True)


async def next_ready(session: Session, *, server_id: UUID, logins: Sequence[int]) -> Sequence[UUID]:
    """Return the oldest operation of each login that may be sent now."""
    if not logins:
        return []
    statement = (
        select(PlatformOperation.id)
        .where(
            PlatformOperation.server_id == server_id,
            PlatformOperation.login.in_(logins),
            PlatformOperation.state == "ready",
            PlatformOperation.next_at <= func.now(),
        )
        .ext(distinct_on(PlatformOperation.login))
        .order_by(PlatformOperation.login, PlatformOperation.id)
    )
    return (await session.scalars(statement)).all()


async def due_operations(session: Session, *, limit: int) -> Sequence[Row[UUID, str]]:
    """Return what needs attention: ready and due, unknown and due, or left by its holder.

    Ready ones whose login is busy are left out: they follow when it is free, and however many
    they are, they must not crowd out the one they wait for.
    """
    other = aliased(PlatformOperation)
    busy = exists().where(
        other.server_id == PlatformOperation.server_id,
        other.login == PlatformOperation.login,
        other.state.in_(("sending", "unknown")),
    )
    statement = (
        select(PlatformOperation.id, PlatformOperation.state)
        .where(
            or_(
                and_(
                    PlatformOperation.state == "ready",
                    PlatformOperation.next_at <= func.now(),
                    ~busy,
                ),
                and_(
                    PlatformOperation.state == "unknown",
                    PlatformOperation.next_at <= func.now(),
                ),
                and_(
                    PlatformOperation.state == "sending",
                    PlatformOperation.lease_until < func.now(),
                ),
            )
        )
        .order_by(PlatformOperation.next_at, PlatformOperation.id)
        .limit(limit)
    )
    return (await session.execute(statement)).all()


async def unknown_operation(session: TenantSession, operation_id: UUID) -> PlatformOperation | None:
    """Lock an unknown operation whose search is due and that nobody else is searching for."""
    statement = (
        select(PlatformOperation)
        .where(
            PlatformOperation.id == operation_id,
            PlatformOperation.state == "unknown",
            PlatformOperation.next_at <= func.now(),
        )
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(statement)


async def database_time(session: Session) -> datetime:
    """Return the database's clock, which all decisions about money go by."""
    moment: datetime | None = await session.scalar(select(func.clock_timestamp()))
    assert moment is not None
    return moment


class AccountRow(NamedTuple):
    """An account as a list shows it, with whose it is."""

    account: TradingAccount
    client_reference: str
    client_name: str

    @property
    def id(self) -> UUID:
        """The account's id."""
        return self.account.id


_PERSON = func.concat_ws(" ", Client.first_name, Client.last_name)
_LOGIN = func.coalesce(cast(TradingAccount.login, String), "")
_ACCOUNTS = slices.Source(
    columns={
        "login": _LOGIN,
        "client": func.lower(_PERSON),
        "group": TradingAccount.group_name,
        "state": TradingAccount.state,
        "currency": TradingAccount.currency,
        "leverage": TradingAccount.leverage,
        "balance": TradingAccount.balance,
        "equity": TradingAccount.equity,
        "credit": TradingAccount.credit,
        "floating": TradingAccount.floating,
        "margin": TradingAccount.margin,
        "free": TradingAccount.margin_free,
        "opened": TradingAccount.created_at,
        "synced": TradingAccount.synced_at,
    },
    key=TradingAccount.id,
    # Logins are numbers of different lengths: as text with zeros they are in their order.
    orders={"login": func.lpad(_LOGIN, 20, "0")},
    search=lambda word: [
        _LOGIN.startswith(word, autoescape=True),
        TradingAccount.reference == word.upper(),
        _PERSON.icontains(word, autoescape=True),
        Client.reference == word.upper(),
    ],
)


def _of_clients(
    statement: Select[*tuple[Any, ...]], owner_id: UUID | None
) -> Select[*tuple[Any, ...]]:
    joined = statement.join(Client, Client.id == TradingAccount.client_id)
    return joined.where(Client.owner_id == owner_id) if owner_id is not None else joined


def _account_rows(owner_id: UUID | None) -> Select[*tuple[Any, ...]]:
    return _of_clients(select(TradingAccount, Client.reference, _PERSON), owner_id)


async def account_page(
    session: Session, state: State, *, owner_id: UUID | None
) -> Window[AccountRow]:
    """Return a page of accounts, of one owner's clients or everybody's."""
    rows = _account_rows(owner_id)
    return await slices.page(session, rows, state, _ACCOUNTS, make=AccountRow)


async def account_rows(
    session: Session, state: State, *, owner_id: UUID | None, limit: int
) -> list[AccountRow]:
    """Return the first accounts of a whole list."""
    rows = _account_rows(owner_id)
    return await slices.rows(session, rows, state, _ACCOUNTS, make=AccountRow, limit=limit)


async def account_facets(session: Session, state: State, *, owner_id: UUID | None) -> slices.Facets:
    """Count a list of accounts by state, group and currency."""
    counting = _of_clients(select(func.count()).select_from(TradingAccount), owner_id)
    names = ("state", "group", "currency")
    return await slices.facets(session, counting, state, _ACCOUNTS, names)
