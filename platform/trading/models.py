"""Tables of the mirror: offers, groups, symbols, accounts, operations, deals, positions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from kernel.columns import json_, money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

ACCOUNT_STATES = ("opening", "open", "unknown", "failed", "closed")
OPERATION_KINDS = ("deposit", "withdrawal", "credit", "credit_out", "open_account")
OPERATION_STATES = ("ready", "sending", "unknown", "done", "frozen", "failed")


def _rate(*, nullable: bool = False) -> MappedColumn[Any]:
    """Return a column for a price, rate, point or number of lots: NUMERIC(28,10)."""
    return mapped_column(Numeric(28, 10), nullable=nullable)


class AccountType(Base):
    """An offer a client sees: which group of which server an account opens in, and its terms."""

    __tablename__ = "account_type"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        Index("uq_account_type_active", "code", unique=True, postgresql_where=text("active")),
    )
    id: Mapped[UUID] = uuid_key()
    code: Mapped[str] = short(20)
    version: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = short(60)
    server_id: Mapped[UUID] = uuid_ref()
    group_name: Mapped[str] = short(120)
    currency: Mapped[str] = short(8)
    leverage_max: Mapped[int] = mapped_column(Integer)
    minimum_deposit: Mapped[Decimal] = money()
    markup_note: Mapped[str] = short(200)
    active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    created_at: Mapped[datetime] = timestamp()


class PlatformGroup(Base):
    """A group as its server has it.

    `spread_diffs` holds the extra spread in points of every symbol it applies to, resolved from
    `spread_rules`, the server's own entries by path; `commissions` are per lot and side.
    """

    __tablename__ = "platform_group"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = short(120, primary_key=True)
    currency: Mapped[str] = short(8)
    digits: Mapped[int] = mapped_column(SmallInteger)
    company: Mapped[str] = short(120)
    margin_call: Mapped[Decimal] = money()
    margin_stop_out: Mapped[Decimal] = money()
    spread_diffs: Mapped[dict[str, int]] = json_()
    spread_rules: Mapped[list[dict[str, Any]]] = json_()
    commissions: Mapped[list[dict[str, Any]]] = json_()
    fetched_at: Mapped[datetime] = timestamp()


class PlatformSymbol(Base):
    """An instrument as its server has it; point and tick in price, volumes in lots."""

    __tablename__ = "platform_symbol"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = short(40, primary_key=True)
    path: Mapped[str] = short(160)
    description: Mapped[str] = short(120)
    currency_base: Mapped[str] = short(12)
    currency_profit: Mapped[str] = short(12)
    currency_margin: Mapped[str] = short(12)
    digits: Mapped[int] = mapped_column(SmallInteger)
    point: Mapped[Decimal] = _rate()
    spread: Mapped[int] = mapped_column(Integer)
    contract_size: Mapped[Decimal] = _rate()
    tick_size: Mapped[Decimal] = _rate()
    tick_value: Mapped[Decimal] = _rate()
    lots_min: Mapped[Decimal] = _rate()
    lots_max: Mapped[Decimal] = _rate()
    lots_step: Mapped[Decimal] = _rate()
    swap_long: Mapped[Decimal] = _rate()
    swap_short: Mapped[Decimal] = _rate()
    fetched_at: Mapped[datetime] = timestamp()


class TradingAccount(Base):
    """A client's account on a server; its money is the server's, as it was at `synced_at`."""

    __tablename__ = "trading_account"
    __table_args__ = (
        CheckConstraint(f"state IN {ACCOUNT_STATES}", name="state"),
        CheckConstraint("state <> 'open' OR login IS NOT NULL", name="login"),
        UniqueConstraint("server_id", "login"),
        UniqueConstraint("open_token"),
        Index("ix_trading_account_login", "login"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16, unique=True)
    client_id: Mapped[UUID] = uuid_ref(index=True)
    server_id: Mapped[UUID] = uuid_ref()
    login: Mapped[int | None] = mapped_column(BigInteger)
    account_type_id: Mapped[UUID] = uuid_ref()
    group_name: Mapped[str] = short(120)
    currency: Mapped[str] = short(8)
    leverage: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = short(10)
    open_token: Mapped[str] = short(20)
    nickname: Mapped[str] = short(40, server_default=text("''"))
    balance: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    equity: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    credit: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    margin: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    margin_free: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    floating: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    passwords_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    synced_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()
    opened_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class PlatformOperation(Base):
    """The intent of one write on a server; its token is unique on all servers and never changes.

    At most one operation of a login is in flight: the partial unique index is the lock.
    """

    __tablename__ = "platform_operation"
    __table_args__ = (
        CheckConstraint(f"kind IN {OPERATION_KINDS}", name="kind"),
        CheckConstraint(f"state IN {OPERATION_STATES}", name="state"),
        CheckConstraint("kind = 'open_account' OR amount > 0", name="amount"),
        CheckConstraint("kind = 'open_account' OR login IS NOT NULL", name="login"),
        CheckConstraint("state <> 'done' OR external_ticket IS NOT NULL", name="ticket"),
        Index(
            "uq_platform_operation_in_flight",
            "server_id",
            "login",
            unique=True,
            postgresql_where=text("state IN ('sending', 'unknown')"),
        ),
        Index(
            "ix_platform_operation_pending",
            "next_at",
            postgresql_where=text("state IN ('ready', 'sending', 'unknown')"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    kind: Mapped[str] = short(12)
    server_id: Mapped[UUID] = uuid_ref()
    account_id: Mapped[UUID] = uuid_ref(index=True)
    login: Mapped[int | None] = mapped_column(BigInteger)
    amount: Mapped[Decimal | None] = money(nullable=True)
    currency: Mapped[str] = short(8)
    token: Mapped[str] = short(20, unique=True)
    state: Mapped[str] = short(10, server_default=text("'ready'"))
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    attempted_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    lease_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    next_at: Mapped[datetime] = timestamp()
    searches: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    missed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    external_ticket: Mapped[int | None] = mapped_column(BigInteger)
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    reference: Mapped[str] = short(40)
    error: Mapped[str] = short(200, server_default=text("''"))
    created_at: Mapped[datetime] = timestamp()
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class OperationStep(Base):
    """One line of an operation's timeline: appended, never changed."""

    __tablename__ = "operation_step"
    __table_args__ = (Index("ix_operation_step_operation_id", "operation_id", "id"),)
    id: Mapped[UUID] = uuid_key()
    operation_id: Mapped[UUID] = uuid_ref()
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    attempt: Mapped[int] = mapped_column(Integer)
    fact: Mapped[str] = short(20)
    detail: Mapped[str] = short(200)


