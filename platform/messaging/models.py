"""The table of messages."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import short, timestamp, uuid_key
from kernel.database import Base


class Message(Base):
    """One message to one person; what it says is sealed, since links and passwords are secrets."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("channel IN ('mail')", name="channel"),
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        Index("ix_message_created_at", "created_at"),
    )
    id: Mapped[UUID] = uuid_key()
    channel: Mapped[str] = short(8, server_default=text("'mail'"))
    recipient: Mapped[str] = short(254)
    template: Mapped[str] = short(40)
    subject: Mapped[str] = short(200)
    body_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, nullable=True)
    state: Mapped[str] = short(8, server_default=text("'queued'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str] = short(200, server_default=text("''"))
    lease_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()
    sent_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
