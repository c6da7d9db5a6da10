"""Tables of deposits, provider connections and webhooks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
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

from kernel.columns import json_, money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base
from kernel.money import Money

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
    state: Mapped[str] = short(10, server_default=text("'active'"))
    weight: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = timestamp()


class PspCurrency(Base):
    """A currency a connection takes: its smallest and largest deposit, and the fee of its own.

    Without a fee of its own the provider file's counts.
    """

    __tablename__ = "psp_currency"
    __table_args__ = (
        CheckConstraint("amount_min > 0 AND amount_max >= amount_min", name="limits"),
        CheckConstraint("fee_percent BETWEEN 0 AND 50 AND fee_fixed >= 0", name="fee"),
        CheckConstraint("fee_payer IN ('merchant', 'client')", name="fee_payer"),
    )
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    amount_min: Mapped[Decimal] = money()
    amount_max: Mapped[Decimal] = money()
    fee_percent: Mapped[Decimal | None] = money(nullable=True)
    fee_fixed: Mapped[Decimal | None] = money(nullable=True)
    fee_payer: Mapped[str | None] = short(10, nullable=True)


class PspMethod(Base):
    """A way to pay that a connection offers; those of one title are one choice for clients.

    `method` is an id or code of the provider's file, empty where it names none. Without countries
    of its own the file's count; `kyc_level` is the smallest level that may pay so.
    """

    __tablename__ = "psp_method"
    __table_args__ = (CheckConstraint("kyc_level >= 0", name="kyc_level"),)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"), primary_key=True)
    method: Mapped[str] = mapped_column(String(60), primary_key=True)
    title: Mapped[str] = short(60)
    countries: Mapped[list[str]] = json_()
    kyc_level: Mapped[int] = mapped_column(server_default=text("0"))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class PspRule(Base):
    """Where payments of a kind go first, or never: the brokerage's own routing, in order."""

    __tablename__ = "psp_rule"
    id: Mapped[UUID] = uuid_key()
    place: Mapped[int] = mapped_column(server_default=text("0"))
    connection_ids: Mapped[list[str]] = json_()
    countries: Mapped[list[str]] = json_()
    currencies: Mapped[list[str]] = json_()
    bins: Mapped[list[str]] = json_()
    amount_min: Mapped[Decimal | None] = money(nullable=True)
    amount_max: Mapped[Decimal | None] = money(nullable=True)
    avoid: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = timestamp()


class DepositLimit(Base):
    """How much clients may pay in, within so many hours; what is empty concerns everybody.

    It concerns clients up to a level of verification, of a country, and payments by a method's
    title. `amount_max` is the sum within the window, `count_max` the number of deposits in it and
    `pending_max` how many may wait for their payment.
    """

    __tablename__ = "deposit_limit"
    __table_args__ = (
        CheckConstraint("window_hours BETWEEN 1 AND 8784", name="window_hours"),
        CheckConstraint(
            "num_nonnulls(amount_max, count_max, pending_max) > 0"
            " AND coalesce(amount_max, 1) > 0 AND coalesce(count_max, 0) >= 0"
            " AND coalesce(pending_max, 0) >= 0",
            name="limits",
        ),
    )
    id: Mapped[UUID] = uuid_key()
    title: Mapped[str] = short(60, server_default=text("''"))
    country: Mapped[str] = short(2, server_default=text("''"))
    kyc_level: Mapped[int | None] = mapped_column(nullable=True)
    currency: Mapped[str] = short(8)
    window_hours: Mapped[int] = mapped_column(server_default=text("24"))
    amount_max: Mapped[Decimal | None] = money(nullable=True)
    count_max: Mapped[int | None] = mapped_column(nullable=True)
    pending_max: Mapped[int | None] = mapped_column(nullable=True)
    created_at: Mapped[datetime] = timestamp()


class Deposit(Base):
    """A client's wish to pay in, and what became of it; the settled amount is what counts.

    `payable` is what leaves the payer, more than the amount where the fee is the client's.
    `session_ref` is the attempt at the provider, `provider_reference` the payment itself, and
    `step` what the payer was shown. While a deposit is held the settled amount is what came.
    """

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
        Index("ix_deposit_session_ref", "session_ref"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    client_id: Mapped[UUID] = uuid_ref()
    trading_account_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    method: Mapped[str] = short(60, server_default=text("''"))
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    payable: Mapped[Decimal | None] = money(nullable=True)
    settled_amount: Mapped[Decimal | None] = money(nullable=True)
    settled_currency: Mapped[str | None] = short(8, nullable=True)
    fee: Mapped[Decimal | None] = money(nullable=True)
    fee_currency: Mapped[str | None] = short(8, nullable=True)
    state: Mapped[str] = short(10)
    reason: Mapped[str] = short(200, server_default=text("''"))
    session_ref: Mapped[str | None] = short(200, nullable=True)
    provider_reference: Mapped[str | None] = short(120, nullable=True)
    step: Mapped[dict[str, Any] | None] = json_(nullable=True)
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()
    settled_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    credited_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    disputed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)

    @property
    def ordered(self) -> Money:
        """What the payer is asked for: the amount, and the fee where the client bears it."""
        return Money(self.amount if self.payable is None else self.payable, self.currency)

    @property
    def charge(self) -> Money:
        """What of it is the brokerage's fee."""
        return self.ordered - Money(self.amount, self.currency)