class _DealFields:
    """What a server says about a deal: money in the account's currency, volumes in lots."""

    login: Mapped[int] = mapped_column(BigInteger)
    dealer: Mapped[int] = mapped_column(BigInteger)
    order_ticket: Mapped[int] = mapped_column(BigInteger)
    position_ticket: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[int] = mapped_column(SmallInteger)
    entry: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[int] = mapped_column(SmallInteger)
    symbol: Mapped[str] = short(40)
    digits: Mapped[int] = mapped_column(SmallInteger)
    digits_currency: Mapped[int] = mapped_column(SmallInteger)
    contract_size: Mapped[Decimal] = _rate()
    lots: Mapped[Decimal] = _rate()
    lots_closed: Mapped[Decimal] = _rate()
    price: Mapped[Decimal] = _rate()
    price_position: Mapped[Decimal] = _rate()
    price_stop_loss: Mapped[Decimal] = _rate()
    price_take_profit: Mapped[Decimal] = _rate()
    profit: Mapped[Decimal] = money()
    profit_raw: Mapped[Decimal] = money()
    storage: Mapped[Decimal] = money()
    commission: Mapped[Decimal] = money()
    fee: Mapped[Decimal] = money()
    rate_profit: Mapped[Decimal] = _rate()
    rate_margin: Mapped[Decimal] = _rate()
    tick_value: Mapped[Decimal] = _rate()
    tick_size: Mapped[Decimal] = _rate()
    market_bid: Mapped[Decimal] = _rate()
    market_ask: Mapped[Decimal] = _rate()
    market_last: Mapped[Decimal] = _rate()
    external_id: Mapped[str] = short(80)
    gateway: Mapped[str] = short(40)
    comment: Mapped[str] = short(80)
    # The server's own are unsigned 64-bit numbers.
    expert_id: Mapped[Decimal] = mapped_column(Numeric(20, 0))
    flags: Mapped[Decimal] = mapped_column(Numeric(20, 0))
    modify_flags: Mapped[Decimal] = mapped_column(Numeric(20, 0))
    time_raw_milliseconds: Mapped[int] = mapped_column(BigInteger)
    server_offset_seconds: Mapped[int] = mapped_column(Integer)


