"""Every select of this room: locked rows for its verbs, and read models for the pillars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import QueryableAttribute, aliased, defer

from clients.models import Client
from kernel.database import ReadSession, TenantSession
from kernel.money import Money
from trading.models import TradingAccount
from treasury.models import (
    Deposit,
    DepositTransition,
    PspConnection,
    WebhookEvent,
    WebhookRefusal,
)

Session = TenantSession | ReadSession
_PAGE_MAX = 200


@dataclass(frozen=True, slots=True)
class DepositRow:
    """A deposit as lists show it, with the names of what it refers to."""

    id: UUID
    reference: str
    client_id: UUID
    client_reference: str
    client_name: str
    account_id: UUID | None
    account_login: int | None
    amount: Money
    settled: Money | None
    fee: Money | None
    state: str
    reason: str
    provider: str
    connection: str
    method: str
    charge: Money | None
    provider_reference: str
    disputed: bool
    first: bool
    created_at: datetime
    settled_at: datetime | None
    credited_at: datetime | None


@dataclass(frozen=True, slots=True)
class DepositFilter:
    """What a list is narrowed to; empty fields narrow nothing."""

    search: str = ""
    states: Sequence[str] = ()
    client_id: UUID | None = None
    owner_id: UUID | None = None
    connection_id: UUID | None = None
    currency: str = ""
    since: datetime | None = None
    until: datetime | None = None
    settled_since: datetime | None = None
    settled_until: datetime | None = None
    smallest: Decimal | None = None
    largest: Decimal | None = None
    connection: str = ""
    provider_reference: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class DepositPage:
    """One page, newest first; `after` continues it and is None on the last one."""

    rows: list[DepositRow]
    after: UUID | None


@dataclass(frozen=True, slots=True)
class Named:
    """How an event of a connection names its deposit; what it does not say is empty."""

    event_id: UUID
    connection_id: UUID
    reference: str
    session_ref: str
    payment: str


@dataclass(frozen=True, slots=True)
class DepositGroup:
    """Deposits of one state and currency: how many, and how much of them was settled."""

    state: str
    currency: str
    count: int
    amount: Decimal


async def connection(session: Session, connection_id: UUID) -> PspConnection | None:
    """Return a connection."""
    return await session.get(PspConnection, connection_id)


async def connection_by_token(session: Session, token: str) -> PspConnection | None:
    """Return the connection of an address for webhooks."""
    query = select(PspConnection).where(PspConnection.webhook_token == token)
    return await session.scalar(query)


async def connection_by_name(session: Session, name: str) -> PspConnection | None:
    """Return the connection of a name."""
    return await session.scalar(select(PspConnection).where(PspConnection.name == name))


async def deposit(session: Session, deposit_id: UUID) -> Deposit | None:
    """Return a deposit."""
    return await session.get(Deposit, deposit_id)


async def deposit_by_reference(
    session: Session, *, reference: str, client_id: UUID | None = None
) -> Deposit | None:
    """Return the deposit of a reference, of one client when the client asks."""
    query = select(Deposit).where(Deposit.reference == reference.upper())
    if client_id is not None:
        query = query.where(Deposit.client_id == client_id)
    return await session.scalar(query)


async def count_open(session: Session, *, client_id: UUID) -> int:
    """Count a client's deposits of the last day that wait for their payment."""
    query = select(func.count()).where(
        Deposit.client_id == client_id,
        Deposit.state.in_(("created", "pending")),
        Deposit.created_at > func.now() - func.make_interval(0, 0, 0, 1),
    )
    return int(await session.scalar(query) or 0)


async def open_deposits(session: Session, *, older_than: datetime, limit: int = 100) -> list[UUID]:
    """Return deposits that a provider has known since before a moment, without an outcome yet."""
    query = (
        select(Deposit.id)
        .where(
            Deposit.state.in_(("created", "pending")),
            Deposit.step.is_not(None),
            Deposit.created_at < older_than,
        )
        .order_by(Deposit.id.desc())
        .limit(limit)
    )
    return list(await session.scalars(query))


async def _locked(session: TenantSession, query: Select[Deposit]) -> Deposit | None:
    found = query.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(found)


