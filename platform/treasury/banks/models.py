"""Tables of bank accounts, imported statements, their lines and what became of each."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

ACCOUNT_KINDS = ("segregated", "own")
LINE_STATES = ("suspense", "matched", "settlement", "known", "returning", "released")
FORMATS = ("camt.053", "mt940", "psp")


class BankAccount(Base):
    """An account at a bank, of clients' money or the brokerage's own, in one currency.

    `number` is what statements name it by; `ledger_owner` is its owner in the book.
    """

    __tablename__ = "bank_account"
    __table_args__ = (
        UniqueConstraint("number", "currency", name="uq_bank_account_number"),
        UniqueConstraint("kind", "currency", "ledger_owner", name="uq_bank_account_kind"),
        CheckConstraint(f"kind IN {ACCOUNT_KINDS}", name="kind"),
        CheckConstraint("state IN ('active', 'closed')", name="state"),
    )
    id: Mapped[UUID] = uuid_key()
    name: Mapped[str] = short(60)
    number: Mapped[str] = short(34)
    currency: Mapped[str] = short(8)
    kind: Mapped[str] = short(10)
    ledger_owner: Mapped[str] = short(60)
    state: Mapped[str] = short(10, server_default=text("'active'"))
    created_at: Mapped[datetime] = timestamp()


class BankSender(Base):
    """Words by which a provider's settlements are known in statements."""

    __tablename__ = "bank_sender"
    __table_args__ = (UniqueConstraint("words", name="uq_bank_sender_words"),)
    id: Mapped[UUID] = uuid_key()
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    words: Mapped[str] = short(60)
    created_at: Mapped[datetime] = timestamp()


class StatementFile(Base):
    """A file that was imported: the same bytes are taken once."""

    __tablename__ = "statement_file"
    __table_args__ = (
        UniqueConstraint("digest", name="uq_statement_file_digest"),
        CheckConstraint(f"format IN {FORMATS}", name="format"),
    )
    id: Mapped[UUID] = uuid_key()
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    format: Mapped[str] = short(10)
    name: Mapped[str] = short(120)
    size_bytes: Mapped[int] = mapped_column(Integer)
    lines: Mapped[int] = mapped_column(Integer)
    lines_new: Mapped[int] = mapped_column(Integer)
    actor: Mapped[str] = short(120)
    imported_at: Mapped[datetime] = timestamp()


class BankStatement(Base):
    """A statement of one account; `whole` says that its lines lead from opening to closing."""

    __tablename__ = "bank_statement"
    __table_args__ = (Index("ix_bank_statement_account", "bank_account_id", "closed_on"),)
    id: Mapped[UUID] = uuid_key()
    file_id: Mapped[UUID] = mapped_column(ForeignKey("statement_file.id"), index=True)
    bank_account_id: Mapped[UUID] = mapped_column(ForeignKey("bank_account.id"))
    reference: Mapped[str] = short(70)
    number: Mapped[str] = short(20)
    currency: Mapped[str] = short(8)
    opening: Mapped[Decimal | None] = money(nullable=True)
    closing: Mapped[Decimal | None] = money(nullable=True)
    opened_on: Mapped[date | None] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    whole: Mapped[bool] = mapped_column(Boolean, server_default=false())


class BankLine(Base):
    """A booked line of a statement, money in positive, and what it turned out to be.

    What the bank said never changes; state, links and reasons do.
    """

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_bank_line_reference"),
        UniqueConstraint("bank_account_id", "line_key", name="uq_bank_line_bank_account_id"),
        CheckConstraint(f"state IN {LINE_STATES}", name="state"),
        CheckConstraint("amount <> 0 AND amount <> 'NaN'", name="amount"),
        Index("ix_bank_line_state", "state", "id"),
        Index("ix_bank_line_booked_on", "booked_on"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("bank_statement.id"), index=True)
    bank_account_id: Mapped[UUID] = mapped_column(ForeignKey("bank_account.id"))
    line_key: Mapped[bytes] = mapped_column(LargeBinary)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    booked_on: Mapped[date] = mapped_column(Date)
    value_on: Mapped[date | None] = mapped_column(Date)
    bank_reference: Mapped[str] = short(70)
    end_to_end: Mapped[str] = short(70)
    party_name: Mapped[str] = short(140)
    party_number: Mapped[str] = short(34)
    purpose: Mapped[str] = short(500)
    state: Mapped[str] = short(10)
    score: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    reason: Mapped[str] = short(200)
    third_party: Mapped[bool] = mapped_column(Boolean, server_default=false())
    deposit_id: Mapped[UUID | None] = uuid_ref(nullable=True, index=True)
    connection_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    entry_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    release_entry_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    return_reference: Mapped[str | None] = short(16, nullable=True)
    imported_at: Mapped[datetime] = timestamp()


class BankLineStep(Base):
    """One step in a line's life, with who or what caused it; never changed."""

    __tablename__ = "bank_line_step"
    id: Mapped[UUID] = uuid_key()
    line_id: Mapped[UUID] = mapped_column(ForeignKey("bank_line.id"), index=True)
    from_state: Mapped[str | None] = short(10, nullable=True)
    to_state: Mapped[str] = short(10)
    reason: Mapped[str] = short(200)
    actor: Mapped[str] = short(120)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )


class ProviderLine(Base):
    """A line of a payment provider's own list of payments; never changed."""

    __tablename__ = "provider_line"
    __table_args__ = (
        UniqueConstraint("connection_id", "line_key", name="uq_provider_line_connection_id"),
        Index("ix_provider_line_payment", "payment"),
        Index("ix_provider_line_at", "at"),
    )
    id: Mapped[UUID] = uuid_key()
    file_id: Mapped[UUID] = mapped_column(ForeignKey("statement_file.id"), index=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("psp_connection.id"))
    line_key: Mapped[bytes] = mapped_column(LargeBinary)
    payment: Mapped[str] = short(120)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    at: Mapped[datetime] = timestamp(default_now=False)
    standing: Mapped[str] = short(10)
    fee: Mapped[Decimal | None] = money(nullable=True)
    place: Mapped[str] = short(20)
