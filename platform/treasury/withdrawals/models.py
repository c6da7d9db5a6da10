"""Tables of withdrawals, their parts and trails, saved payees, codes and approval rules."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base
from kernel.money import Money

STATES = (
    *("requested", "approved", "debiting", "paying", "paid", "rejected", "cancelled", "failed"),
    "held",
)
PART_STATES = ("waiting", "paying", "unknown", "paid", "failed")
WAYS = ("refund", "payout", "manual")


class WithdrawalDestination(Base):
    """A payee that a client has saved; what identifies the account is sealed."""

    __tablename__ = "withdrawal_destination"
    __table_args__ = (
        CheckConstraint("kind IN ('bank', 'crypto')", name="kind"),
        Index("ix_withdrawal_destination_client_id", "client_id", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    client_id: Mapped[UUID] = uuid_ref()
    kind: Mapped[str] = short(10)
    connection_id: Mapped[UUID | None] = mapped_column(ForeignKey("psp_connection.id"))
    label: Mapped[str] = short(80)
    holder: Mapped[str] = short(120)
    hint: Mapped[str] = short(40)
    details_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[str] = short(64)
    confirmed_at: Mapped[datetime] = timestamp()
    created_at: Mapped[datetime] = timestamp()
    removed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class Withdrawal(Base):
    """A client's wish to have money, from the wallet or a trading account, and its fate."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_withdrawal_reference"),
        UniqueConstraint("code_id", name="uq_withdrawal_code_id"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("amount > 0 AND amount <> 'NaN'", name="amount"),
        Index("ix_withdrawal_client_id", "client_id", "id"),
        Index("ix_withdrawal_state", "state", "id"),
        Index(
            "ix_withdrawal_account",
            "trading_account_id",
            postgresql_where=text("trading_account_id IS NOT NULL"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    client_id: Mapped[UUID] = uuid_ref()
    trading_account_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    base_amount: Mapped[Decimal] = money()
    state: Mapped[str] = short(10)
    reason_code: Mapped[str] = short(30, server_default=text("''"))
    reason: Mapped[str] = short(200, server_default=text("''"))
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    operation_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    code_id: Mapped[UUID] = uuid_ref()
    promised_at: Mapped[datetime] = timestamp(default_now=False)
    created_at: Mapped[datetime] = timestamp()
    approved_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    closed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)

    @property
    def money(self) -> Money:
        """The whole amount, before the fee."""
        return Money(self.amount, self.currency)


class WithdrawalPart(Base):
    """Where one part goes: back to the source of a deposit, or to a saved payee.

    `amount` leaves the client's money, `fee` of it stays with the brokerage. `way` is refund (of
    `deposit_id`), payout (by the connection) or manual (by a person at the bank).
    """

    __tablename__ = "withdrawal_part"
    __table_args__ = (
        UniqueConstraint("withdrawal_id", "number", name="uq_withdrawal_part_number"),
        CheckConstraint(f"way IN {WAYS}", name="way"),
        CheckConstraint(f"state IN {PART_STATES}", name="state"),
        CheckConstraint(
            "amount > 0 AND amount <> 'NaN' AND fee >= 0 AND fee < amount", name="amount"
        ),
        Index("ix_withdrawal_part_deposit_id", "deposit_id"),
        Index(
            "ix_withdrawal_part_due",
            "next_at",
            postgresql_where=text("state IN ('waiting', 'paying', 'unknown')"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    withdrawal_id: Mapped[UUID] = mapped_column(ForeignKey("withdrawal.id"))
    number: Mapped[int] = mapped_column(Integer)
    way: Mapped[str] = short(10)
    label: Mapped[str] = short(120)
    amount: Mapped[Decimal] = money()
    fee: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    connection_id: Mapped[UUID | None] = mapped_column(ForeignKey("psp_connection.id"))
    deposit_id: Mapped[UUID | None] = mapped_column(ForeignKey("deposit.id"))
    destination_id: Mapped[UUID | None] = mapped_column(ForeignKey("withdrawal_destination.id"))
    state: Mapped[str] = short(10, server_default=text("'waiting'"))
    reason: Mapped[str] = short(200, server_default=text("''"))
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    entry_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    provider_reference: Mapped[str | None] = short(120, nullable=True)
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    misses: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)

    @property
    def money(self) -> Money:
        """What leaves the client's money."""
        return Money(self.amount, self.currency)

    @property
    def payable(self) -> Money:
        """What the payee gets."""
        return Money(self.amount - self.fee, self.currency)

    @property
    def costs(self) -> Money:
        """What stays with the brokerage."""
        return Money(self.fee, self.currency)


class WithdrawalTransition(Base):
    """One step in a withdrawal's life, with who or what caused it; never changed."""

    __tablename__ = "withdrawal_transition"
    id: Mapped[UUID] = uuid_key()
    withdrawal_id: Mapped[UUID] = mapped_column(ForeignKey("withdrawal.id"), index=True)
    from_state: Mapped[str | None] = short(10, nullable=True)
    to_state: Mapped[str] = short(10)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    code: Mapped[str] = short(30, server_default=text("''"))
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)


class PayoutStep(Base):
    """One fact about the payment of a part: called, answered, unknown, asked; never changed."""

    __tablename__ = "payout_step"
    id: Mapped[UUID] = uuid_key()
    part_id: Mapped[UUID] = mapped_column(ForeignKey("withdrawal_part.id"), index=True)
    attempt: Mapped[int] = mapped_column(Integer)
    fact: Mapped[str] = short(20)
    detail: Mapped[str] = short(200)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )


class WithdrawalCode(Base):
    """A proof that is asked for one withdrawal: its amount, currency and payees, and no other."""

    __tablename__ = "withdrawal_code"
    __table_args__ = (
        CheckConstraint("way IN ('mail', 'authenticator')", name="way"),
        Index("ix_withdrawal_code_user_id", "user_id", "created_at"),
    )
    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = uuid_ref()
    binding: Mapped[str] = short(64)
    way: Mapped[str] = short(15)
    code_hash: Mapped[str] = short(64)
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime] = timestamp(default_now=False)
    used_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class WithdrawalRule(Base):
    """Who approves a withdrawal up to an amount in the base currency; NULL is any amount.

    An empty chain lets through what has no flag.
    """

    __tablename__ = "withdrawal_rule"
    __table_args__ = (CheckConstraint("amount_to > 0 OR cardinality(permissions) > 0", name="top"),)
    id: Mapped[UUID] = uuid_key()
    amount_to: Mapped[Decimal | None] = money(nullable=True)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))


class WithdrawalFee(Base):
    """What a withdrawal to a kind of payee costs the client, by currency; no row is no fee."""

    __tablename__ = "withdrawal_fee"
    __table_args__ = (
        CheckConstraint("kind IN ('bank', 'crypto')", name="kind"),
        CheckConstraint("amount > 0 AND amount <> 'NaN'", name="amount"),
    )
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    amount: Mapped[Decimal] = money()
