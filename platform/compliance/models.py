"""Tables of cases, documents and who has looked at them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

CASE_STATES = ("collecting", "in_review", "approved", "rejected")
DOCUMENT_KINDS = ("passport", "id_front", "id_back", "proof_of_address", "selfie")
DOCUMENT_STATES = ("received", "accepted", "rejected", "replaced")


class KycCase(Base):
    """One client's verification, from the first document to the decision."""

    __tablename__ = "kyc_case"
    __table_args__ = (
        CheckConstraint(f"state IN {CASE_STATES}", name="state"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint(
            "state NOT IN ('approved', 'rejected')"
            " OR (decided_at IS NOT NULL AND decided_by IS NOT NULL)",
            name="decided",
        ),
        Index("uq_kyc_case_client_id", "client_id", unique=True),
        Index("uq_kyc_case_reference", "reference", unique=True),
        Index("ix_kyc_case_state_submitted_at_id", "state", "submitted_at", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    client_id: Mapped[UUID] = uuid_ref()
    state: Mapped[str] = short(12, server_default=text("'collecting'"))
    level: Mapped[int] = mapped_column(Integer, server_default=text("2"))
    account_type_code: Mapped[str] = short(20, server_default=text("'STD'"))
    born_on: Mapped[date | None] = mapped_column(Date, nullable=True)
    address: Mapped[str] = short(200, server_default=text("''"))
    document_number: Mapped[str] = short(40, server_default=text("''"))
    submitted_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    decided_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    decided_by: Mapped[UUID | None] = uuid_ref(nullable=True)
    reason: Mapped[str] = short(400, server_default=text("''"))
    created_at: Mapped[datetime] = timestamp()


class KycDocument(Base):
    """One file a client sent: sealed in the object store, found by its key; never changed."""

    __tablename__ = "kyc_document"
    __table_args__ = (
        CheckConstraint(f"kind IN {DOCUMENT_KINDS}", name="kind"),
        CheckConstraint(f"state IN {DOCUMENT_STATES}", name="state"),
        CheckConstraint("size_bytes > 0", name="size_bytes"),
        Index("ix_kyc_document_client_id_created_at", "client_id", "created_at"),
        Index(
            "uq_kyc_document_case_id_kind",
            "case_id",
            "kind",
            unique=True,
            postgresql_where=text("state <> 'replaced'"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    case_id: Mapped[UUID] = mapped_column(ForeignKey("kyc_case.id"))
    client_id: Mapped[UUID] = uuid_ref()
    kind: Mapped[str] = short(20)
    object_key: Mapped[str] = short(160)
    filename: Mapped[str] = short(80)
    media_type: Mapped[str] = short(40)
    size_bytes: Mapped[int] = mapped_column(Integer)
    # Of the bytes as the client sent them, so that a file can be recognised.
    sha256: Mapped[str] = short(64)
    state: Mapped[str] = short(10, server_default=text("'received'"))
    reason: Mapped[str] = short(200, server_default=text("''"))
    expires_on: Mapped[date | None] = mapped_column(Date, nullable=True)
    created_at: Mapped[datetime] = timestamp()


class DocumentView(Base):
    """That somebody opened a document; appended, never changed."""

    __tablename__ = "document_view"
    id: Mapped[UUID] = uuid_key()
    document_id: Mapped[UUID] = mapped_column(ForeignKey("kyc_document.id"), index=True)
    viewer_id: Mapped[UUID] = uuid_ref()
    viewer_label: Mapped[str] = short(120)
    at: Mapped[datetime] = timestamp()
