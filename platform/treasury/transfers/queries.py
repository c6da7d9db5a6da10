"""Every select of transfers, quotes and what clients may send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import aliased

from clients.models import Client
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.money import Money
from kernel.slices import Source
from kernel.web.cursors import Window
from kernel.web.table import State
from trading.models import TradingAccount
from treasury.transfers.models import FxQuote, Transfer, TransferPolicy, TransferTransition

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class Policy:
    """Whether clients may send each other money, and how much one may in 24 hours (base money)."""

    between_clients: bool
    day_max: Decimal


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A transfer as lists show it, with the names of what it refers to."""

    id: UUID
    reference: str
    kind: str
    client_id: UUID
    client_reference: str
    client_name: str
    source_login: int | None
    target_login: int | None
    target_client_id: UUID | None
    target_name: str
    amount: Money
    arrived: Money
    rate: Decimal | None
    state: str
    reason: str
    created_at: datetime
    finished_at: datetime | None


async def quote_for_update(session: TenantSession, quote_id: UUID) -> FxQuote | None:
    """Return a quote, locked, as it is now."""
    return await session.get(FxQuote, quote_id, with_for_update=True, populate_existing=True)


async def quote(session: Session, quote_id: UUID) -> FxQuote | None:
    """Return a quote."""
    return await session.get(FxQuote, quote_id)


async def quote_of(session: Session, transfer_id: UUID) -> FxQuote | None:
    """Return the quote that a transfer converts at."""
    statement = (
        select(FxQuote)
        .join(Transfer, Transfer.quote_id == FxQuote.id)
        .where(Transfer.id == transfer_id)
    )
    return await session.scalar(statement)


async def moment(session: Session) -> datetime:
    """Return the database's time, which decides about money."""
    found: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return found


async def transfer(session: Session, transfer_id: UUID) -> Transfer | None:
    """Return a transfer."""
    return await session.get(Transfer, transfer_id)


async def transfer_of_key(
    session: Session, *, client_id: UUID, request_key: str
) -> Transfer | None:
    """Return the transfer that a client's request has made."""
    statement = select(Transfer).where(
        Transfer.client_id == client_id, Transfer.request_key == request_key
    )
    return await session.scalar(statement)


