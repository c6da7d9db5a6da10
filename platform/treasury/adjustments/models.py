"""Tables of adjustments, bonuses and disputes, and of their steps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

KINDS = ("goodwill", "correction_in", "correction_out", "fee", "bonus", "bonus_off", "write_off")
STATES = ("waiting", "moving", "crediting", "done", "rejected", "failed")
BONUS_STATES = ("active", "used", "cancelled", "burned")


class Adjustment(Base):
    """An amount that staff gives to or takes from a client; no account is the wallet.

    `bonus_used` is the part of a write-off that the account's bonus bears, `bonus_id` the bonus
    that is taken back, `burns` whether a bonus ends when money is withdrawn. `outcome` says what
    became of it.
    """

    __tablename__ = "adjustment"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_adjustment_reference"),
        UniqueConstraint("request_key", name="uq_adjustment_request_key"),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("amount > 0 AND bonus_used >= 0", name="amount"),
        Index("ix_adjustment_client_id", "client_id", "id"),
        Index("ix_adjustment_state", "state", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    request_key: Mapped[str] = short(120)
    client_id: Mapped[UUID] = uuid_ref()
    account_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    kind: Mapped[str] = short(16)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    bonus_used: Mapped[Decimal] = money()
    bonus_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    burns: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = short(200)
    state: Mapped[str] = short(10)
    outcome: Mapped[str] = short(200, server_default=text("''"))
    four_eyes: Mapped[bool] = mapped_column(Boolean)
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_by: Mapped[str] = short(120)
    created_at: Mapped[datetime] = timestamp()
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class AdjustmentTransition(Base):
    """One step in an adjustment's life, with who or what caused it; never changed."""

    __tablename__ = "adjustment_transition"
    id: Mapped[UUID] = uuid_key()
    adjustment_id: Mapped[UUID] = mapped_column(ForeignKey("adjustment.id"), index=True)
    from_state: Mapped[str | None] = short(10, nullable=True)
    to_state: Mapped[str] = short(10)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)


class Bonus(Base):
    """Credit on a trading account that the brokerage owes until it is used or taken back.

    Its id is its adjustment's. `remaining` of all bonuses of an account is what the book's bonus
    account holds.
    """

    __tablename__ = "bonus"
    __table_args__ = (
        CheckConstraint(f"state IN {BONUS_STATES}", name="state"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
        Index("ix_bonus_account_id", "account_id", "id"),
    )
    id: Mapped[UUID] = mapped_column(ForeignKey("adjustment.id"), primary_key=True)
    client_id: Mapped[UUID] = uuid_ref()
    account_id: Mapped[UUID] = uuid_ref()
    amount: Mapped[Decimal] = money()
    remaining: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    burns: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = short(10)
    granted_at: Mapped[datetime] = timestamp()
    ended_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class AdjustmentPolicy(Base):
    """How much one person may adjust alone, in base money; one row or none."""

    __tablename__ = "adjustment_policy"
    __table_args__ = (CheckConstraint("alone_max >= 0", name="limit"),)
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    alone_max: Mapped[Decimal] = money()


class DisputeCase(Base):
    """A deposit that its provider takes back: what was claimed from the client, and how it ends."""

    __tablename__ = "dispute_case"
    __table_args__ = (
        UniqueConstraint("deposit_id", name="uq_dispute_case_deposit_id"),
        CheckConstraint("state IN ('opened', 'won', 'lost')", name="state"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_dispute_case_state", "state", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("deposit.id"))
    client_id: Mapped[UUID] = uuid_ref()
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    state: Mapped[str] = short(10)
    reason: Mapped[str] = short(200)
    claim_entry_id: Mapped[UUID] = uuid_ref()
    opened_at: Mapped[datetime] = timestamp(default_now=False)
    closed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class DisputeTransition(Base):
    """One step of a dispute, with who or what caused it; never changed."""

    __tablename__ = "dispute_transition"
    id: Mapped[UUID] = uuid_key()
    dispute_id: Mapped[UUID] = mapped_column(ForeignKey("dispute_case.id"), index=True)
    from_state: Mapped[str | None] = short(10, nullable=True)
    to_state: Mapped[str] = short(10)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)