class Deal(_DealFields, Base):
    """An execution or a balance deal, as the server has it now.

    Partitioned by month of `time_utc`, and partitions are made when the first deal of a month
    comes. `time_raw_milliseconds` is the server's own clock, since 1970 in its wall time.
    """

    __tablename__ = "deal"
    __table_args__ = (
        # A NaN in any figure makes the whole sum NaN, so that one comparison keeps all of them out.
        CheckConstraint(
            "profit + profit_raw + storage + commission + fee + price + lots + lots_closed"
            " + contract_size + rate_profit + rate_margin + market_bid + market_ask <> 'NaN'",
            name="numbers",
        ),
        Index("ix_deal_login_time", "server_id", "login", "time_utc"),
        {"postgresql_partition_by": "RANGE (time_utc)"},
    )
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    time_utc: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    synced_at: Mapped[datetime] = timestamp()


class DealVersion(_DealFields, Base):
    """What a deal was before the server changed it: appended, never changed."""

    __tablename__ = "deal_version"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    time_utc: Mapped[datetime] = timestamp(default_now=False)
    synced_at: Mapped[datetime] = timestamp(default_now=False)
    replaced_at: Mapped[datetime] = timestamp()


class BookedResult(Base):
    """What of a deal's result stands in the ledger, in the account's currency.

    Signed as the client sees it: a gain is positive, a charge negative.
    """

    __tablename__ = "booked_result"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(Integer)
    account_id: Mapped[UUID] = uuid_ref(index=True)
    profit: Mapped[Decimal] = money()
    swap: Mapped[Decimal] = money()
    commission: Mapped[Decimal] = money()
    fee: Mapped[Decimal] = money()


class DealRejection(Base):
    """A deal of a server's answer that can't be read: kept apart so that the others go on."""

    __tablename__ = "deal_rejection"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[str] = short(64, primary_key=True)
    ticket: Mapped[str] = short(40)
    reason: Mapped[str] = short(200)
    body: Mapped[str] = short(2000)
    seen_at: Mapped[datetime] = timestamp()


class OpenPosition(Base):
    """A position that was open when the server was last asked; volumes in lots."""

    __tablename__ = "open_position"
    __table_args__ = (Index("ix_open_position_login", "server_id", "login"),)
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    login: Mapped[int] = mapped_column(BigInteger)
    symbol: Mapped[str] = short(40)
    side: Mapped[str] = short(4)
    lots: Mapped[Decimal] = _rate()
    contract_size: Mapped[Decimal] = _rate()
    price_open: Mapped[Decimal] = _rate()
    price_current: Mapped[Decimal] = _rate()
    price_stop_loss: Mapped[Decimal] = _rate()
    price_take_profit: Mapped[Decimal] = _rate()
    profit: Mapped[Decimal] = money()
    storage: Mapped[Decimal] = money()
    opened_at: Mapped[datetime] = timestamp(default_now=False)
    updated_at: Mapped[datetime] = timestamp(default_now=False)
    synced_at: Mapped[datetime] = timestamp()


class SyncWatermark(Base):
    """How far the deals of a server have been read, in seconds of the server's own clock."""

    __tablename__ = "sync_watermark"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    scanned_raw: Mapped[int] = mapped_column(BigInteger)
    scanned_utc: Mapped[datetime] = timestamp(default_now=False)
    ticket_max: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    deals_total: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_deal_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    lag_seconds: Mapped[Decimal] = mapped_column(Numeric(12, 3), server_default=text("0"))
    checked_at: Mapped[datetime] = timestamp()
    states_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    error: Mapped[str] = short(200, server_default=text("''"))