async def locked_of_holds(session: TenantSession, hold_ids: Sequence[UUID]) -> dict[UUID, Transfer]:
    """Return the transfers that wait for the server's word about holds, locked, by hold."""
    if not hold_ids:
        return {}
    statement = (
        select(Transfer)
        .where(or_(Transfer.hold_id.in_(hold_ids), Transfer.credit_hold_id.in_(hold_ids)))
        .order_by(Transfer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    wanted = set(hold_ids)
    return {
        hold_id: found
        for found in await session.scalars(statement)
        for hold_id in (found.hold_id, found.credit_hold_id)
        if hold_id in wanted and hold_id is not None
    }


async def sent_to_others(session: Session, *, client_id: UUID) -> list[Money]:
    """Return what a client has sent to other clients in the last 24 hours, by currency."""
    since = func.clock_timestamp() - timedelta(hours=24)
    statement = (
        select(func.sum(Transfer.amount), Transfer.currency)
        .where(
            Transfer.client_id == client_id,
            Transfer.kind == "to_client",
            Transfer.created_at > since,
        )
        .group_by(Transfer.currency)
        .order_by(Transfer.currency)
    )
    return [Money(amount, currency) for amount, currency in await session.execute(statement)]


async def policy(session: Session) -> Policy:
    """Return what the brokerage has set; until then clients send each other nothing."""
    found = await session.get(TransferPolicy, 1)
    return Policy(found.between_clients, found.day_max) if found else Policy(False, Decimal(0))


async def policy_row(session: TenantSession) -> TransferPolicy | None:
    """Return the row that the brokerage has set, to be changed."""
    return await session.get(TransferPolicy, 1, with_for_update=True)


async def client_like(session: Session, text: str) -> Client | None:
    """Return the client of an e-mail address or of a public number, in whatever case."""
    wanted = text.strip().lower()
    statement = (
        select(Client)
        .where(or_(func.lower(Client.email) == wanted, func.lower(Client.reference) == wanted))
        .order_by(Client.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def trail(session: Session, *, transfer_id: UUID) -> Sequence[TransferTransition]:
    """Return a transfer's steps, oldest first."""
    statement = (
        select(TransferTransition)
        .where(TransferTransition.transfer_id == transfer_id)
        .order_by(TransferTransition.at, TransferTransition.id)
    )
    return (await session.scalars(statement)).all()


async def row(session: Session, transfer_id: UUID) -> TransferRow | None:
    """Return a transfer as lists show it."""
    found = (await session.execute(_rows().where(Transfer.id == transfer_id))).one_or_none()
    return _as_row(found) if found is not None else None


async def row_of_reference(
    session: Session, *, reference: str, party_id: UUID | None = None
) -> TransferRow | None:
    """Return a transfer by its reference, of a sender or receiver where one is named."""
    query = _rows().where(Transfer.reference == reference)
    if party_id is not None:
        query = query.where(_of_party(party_id))
    found = (await session.execute(query)).one_or_none()
    return _as_row(found) if found is not None else None


async def newest(session: Session, *, party_id: UUID, limit: int) -> list[TransferRow]:
    """Return the newest transfers of a sender or receiver."""
    query = _of(party_id).order_by(Transfer.id.desc()).limit(limit)
    return [_as_row(found) for found in await session.execute(query)]


async def page(
    session: Session, state: State, *, party_id: UUID | None = None
) -> Window[TransferRow]:
    """Return a page of transfers, of a sender or receiver where one is named."""
    return await slices.page(session, _of(party_id), state, _SOURCE, make=_made)


async def list_rows(
    session: Session, state: State, *, limit: int, party_id: UUID | None = None
) -> list[TransferRow]:
    """Return the start of the whole list, for a file."""
    return await slices.rows(session, _of(party_id), state, _SOURCE, make=_made, limit=limit)


async def count(session: Session, state: State, *, party_id: UUID | None = None) -> int:
    """Return how many transfers a list has, as far as they are counted."""
    return await slices.count(session, _of(party_id), state, _SOURCE)


_PERSON = Client.first_name + " " + Client.last_name
_TARGET = aliased(Client)
_SOURCE_ACCOUNT = aliased(TradingAccount)
_TARGET_ACCOUNT = aliased(TradingAccount)


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Transfer,
            Client,
            _TARGET,
            _SOURCE_ACCOUNT.login,
            _TARGET_ACCOUNT.login,
            FxQuote.client_rate,
        )
        .join(Client, Client.id == Transfer.client_id)
        .outerjoin(_TARGET, _TARGET.id == Transfer.target_client_id)
        .outerjoin(_SOURCE_ACCOUNT, _SOURCE_ACCOUNT.id == Transfer.source_account_id)
        .outerjoin(_TARGET_ACCOUNT, _TARGET_ACCOUNT.id == Transfer.target_account_id)
        .outerjoin(FxQuote, FxQuote.id == Transfer.quote_id)
    )


def _of_party(party_id: UUID) -> ColumnElement[bool]:
    return or_(Transfer.client_id == party_id, Transfer.target_client_id == party_id)


def _of(party_id: UUID | None) -> Select[*tuple[Any, ...]]:
    return _rows() if party_id is None else _rows().where(_of_party(party_id))


_SOURCE = Source(
    {
        "reference": Transfer.reference,
        "kind": Transfer.kind,
        "client": _PERSON,
        "state": Transfer.state,
        "amount": Transfer.amount,
        "currency": Transfer.currency,
        "created": Transfer.created_at,
    },
    key=Transfer.id,
    search=lambda word: [
        func.lower(Transfer.reference).startswith(word, autoescape=True),
        func.lower(Client.reference) == word,
        func.lower(_PERSON).contains(word, autoescape=True),
        func.lower(Client.email).startswith(word, autoescape=True),
    ],
)


def _made(*found: Any) -> TransferRow:
    return _as_row(found)


def _as_row(found: Sequence[Any]) -> TransferRow:
    made, client, target, source_login, target_login, rate = found
    return TransferRow(
        id=made.id,
        reference=made.reference,
        kind=made.kind,
        client_id=made.client_id,
        client_reference=client.reference,
        client_name=client.name,
        source_login=source_login,
        target_login=target_login,
        target_client_id=made.target_client_id,
        target_name=target.name if target is not None else "",
        amount=Money(made.amount, made.currency),
        arrived=Money(made.target_amount, made.target_currency),
        rate=rate,
        state=made.state,
        reason=made.reason,
        created_at=made.created_at,
        finished_at=made.finished_at,
    )
