"""The versions of a brokerage's brand: what it wears, what it tries on, what it wore before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key
from kernel.database import Base

VERSION_STATES = ("earlier", "draft", "scheduled", "published")


class BrandVersion(Base):
    """One version of the brand; at most one is the draft, one waits and one is worn."""

    __tablename__ = "brand_version"
    __table_args__ = (
        CheckConstraint(f"state IN {VERSION_STATES}", name="state"),
        CheckConstraint("state <> 'scheduled' OR publish_at IS NOT NULL", name="scheduled"),
        Index("uq_brand_version_number", "number", unique=True),
        Index(
            "uq_brand_version_alone",
            "state",
            unique=True,
            postgresql_where=text("state <> 'earlier'"),
        ),
    )
    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = short(12, server_default=text("'draft'"))
    look: Mapped[dict[str, Any]] = json_()
    made_by: Mapped[str] = short(120, server_default=text("''"))
    note: Mapped[str] = short(120, server_default=text("''"))
    publish_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    published_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()