async def locked_deposit(session: TenantSession, deposit_id: UUID) -> Deposit | None:
    """Return a deposit as it is now, locked until the transaction ends."""
    return await _locked(session, select(Deposit).where(Deposit.id == deposit_id))


async def locked_deposits_of_holds(
    session: TenantSession, hold_ids: Collection[UUID]
) -> dict[UUID, Deposit]:
    """Return the deposits whose money holds set aside, by hold, locked in the order of ids."""
    rows = await _all_locked(session, Deposit.hold_id.in_(hold_ids))
    return {row.hold_id: row for row in rows if row.hold_id is not None}


async def locked_deposits_of_payments(
    session: TenantSession, named: Sequence[Named]
) -> dict[UUID, Deposit]:
    """Return the deposit that each event is about, by the event's id, locked; none if unknown.

    The deposit must be of the same connection. A reference of ours counts, else the provider's
    session, else its payment.
    """
    ours, sessions, payments = set(), set(), set()
    for one in named:
        if one.reference:
            ours.add((one.connection_id, one.reference))
            continue
        sessions |= {(one.connection_id, one.session_ref)} if one.session_ref else set()
        payments |= {(one.connection_id, one.payment)} if one.payment else set()
    places = (
        (Deposit.reference, ours),
        (Deposit.session_ref, sessions),
        (Deposit.provider_reference, payments),
    )
    conditions = [
        tuple_(Deposit.connection_id, column).in_(wanted) for column, wanted in places if wanted
    ]
    if not conditions:
        return {}
    rows = await _all_locked(session, or_(*conditions))
    by_name = {(row.connection_id, row.reference): row for row in rows}
    by_session = {(row.connection_id, row.session_ref): row for row in rows if row.session_ref}
    by_payment = {(row.connection_id, row.provider_reference): row for row in rows}
    found = {}
    for one in named:
        row = by_name.get((one.connection_id, one.reference))
        if row is None and not one.reference:
            row = by_session.get((one.connection_id, one.session_ref))
            row = row or by_payment.get((one.connection_id, one.payment or "-"))
        if row is not None:
            found[one.event_id] = row
    return found


async def deposit_of_payment(session: Session, named: Named) -> Deposit | None:
    """Return the deposit that an event is about, without locking it."""
    if named.reference:
        place = Deposit.reference == named.reference
    else:
        # What an event does not name is null, which equals nothing.
        place = or_(
            Deposit.session_ref == func.nullif(named.session_ref, ""),
            Deposit.provider_reference == func.nullif(named.payment, ""),
        )
    query = select(Deposit).where(Deposit.connection_id == named.connection_id, place)
    return await session.scalar(query.order_by(Deposit.id).limit(1))


async def is_payment_taken(session: Session, *, deposit: Deposit, payment: str) -> bool:
    """Say whether another deposit of the connection is of this payment of the provider's."""
    query = select(Deposit.id).where(
        Deposit.connection_id == deposit.connection_id,
        Deposit.provider_reference == payment,
        Deposit.id != deposit.id,
    )
    return await session.scalar(query.limit(1)) is not None


