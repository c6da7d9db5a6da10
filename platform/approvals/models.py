"""Tables of requests that other eyes decide, and of the decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

STATES = ("open", "granted", "rejected", "voided")


class Approval(Base):
    """A request: who asked for exactly what of which subject, and who may decide.

    `permissions` is the chain, one for each step; `step` is the one that waits, from 1. `barred`
    are people who may not decide though their role would let them. Persons are hashes of e-mail
    addresses, written by PostgreSQL.
    """

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("cardinality(permissions) BETWEEN 1 AND 9", name="chain"),
        Index(
            "uq_approval_open",
            "kind",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_approval_subject", "subject_id", "kind", "subject_kind", "number"),
        Index("ix_approval_state", "state", "id"),
        Index("ix_approval_maker_id", "maker_id", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str] = short(40)
    subject_kind: Mapped[str] = short(40)
    subject_id: Mapped[UUID] = uuid_ref()
    content: Mapped[dict[str, Any]] = json_()
    content_hash: Mapped[str] = mapped_column(String(64), FetchedValue())
    summary: Mapped[str] = short(200)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    step: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    barred: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    barred_persons: Mapped[list[str]] = mapped_column(ARRAY(Text), FetchedValue())
    maker_kind: Mapped[str] = short(10)
    maker_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    maker_person: Mapped[str | None] = mapped_column(String(64), FetchedValue())
    maker_label: Mapped[str] = short(120)
    state: Mapped[str] = short(10, server_default=text("'open'"))
    reason: Mapped[str] = short(400, server_default=text("''"))
    opened_at: Mapped[datetime] = timestamp()
    closed_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)

    @property
    def steps(self) -> int:
        """How many people have to agree."""
        return len(self.permissions)


class ApprovalDecision(Base):
    """One person's word on one step; never changed."""

    __tablename__ = "approval_decision"
    __table_args__ = (
        UniqueConstraint("approval_id", "step", name="uq_approval_decision_step"),
        UniqueConstraint("approval_id", "person", name="uq_approval_decision_person"),
        CheckConstraint("approve OR reason <> ''", name="reason"),
    )
    id: Mapped[UUID] = uuid_key()
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"))
    step: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[UUID] = uuid_ref()
    person: Mapped[str] = mapped_column(String(64), FetchedValue())
    label: Mapped[str] = short(120)
    approve: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = short(400, server_default=text("''"))
    decided_at: Mapped[datetime] = timestamp()
