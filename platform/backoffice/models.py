"""The versions of a brokerage's brand, and the texts of the product that it words itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
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


class BrandFile(Base):
    """A picture in the store that was taken in for the brand, whether a version wears it or not.

    Those of one upload (a square logo and its icons) share `upload_id`, which a form carries.
    """

    __tablename__ = "brand_file"
    __table_args__ = (Index("ix_brand_file_upload", "upload_id"),)
    id: Mapped[UUID] = uuid_key()
    upload_id: Mapped[UUID] = uuid_ref()
    part: Mapped[str] = short(16)
    object_key: Mapped[str] = short(160)
    media_type: Mapped[str] = short(40)
    extension: Mapped[str] = short(8)
    sha: Mapped[str] = short(16)
    created_at: Mapped[datetime] = timestamp()


class TextOverride(Base):
    """A text of the product that the brokerage words itself, in one language.

    `forms` are all its forms, one unless it is counted; `version` counts its changes, so that of
    two who change it at once the later is told.
    """

    __tablename__ = "text_override"
    __table_args__ = (
        CheckConstraint("char_length(key) BETWEEN 1 AND 4000", name="key"),
        CheckConstraint("cardinality(forms) BETWEEN 1 AND 6", name="forms"),
        CheckConstraint("octet_length(array_to_string(forms, '')) <= 50000", name="length"),
        Index("uq_text_override_key_hash", "key_hash", "language", unique=True),
    )
    id: Mapped[UUID] = uuid_key()
    language: Mapped[str] = short(8)
    key_hash: Mapped[str] = short(32)
    key: Mapped[str] = mapped_column(Text)
    forms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    changed_by: Mapped[str] = short(120, server_default=text("''"))
    changed_at: Mapped[datetime] = timestamp()