async def _all_locked(session: TenantSession, condition: ColumnElement[bool]) -> Sequence[Deposit]:
    query = select(Deposit).where(condition).order_by(Deposit.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def webhook_event(session: Session, event_id: UUID) -> WebhookEvent | None:
    """Return a stored event."""
    return await session.get(WebhookEvent, event_id)


async def unhandled_events(session: Session, *, limit: int = 500) -> list[UUID]:
    """Return stored events that nobody has handled yet, oldest first."""
    query = (
        select(WebhookEvent.id)
        .where(WebhookEvent.handled_at.is_(None))
        .order_by(WebhookEvent.id)
        .limit(limit)
    )
    return list(await session.scalars(query))


async def locked_webhook_events(
    session: TenantSession, event_ids: Sequence[UUID]
) -> Sequence[WebhookEvent]:
    """Return those stored events that nobody has handled, locked, in the order they came."""
    query = (
        select(WebhookEvent)
        .where(WebhookEvent.id.in_(event_ids), WebhookEvent.handled_at.is_(None))
        .options(defer(WebhookEvent.body))
        .order_by(WebhookEvent.id)
        .with_for_update()
    )
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def trail(session: Session, *, deposit_id: UUID) -> list[DepositTransition]:
    """Return a deposit's steps in order."""
    query = (
        select(DepositTransition)
        .where(DepositTransition.deposit_id == deposit_id)
        .order_by(DepositTransition.at, DepositTransition.id)
    )
    return list(await session.scalars(query))


async def events_of(session: Session, *, reference: str) -> list[WebhookEvent]:
    """Return what the provider told about a deposit, in the order it came."""
    query = (
        select(WebhookEvent)
        .where(WebhookEvent.reference == reference)
        .order_by(WebhookEvent.received_at, WebhookEvent.id)
    )
    return list(await session.scalars(query))


async def refusals(
    session: Session, *, connection_id: UUID, limit: int = 50
) -> list[WebhookRefusal]:
    """Return the latest calls to a connection's address that were refused."""
    query = (
        select(WebhookRefusal)
        .where(WebhookRefusal.connection_id == connection_id)
        .order_by(WebhookRefusal.id.desc())
        .limit(limit)
    )
    return list(await session.scalars(query))


async def deposit_page(
    session: Session,
    *,
    narrowed: DepositFilter | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> DepositPage:
    """Return deposits, newest first; ids are in order of time, so a page continues at the last."""
    size = min(limit, _PAGE_MAX)
    query = _narrowed(_rows(), narrowed or DepositFilter())
    if after is not None:
        query = query.where(Deposit.id < after)
    found = (await session.execute(query.order_by(Deposit.id.desc()).limit(size + 1))).all()
    rows = [_as_row(row) for row in found[:size]]
    return DepositPage(rows, rows[-1].id if len(found) > size else None)


async def deposit_slice(
    session: Session,
    *,
    narrowed: DepositFilter,
    order: str,
    descending: bool,
    after: tuple[object, UUID] | None = None,
    limit: int,
) -> list[DepositRow]:
    """Return deposits in one of `DEPOSIT_ORDERS`, from a key on, at most `limit`.

    Ids are in order of time, so that the order of creation needs no other key.
    """
    key = DEPOSIT_ORDERS[order]
    keys = (key, Deposit.id) if key is not Deposit.id else (Deposit.id,)
    query = _narrowed(_rows(), narrowed)
    if after is not None:
        start = after if len(keys) == 2 else after[1:]
        place, wanted = tuple_(*keys), tuple_(*start)
        query = query.where(place < wanted if descending else place > wanted)
    query = query.order_by(*(one.desc() if descending else one.asc() for one in keys))
    return [_as_row(row) for row in await session.execute(query.limit(limit))]


async def deposit_groups(session: Session, *, narrowed: DepositFilter) -> list[DepositGroup]:
    """Return how many deposits of each state and currency a filter leaves."""
    settled = func.coalesce(func.sum(Deposit.settled_amount), Decimal(0))
    sums = _joined(select(Deposit.state, Deposit.currency, func.count(), settled))
    query = _narrowed(sums, narrowed).group_by(Deposit.state, Deposit.currency)
    query = query.order_by(Deposit.state, Deposit.currency)
    return [DepositGroup(*row) for row in await session.execute(query)]


async def deposit_row(session: Session, *, deposit_id: UUID) -> DepositRow | None:
    """Return one deposit as lists show it."""
    row = (await session.execute(_rows().where(Deposit.id == deposit_id))).one_or_none()
    return _as_row(row) if row is not None else None


async def count_by_state(session: Session) -> dict[str, int]:
    """Return how many deposits stand in each state, for the tabs of a list."""
    query = select(Deposit.state, func.count()).group_by(Deposit.state)
    return {state: count for state, count in await session.execute(query)}  # noqa: C416


_AMOUNT = func.coalesce(Deposit.settled_amount, Deposit.amount)
_PERSON = func.concat_ws(" ", Client.first_name, Client.last_name)
_EARLIER = aliased(Deposit)
# Whether this is the first money its client ever paid in.
_FIRST = and_(
    Deposit.settled_at.is_not(None),
    ~exists().where(
        _EARLIER.client_id == Deposit.client_id,
        tuple_(_EARLIER.settled_at, _EARLIER.id) < tuple_(Deposit.settled_at, Deposit.id),
    ),
)
# What a list of deposits may be sorted by.
DEPOSIT_ORDERS: dict[str, Any] = {
    "created": Deposit.id,
    "reference": Deposit.reference,
    "client": _PERSON,
    "state": Deposit.state,
    "provider": PspConnection.name,
    "amount": _AMOUNT,
}


def _rows() -> Select[*tuple[Any, ...]]:
    return _joined(
        select(
            Deposit,
            PspConnection.provider,
            PspConnection.name,
            Client.reference,
            _PERSON,
            TradingAccount.login,
            _FIRST,
        )
    )


def _joined(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.select_from(Deposit)
        .join(PspConnection, PspConnection.id == Deposit.connection_id)
        .outerjoin(Client, Client.id == Deposit.client_id)
        .outerjoin(TradingAccount, TradingAccount.id == Deposit.trading_account_id)
    )


def _narrowed(query: Select[*tuple[Any, ...]], narrowed: DepositFilter) -> Select[*tuple[Any, ...]]:
    if narrowed.states:
        query = query.where(Deposit.state.in_(narrowed.states))
    if narrowed.first:
        query = query.where(_FIRST)
    for column, wanted in (
        (Deposit.client_id, narrowed.client_id),
        (Client.owner_id, narrowed.owner_id),
        (Deposit.connection_id, narrowed.connection_id),
        (Deposit.currency, narrowed.currency or None),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    conditions: tuple[tuple[Any, Callable[[Any], ColumnElement[bool]]], ...] = (
        (narrowed.since, lambda value: Deposit.created_at >= value),
        (narrowed.until, lambda value: Deposit.created_at < value),
        (narrowed.settled_since, lambda value: Deposit.settled_at >= value),
        (narrowed.settled_until, lambda value: Deposit.settled_at < value),
        (narrowed.smallest, lambda value: value <= _AMOUNT),
        (narrowed.largest, lambda value: value >= _AMOUNT),
        (narrowed.connection or None, _contained(PspConnection.name)),
        (narrowed.provider_reference or None, _contained(Deposit.provider_reference)),
    )
    for value, condition in conditions:
        if value is not None:
            query = query.where(condition(value))
    if words := narrowed.search.strip():
        matches = [
            Deposit.reference.istartswith(words, autoescape=True),
            Deposit.provider_reference == words,
            _PERSON.icontains(words, autoescape=True),
            Client.email.istartswith(words, autoescape=True),
            Client.reference == words.upper(),
        ]
        if words.isdecimal() and len(words) < 19:
            matches.append(TradingAccount.login == int(words))
        query = query.where(or_(*matches))
    return query


def _contained(column: QueryableAttribute[Any]) -> Callable[[Any], ColumnElement[bool]]:
    return lambda words: column.icontains(words, autoescape=True)


def _as_row(found: Row[*tuple[Any, ...]]) -> DepositRow:
    row, provider, name, client, person, login, first = found
    settled = fee = None
    if row.settled_amount is not None and row.settled_currency is not None:
        settled = Money(row.settled_amount, row.settled_currency)
    if row.fee is not None and row.fee_currency is not None:
        fee = Money(row.fee, row.fee_currency)
    return DepositRow(
        id=row.id,
        reference=row.reference,
        client_id=row.client_id,
        client_reference=client or "",
        client_name=person,
        account_id=row.trading_account_id,
        account_login=login,
        amount=Money(row.amount, row.currency),
        settled=settled,
        fee=fee,
        state=row.state,
        reason=row.reason,
        provider=provider,
        connection=name,
        method=row.method,
        charge=row.charge if row.charge.amount > 0 else None,
        provider_reference=row.provider_reference or "",
        disputed=row.disputed_at is not None,
        first=first,
        created_at=row.created_at,
        settled_at=row.settled_at,
        credited_at=row.credited_at,
    )
