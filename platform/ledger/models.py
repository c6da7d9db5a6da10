"""Tables of the book; the tenant's role reads them, only PostgreSQL's functions write them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import money, short, timestamp, uuid_key
from kernel.database import Base


class AccountCode(Base):
    """A code of the chart: who owns accounts of it, and whether they may go below zero.

    Guarded ones may not; of these, forcible ones only by a forced entry.
    """

    __tablename__ = "account_code"
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    owner_kind: Mapped[str] = short(10)
    guarded: Mapped[bool] = mapped_column(Boolean)
    forcible: Mapped[bool] = mapped_column(Boolean, server_default=false())


class LedgerAccount(Base):
    """One account: a code in one currency, of one owner."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint(
            "code", "currency", "owner_kind", "owner_id", name="uq_ledger_account_code"
        ),
        CheckConstraint("currency ~ '^[A-Z]{3,8}$'", name="currency"),
    )
    id: Mapped[UUID] = uuid_key()
    code: Mapped[str] = mapped_column(String(60), ForeignKey("account_code.code"))
    currency: Mapped[str] = short(8)
    owner_kind: Mapped[str] = short(10)
    owner_id: Mapped[str] = short(60, index=True)
    created_at: Mapped[datetime] = timestamp()


class AccountBalance(Base):
    """What an account's lines add up to (debit positive), and what is set aside of it.

    Code, currency and owner are the account's, so that posting finds the balance at once. The
    ceiling is what both together may not exceed: 0 for guarded accounts that are not forcible,
    none for others.
    """

    __tablename__ = "balance"
    __table_args__ = (
        UniqueConstraint("owner_id", "code", "currency", "owner_kind", name="uq_balance_owner_id"),
        CheckConstraint(
            "held >= 0 AND amount + held <= ceiling",
            name="never_negative",
        ),
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"), primary_key=True)
    code: Mapped[str] = short(60)
    currency: Mapped[str] = short(8)
    owner_kind: Mapped[str] = short(10)
    owner_id: Mapped[str] = short(60)
    amount: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    held: Mapped[Decimal] = mapped_column(Numeric(28, 8), server_default=text("0"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    guarded: Mapped[bool] = mapped_column(Boolean)
    forcible: Mapped[bool] = mapped_column(Boolean, server_default=false())
    ceiling: Mapped[Decimal | None] = money(nullable=True)


class Entry(Base):
    """One business event: two lines or more that add up to zero in each currency.

    `occurred_at` is the moment it counts from, `recorded_at` when it was written. Two lines of one
    currency, which most entries are, stand here: account, its version, amount and balance after
    it, for each of them. `Posting` reads these and all others.
    """

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("key", name="uq_entry_key"),
        UniqueConstraint("account_1", "version_1", name="uq_entry_account_1"),
        UniqueConstraint("account_2", "version_2", name="uq_entry_account_2"),
        # Partial: most entries have neither, and each index costs as much as a statement.
        *(
            Index(
                f"uq_entry_{column}",
                column,
                unique=True,
                postgresql_where=text(f"{column} IS NOT NULL"),
            )
            for column in ("external_reference", "reverses_id")
        ),
    )
    id: Mapped[UUID] = uuid_key()
    key: Mapped[str] = short(160)
    kind: Mapped[str] = short(40)
    reference: Mapped[str] = short(200)
    external_reference: Mapped[str | None] = short(200, nullable=True)
    occurred_at: Mapped[datetime] = timestamp(default_now=False)
    recorded_at: Mapped[datetime] = timestamp()
    actor: Mapped[str] = short(120)
    reverses_id: Mapped[UUID | None]
    forced: Mapped[bool] = mapped_column(Boolean, server_default=false())
    hold_id: Mapped[UUID | None]
    account_1: Mapped[UUID | None]
    account_2: Mapped[UUID | None]
    version_1: Mapped[int | None] = mapped_column(BigInteger)
    version_2: Mapped[int | None] = mapped_column(BigInteger)
    amount_1: Mapped[Decimal | None] = money(nullable=True)
    amount_2: Mapped[Decimal | None] = money(nullable=True)
    after_1: Mapped[Decimal | None] = money(nullable=True)
    after_2: Mapped[Decimal | None] = money(nullable=True)
    currency: Mapped[str | None] = short(8, nullable=True)


class EntryRate(Base):
    """The rate of a conversion: units of `currency_to` for one of `currency_from`.

    `rate` is the client's, `rate_mid` the market's; `quoted_at` says when the source had it.
    """

    __tablename__ = "entry_rate"
    __table_args__ = (CheckConstraint("rate > 0 AND rate_mid > 0", name="positive"),)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    currency_from: Mapped[str] = short(8)
    currency_to: Mapped[str] = short(8)
    rate: Mapped[Decimal] = mapped_column(Numeric(28, 12))
    rate_mid: Mapped[Decimal] = mapped_column(Numeric(28, 12))
    source: Mapped[str] = short(60)
    quoted_at: Mapped[datetime] = timestamp(default_now=False)


class Posting(Base):
    """A view of every line: an amount on one account, with the account's balance after it.

    Lines are numbered from 1, whether they stand in their entry or apart from it.
    """

    __tablename__ = "entry_line"
    __table_args__ = ({"info": {"view": True}},)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[UUID]
    account_version: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = money()
    balance_after: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)


class SeparateLine(Base):
    """A line of an entry that is not a pair; read them as `Posting`.

    They are written together with their entry, which is added up at commit.
    """

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("account_id", "account_version", name="uq_posting_account_id"),
    )
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[UUID]
    account_version: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = money()
    balance_after: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)


class Hold(Base):
    """Money set aside on an account until it is posted, voided or expires."""

    __tablename__ = "hold"
    __table_args__ = (
        UniqueConstraint("key", name="uq_hold_key"),
        CheckConstraint("amount > 0 AND amount <> 'NaN'", name="amount"),
        CheckConstraint("state IN ('pending', 'posted', 'voided', 'expired')", name="state"),
        CheckConstraint("(state = 'posted') = (entry_id IS NOT NULL)", name="entry"),
        Index(
            "ix_hold_pending",
            "account_id",
            "expires_at",
            postgresql_where=text("state = 'pending'"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    key: Mapped[str] = short(160)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_account.id"))
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    state: Mapped[str] = short(10, server_default=text("'pending'"))
    reference: Mapped[str] = short(200)
    reason: Mapped[str | None] = short(200, nullable=True)
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("entry.id"))
    created_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    closed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class PeriodLock(Base):
    """An act on the book's periods: from then on it is closed before a moment, or not at all."""

    __tablename__ = "period_lock"
    __table_args__ = (
        CheckConstraint("act IN ('close', 'reopen')", name="act"),
        CheckConstraint("act = 'close' OR reason <> ''", name="reason"),
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    act: Mapped[str] = short(10)
    closed_before: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)
    recorded_at: Mapped[datetime] = timestamp(default_now=False)


class BalanceRepair(Base):
    """A balance that was not what its lines add up to, and what was made of it."""

    __tablename__ = "balance_repair"
    id: Mapped[UUID] = uuid_key()
    account_id: Mapped[UUID]
    old_amount: Mapped[Decimal | None] = money(nullable=True)
    old_held: Mapped[Decimal | None] = money(nullable=True)
    old_version: Mapped[int | None] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = money()
    held: Mapped[Decimal] = money()
    version: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)
    recorded_at: Mapped[datetime] = timestamp()
