"""Tables of deposits, provider connections and webhooks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

STATES = ("created", "pending", "settled", "credited", "failed", "cancelled", "held")


class PspConnection(Base):
    """A merchant account at a payment provider; its secrets are sealed."""

    __tablename__ = "psp_connection"
    __table_args__ = (
        UniqueConstraint("name", name="uq_psp_connection_name"),
        UniqueConstraint("webhook_token", name="uq_psp_connection_webhook_token"),
        CheckConstraint("state IN ('active', 'disabled')", name="state"),
        CheckConstraint("environment IN ('sandbox', 'live')", name="environment"),
    )
    id: Mapped[UUID] = uuid_key()
    provider: Mapped[str] = short(40)
    name: Mapped[str] = short(80)
    environment: Mapped[str] = short(10, server_default=text("'sandbox'"))
    credentials_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    webhook_token: Mapped[str] = short(64)
    webhook_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = short(10, server_default=text("'active'"))
    created_at: Mapped[datetime] = timestamp()


class PspCurrency(Base):
    """A currency a connection takes, and the smallest and largest deposit in it."""

    __tablename__ = "psp_currency"
    __table_args__ = (
        CheckConstraint("amount_min > 0 AND amount_max >= amount_min", name="limits"),
    )
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    amount_min: Mapped[Decimal] = money()
    amount_max: Mapped[Decimal] = money()


class Deposit(Base):
    """A client's wish to pay in, and what became of it; the settled amount is what counts."""

    __tablename__ = "deposit"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_deposit_reference"),
        UniqueConstraint("hold_id", name="uq_deposit_hold_id"),
        UniqueConstraint("connection_id", "provider_reference", name="uq_deposit_connection_id"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("amount > 0 AND amount <> 'NaN'", name="amount"),
        CheckConstraint(
            "state NOT IN ('settled', 'credited') OR (settled_at IS NOT NULL"
            " AND settled_amount > 0 AND settled_currency = currency)",
            name="settled",
        ),
        Index("ix_deposit_client_id", "client_id", "id"),
        Index("ix_deposit_state", "state", "id"),
        Index("ix_deposit_provider_reference", "provider_reference"),
        Index("ix_deposit_settled_at", "settled_at"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    client_id: Mapped[UUID] = uuid_ref()
    trading_account_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    settled_amount: Mapped[Decimal | None] = money(nullable=True)
    settled_currency: Mapped[str | None] = short(8, nullable=True)
    fee: Mapped[Decimal | None] = money(nullable=True)
    fee_currency: Mapped[str | None] = short(8, nullable=True)
    state: Mapped[str] = short(10)
    reason: Mapped[str] = short(200, server_default=text("''"))
    provider_reference: Mapped[str | None] = short(120, nullable=True)
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()
    settled_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    credited_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    disputed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class DepositTransition(Base):
    """One step in a deposit's life, with who or what caused it; never changed."""

    __tablename__ = "deposit_transition"
    id: Mapped[UUID] = uuid_key()
    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("deposit.id"), index=True)
    from_state: Mapped[str | None] = short(10, nullable=True)
    to_state: Mapped[str] = short(10)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)


class WebhookEvent(Base):
    """A verified event of a provider, kept as the bytes that came, handled once."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("connection_id", "event_id", name="uq_webhook_event_connection_id"),
    )
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    event_id: Mapped[str] = short(120)
    kind: Mapped[str] = short(10)
    type: Mapped[str] = short(80)
    provider_reference: Mapped[str] = short(120)
    reference: Mapped[str] = short(40, index=True)
    amount: Mapped[Decimal | None] = money(nullable=True)
    currency: Mapped[str | None] = short(8, nullable=True)
    fee: Mapped[Decimal | None] = money(nullable=True)
    fee_currency: Mapped[str | None] = short(8, nullable=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    occurred_at: Mapped[datetime] = timestamp(default_now=False)
    received_at: Mapped[datetime] = timestamp()
    handled_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    outcome: Mapped[str | None] = short(200, nullable=True)


class WebhookRefusal(Base):
    """That something came to a connection's address which the provider did not sign."""

    __tablename__ = "webhook_refusal"
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    at: Mapped[datetime] = timestamp()
    reason: Mapped[str] = short(200)
