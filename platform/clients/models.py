"""Tables of clients, restrictions on them and the timeline of leads, clients and partners."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

STATUSES = ("registered", "verified", "active", "suspended")
RESTRICTION_KINDS = ("deposit", "withdraw", "trade", "open_account")
SUBJECT_KINDS = ("lead", "client", "partner")


class Client(Base):
    """A person with a profile at the brokerage; `user_id` is how they sign in."""

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("kyc_level >= 0", name="kyc_level"),
        Index("uq_client_reference", "reference", unique=True),
        Index(
            "uq_client_user_id",
            "user_id",
            unique=True,
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        Index(
            "uq_client_lead_id",
            "lead_id",
            unique=True,
            postgresql_where=text("lead_id IS NOT NULL"),
        ),
        Index("ix_client_email", func.lower(text("email"))),
        Index("ix_client_created_at_id", "created_at", "id"),
        Index("ix_client_owner_id_created_at", "owner_id", "created_at"),
        # For the search of all rooms, which looks at the beginnings of names and numbers.
        Index("ix_client_first_name", text("lower(first_name)")),
        Index("ix_client_last_name", text("lower(last_name)")),
        Index("ix_client_phone", "phone"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    user_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    first_name: Mapped[str] = short(60)
    last_name: Mapped[str] = short(60)
    email: Mapped[str] = short(254)
    phone: Mapped[str] = short(24)
    country: Mapped[str] = short(2)
    language: Mapped[str] = short(5)
    status: Mapped[str] = short(12, server_default=text("'registered'"))
    kyc_level: Mapped[int] = mapped_column(server_default=text("0"))
    owner_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    lead_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    created_at: Mapped[datetime] = timestamp()

    @property
    def name(self) -> str:
        """First and last name as one line."""
        return f"{self.first_name} {self.last_name}".strip()


class Restriction(Base):
    """That a client may not do one thing for now, and which part of the product said so."""

    __tablename__ = "restriction"
    __table_args__ = (
        CheckConstraint(f"kind IN {RESTRICTION_KINDS}", name="kind"),
        Index(
            "uq_restriction_client_id_kind_source",
            "client_id",
            "kind",
            "source",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    client_id: Mapped[UUID] = uuid_ref()
    kind: Mapped[str] = short(16)
    source: Mapped[str] = short(20, server_default=text("'onboarding'"))
    reason: Mapped[str] = short(200)
    created_at: Mapped[datetime] = timestamp()
    lifted_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    lifted_reason: Mapped[str] = short(200, server_default=text("''"))


class TimelineEntry(Base):
    """One thing that happened to a lead, a client or a partner, told in words."""

    __tablename__ = "timeline_entry"
    __table_args__ = (
        CheckConstraint(f"subject_kind IN {SUBJECT_KINDS}", name="subject_kind"),
        Index("ix_timeline_entry_subject_kind_subject_id_at", "subject_kind", "subject_id", "at"),
    )
    id: Mapped[UUID] = uuid_key()
    subject_kind: Mapped[str] = short(8)
    subject_id: Mapped[UUID] = uuid_ref()
    at: Mapped[datetime] = timestamp()
    kind: Mapped[str] = short(24)
    icon: Mapped[str] = short(40)
    fact: Mapped[str] = short(160)
    detail: Mapped[str] = short(1000)
    actor_label: Mapped[str] = short(120)
