"""Tables of transfers, their steps, the quotes they convert at, and what clients may send."""

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
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

KINDS = ("to_account", "to_wallet", "between", "to_client", "conversion")
STATES = ("moving", "crediting", "done", "failed", "returned")


class FxQuote(Base):
    """What a client was promised for an amount: both amounts, both rates, until when; used once.

    `client_rate` and `mid` are units of the bought currency for one of the sold one. `quoted_at`
    is when the source said the mid rate, `created_at` when the client was promised theirs.
    """

    __tablename__ = "fx_quote"
    __table_args__ = (
        CheckConstraint("sold > 0 AND bought > 0", name="amounts"),
        CheckConstraint("client_rate > 0 AND mid > 0", name="rates"),
        Index("ix_fx_quote_client_id", "client_id", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    client_id: Mapped[UUID] = uuid_ref()
    sold: Mapped[Decimal] = money()
    currency_from: Mapped[str] = short(8)
    bought: Mapped[Decimal] = money()
    currency_to: Mapped[str] = short(8)
    client_rate: Mapped[Decimal] = mapped_column(Numeric(28, 12))
    mid: Mapped[Decimal] = mapped_column(Numeric(28, 12))
    percent: Mapped[Decimal] = mapped_column(Numeric(8, 4))
    source: Mapped[str] = short(60)
    quoted_at: Mapped[datetime] = timestamp(default_now=False)
    created_at: Mapped[datetime] = timestamp()
    expires_at: Mapped[datetime] = timestamp(default_now=False)
    used_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class Transfer(Base):
    """An amount that a client moves; no account means the wallet.

    `hold_id` is what is set aside where the money comes from, `credit_hold_id` what is set aside
    in the wallet between two servers. `returned` means that it got as far as the wallet.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_transfer_reference"),
        UniqueConstraint("client_id", "request_key", name="uq_transfer_request_key"),
        UniqueConstraint("quote_id", name="uq_transfer_quote_id"),
        UniqueConstraint("hold_id", name="uq_transfer_hold_id"),
        UniqueConstraint("credit_hold_id", name="uq_transfer_credit_hold_id"),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("amount > 0 AND target_amount > 0", name="amounts"),
        Index("ix_transfer_client_id", "client_id", "id"),
        Index("ix_transfer_target_client_id", "target_client_id", "id"),
        Index("ix_transfer_state", "state", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    request_key: Mapped[str] = short(80)
    client_id: Mapped[UUID] = uuid_ref()
    kind: Mapped[str] = short(10)
    source_account_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    target_account_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    target_client_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    target_amount: Mapped[Decimal] = money()
    target_currency: Mapped[str] = short(8)
    quote_id: Mapped[UUID | None] = mapped_column(ForeignKey("fx_quote.id"))
    hold_id: Mapped[UUID] = uuid_ref()
    credit_hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    state: Mapped[str] = short(10)
    reason: Mapped[str] = short(200, server_default=text("''"))
    created_at: Mapped[datetime] = timestamp()
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class TransferTransition(Base):
    """One step in a transfer's life, with who or what caused it; never changed."""

    __tablename__ = "transfer_transition"
    id: Mapped[UUID] = uuid_key()
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("transfer.id"), index=True)
    from_state: Mapped[str | None] = short(10, nullable=True)
    to_state: Mapped[str] = short(10)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)


class TransferPolicy(Base):
    """Whether clients may send each other money, and how much a day; one row or none."""

    __tablename__ = "transfer_policy"
    __table_args__ = (CheckConstraint("day_max >= 0", name="cap"),)
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    between_clients: Mapped[bool] = mapped_column(Boolean)
    day_max: Mapped[Decimal] = money()