class DepositAttempt(Base):
    """That a deposit's payment was asked for at a connection, or what the answer was.

    `asked` is written before the call; whoever finds it without an answer beside it does not know
    whether the provider has heard.
    """

    __tablename__ = "deposit_attempt"
    __table_args__ = (
        CheckConstraint("outcome IN ('asked', 'good', 'declined', 'broken')", name="outcome"),
        Index("ix_deposit_attempt_connection_id", "connection_id", "at"),
    )
    id: Mapped[UUID] = uuid_key()
    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("deposit.id"), index=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    outcome: Mapped[str] = short(10)
    code: Mapped[str] = short(60, server_default=text("''"))


class DepositProof(Base):
    """What a payer showed to prove a transfer by hand: a file in the object store."""

    __tablename__ = "deposit_proof"
    id: Mapped[UUID] = uuid_key()
    deposit_id: Mapped[UUID] = mapped_column(ForeignKey("deposit.id"), index=True)
    object_key: Mapped[str] = short(200)
    file_name: Mapped[str] = short(120)
    media_type: Mapped[str] = short(80)
    created_at: Mapped[datetime] = timestamp()


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
    """A verified notice of a provider, kept as the bytes that came, handled once.

    The words are those of `connectors.payments.engine.port.Notice`: `state` is what may be acted
    upon, `claims` what the callback says, `must_ask` that the provider has to be asked first.
    """

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("connection_id", "event_id", name="uq_webhook_event_connection_id"),
    )
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    event_id: Mapped[str] = short(120)
    state: Mapped[str] = short(10)
    claims: Mapped[str] = short(10, server_default=text("''"))
    status: Mapped[str] = short(80)
    session_ref: Mapped[str] = short(200, server_default=text("''"))
    provider_reference: Mapped[str] = short(120)
    reference: Mapped[str] = short(40, index=True)
    amount: Mapped[Decimal | None] = money(nullable=True)
    currency: Mapped[str | None] = short(8, nullable=True)
    settled_amount: Mapped[Decimal | None] = money(nullable=True)
    settled_currency: Mapped[str | None] = short(8, nullable=True)
    fee: Mapped[Decimal | None] = money(nullable=True)
    fee_currency: Mapped[str | None] = short(8, nullable=True)
    must_ask: Mapped[bool] = mapped_column(server_default=text("false"))
    is_live: Mapped[bool | None] = mapped_column(nullable=True)
    follow_up: Mapped[str] = short(40, server_default=text("''"))
    alarm: Mapped[str] = short(200, server_default=text("''"))
    error: Mapped[str] = short(200, server_default=text("''"))
    body: Mapped[bytes] = mapped_column(LargeBinary)
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


class PspTrial(Base):
    """A payment that tries a connection out: it never touches a client or the book."""

    __tablename__ = "psp_trial"
    __table_args__ = (UniqueConstraint("reference", name="uq_psp_trial_reference"),)
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"), index=True)
    reference: Mapped[str] = short(16)
    method: Mapped[str] = short(60, server_default=text("''"))
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    outcome: Mapped[str] = short(200, server_default=text("''"))
    session_ref: Mapped[str] = short(200, server_default=text("''"))
    step: Mapped[dict[str, Any] | None] = json_(nullable=True)
    created_at: Mapped[datetime] = timestamp()


class CashierSession(Base):
    """That a client is in an inverted provider's cashier: only a digest of its token is kept."""

    __tablename__ = "cashier_session"
    __table_args__ = (UniqueConstraint("token_digest", name="uq_cashier_session_token_digest"),)
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    client_id: Mapped[UUID] = uuid_ref()
    token_digest: Mapped[str] = short(64)
    expires_at: Mapped[datetime] = timestamp(default_now=False)


class CashierPayment(Base):
    """A payment of an inverted provider, from its authorization to its end, each once."""

    __tablename__ = "cashier_payment"
    __table_args__ = (
        UniqueConstraint("connection_id", "transaction", name="uq_cashier_payment_connection_id"),
        UniqueConstraint("auth_code", name="uq_cashier_payment_auth_code"),
        CheckConstraint("state IN ('reserved', 'settled', 'released')", name="state"),
        CheckConstraint("direction IN ('deposit', 'withdrawal')", name="direction"),
        CheckConstraint("amount > 0", name="amount"),
    )
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    transaction: Mapped[str] = short(60)
    client_id: Mapped[UUID] = uuid_ref()
    direction: Mapped[str] = short(10)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    reference: Mapped[str] = short(16)
    auth_code: Mapped[str] = short(64)
    deposit_id: Mapped[UUID | None] = mapped_column(ForeignKey("deposit.id"), nullable=True)
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    state: Mapped[str] = short(10, server_default=text("'reserved'"))
    created_at: Mapped[datetime] = timestamp()
    closed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
