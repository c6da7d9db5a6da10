"""Tables of runs, breaks and what was done about them, and of clients' money day by day."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

BREAK_STATES = ("open", "closed", "written_off")


class ReconciliationRun(Base):
    """One comparison of the sides as of a moment; never changed."""

    __tablename__ = "reconciliation_run"
    __table_args__ = (CheckConstraint("kind IN ('nightly', 'demand')", name="kind"),)
    id: Mapped[UUID] = uuid_key()
    day: Mapped[date] = mapped_column(Date, index=True)
    kind: Mapped[str] = short(10)
    since: Mapped[datetime] = timestamp(default_now=False)
    cut: Mapped[datetime] = timestamp(default_now=False)
    matched: Mapped[int] = mapped_column(Integer)
    broken: Mapped[int] = mapped_column(Integer)
    in_transit: Mapped[int] = mapped_column(Integer)
    opened: Mapped[int] = mapped_column(Integer)
    closed: Mapped[int] = mapped_column(Integer)
    accounts: Mapped[int] = mapped_column(Integer)
    accounts_differing: Mapped[int] = mapped_column(Integer)
    milliseconds: Mapped[int] = mapped_column(Integer)
    actor: Mapped[str] = short(120)
    finished_at: Mapped[datetime] = timestamp()


class ReconciliationBreak(Base):
    """A difference between the sides: at most one of a key is open."""

    __tablename__ = "reconciliation_break"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_reconciliation_break_reference"),
        CheckConstraint(f"state IN {BREAK_STATES}", name="state"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        Index(
            "uq_reconciliation_break_key",
            "key",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_reconciliation_break_state", "state", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    key: Mapped[str] = short(200)
    kind: Mapped[str] = short(16)
    side: Mapped[str] = short(10)
    payment: Mapped[str] = short(120)
    place: Mapped[str] = short(120)
    currency: Mapped[str] = short(8)
    amount_ledger: Mapped[Decimal | None] = money(nullable=True)
    amount_platform: Mapped[Decimal | None] = money(nullable=True)
    amount_psp: Mapped[Decimal | None] = money(nullable=True)
    difference: Mapped[Decimal] = money()
    detail: Mapped[str] = short(300)
    correction: Mapped[str] = short(300)
    correction_lines: Mapped[list[dict[str, Any]]] = json_()
    occurred_at: Mapped[datetime] = timestamp(default_now=False)
    state: Mapped[str] = short(12, server_default=text("'open'"))
    owner_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    owner_label: Mapped[str] = short(120, server_default=text("''"))
    opened_run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_run.id"))
    last_run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_run.id"))
    entry_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    opened_at: Mapped[datetime] = timestamp()
    closed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    closed_reason: Mapped[str] = short(200, server_default=text("''"))


class ReconciliationStep(Base):
    """What happened to a break, and who did it; never changed."""

    __tablename__ = "reconciliation_step"
    id: Mapped[UUID] = uuid_key()
    break_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_break.id"), index=True)
    fact: Mapped[str] = short(20)
    detail: Mapped[str] = short(300)
    actor: Mapped[str] = short(120)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )


class ClientMoneyDay(Base):
    """What had to be in the segregated banks in one currency, and what was; never changed.

    The requirement counts no client below zero, so that it may exceed the sum of its parts.
    """

    __tablename__ = "client_money_day"
    __table_args__ = (
        UniqueConstraint("run_id", "currency", name="uq_client_money_day_run_id"),
        Index("ix_client_money_day_day", "day", "currency"),
    )
    id: Mapped[UUID] = uuid_key()
    run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_run.id"))
    day: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = short(8)
    clients: Mapped[int] = mapped_column(Integer)
    wallets: Mapped[Decimal] = money()
    owed: Mapped[Decimal] = money()
    pending: Mapped[Decimal] = money()
    equity: Mapped[Decimal] = money()
    unallocated: Mapped[Decimal] = money()
    requirement: Mapped[Decimal] = money()
    resource: Mapped[Decimal] = money()
    recorded_at: Mapped[datetime] = timestamp()
