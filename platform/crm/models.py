"""Tables of leads and of the rules that give them to people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

STAGES = ("new", "contacted", "qualified", "converted", "lost", "nurture")
SOURCES = ("form", "embed", "api", "referral", "register", "import")


class Lead(Base):
    """A person who asked for something and is not a client yet.

    Address and telephone number are each unique: who comes twice is the same lead.
    """

    __tablename__ = "lead"
    __table_args__ = (
        CheckConstraint(f"stage IN {STAGES}", name="stage"),
        CheckConstraint(f"source IN {SOURCES}", name="source"),
        Index("uq_lead_reference", "reference", unique=True),
        Index("uq_lead_email", text("lower(email)"), unique=True),
        Index("uq_lead_phone_digits", "phone_digits", unique=True),
        Index("ix_lead_created_at_id", "created_at", "id"),
        Index("ix_lead_score_id", "score", "id"),
        Index("ix_lead_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_lead_stage_created_at_id", "stage", "created_at", "id"),
        # For the search of all rooms, which looks at the beginnings of names.
        Index("ix_lead_first_name", text("lower(first_name)")),
        Index("ix_lead_last_name", text("lower(last_name)")),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    first_name: Mapped[str] = short(60)
    last_name: Mapped[str] = short(60)
    email: Mapped[str] = short(254)
    phone: Mapped[str] = short(24)
    phone_digits: Mapped[str] = short(16)
    country: Mapped[str] = short(2)
    language: Mapped[str] = short(5)
    source: Mapped[str] = short(10)
    campaign: Mapped[str | None] = short(80, nullable=True)
    utm: Mapped[dict[str, Any]] = json_()
    referral_code: Mapped[str | None] = short(24, nullable=True)
    partner_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    stage: Mapped[str] = short(10, server_default=text("'new'"))
    owner_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    assigned_reason: Mapped[str] = short(300, server_default=text("''"))
    client_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    score: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = timestamp()
    updated_at: Mapped[datetime] = timestamp()

    @property
    def name(self) -> str:
        """First and last name as one line."""
        return f"{self.first_name} {self.last_name}".strip()


class LeadTally(Base):
    """So many leads more, or fewer, of a stage, country and owner; triggers write the rows."""

    __tablename__ = "lead_tally"
    # The rows are a log of changes without a key; nothing reads them one by one.
    __mapper_args__ = {"primary_key": ["stage", "country", "owner_id"]}
    stage: Mapped[str] = short(10)
    country: Mapped[str] = short(2)
    owner_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    number: Mapped[int] = mapped_column()


class RoutingRule(Base):
    """Which leads go to which people, in turn.

    Empty countries or languages match every lead; an empty pool means every active sales
    agent. `last_index` is the place in the pool of whoever got the last lead. The pool holds ids
    as text: other arrays than of text would make the driver ask for their types.
    """

    __tablename__ = "routing_rule"
    __table_args__ = (Index("ix_routing_rule_position", "position"),)
    id: Mapped[UUID] = uuid_key()
    position: Mapped[int] = mapped_column()
    name: Mapped[str] = short(60)
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    pool: Mapped[list[str]] = mapped_column(ARRAY(Text))
    last_index: Mapped[int] = mapped_column(server_default=text("-1"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class CaptureKey(Base):
    """An Idempotency-Key that a program sent with a lead, and the lead it made."""

    __tablename__ = "capture_key"
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column()
    lead_id: Mapped[UUID] = uuid_ref()
    created_at: Mapped[datetime] = timestamp()
