"""Tables of reference rates, mark-ups and how long a rate may be used."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Numeric, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import short, timestamp, uuid_key
from kernel.database import Base

EVERY = "*"


class ReferenceRate(Base):
    """What one source said at a moment: units of `currency_to` for one of `currency_from`.

    Rows are appended; a correction of the source is one more row, and the last imported counts.
    """

    __tablename__ = "reference_rate"
    __table_args__ = (
        UniqueConstraint(
            *("currency_from", "currency_to", "source", "quoted_at", "mid"),
            name="uq_reference_rate_said",
        ),
        CheckConstraint("mid > 0 AND mid <> 'NaN'", name="positive"),
        CheckConstraint("currency_from <> currency_to", name="pair"),
        Index("ix_reference_rate_newest", "currency_from", "currency_to", "quoted_at"),
    )
    id: Mapped[UUID] = uuid_key()
    currency_from: Mapped[str] = short(8)
    currency_to: Mapped[str] = short(8)
    mid: Mapped[Decimal] = mapped_column(Numeric(28, 12))
    source: Mapped[str] = short(40)
    quoted_at: Mapped[datetime] = timestamp(default_now=False)
    imported_at: Mapped[datetime] = timestamp()
    actor: Mapped[str] = short(120)


class RateMarkup(Base):
    """From a moment on, what is taken off the market's rate where a client sells one for another.

    A pair and its reverse are the two sides of a client's trade. `*` for both is every pair that
    has no row of its own. The newest row of a pair counts; none means no mark-up.
    """

    __tablename__ = "rate_markup"
    __table_args__ = (
        CheckConstraint("percent >= 0 AND percent < 100", name="percent"),
        Index("ix_rate_markup_pair", "currency_from", "currency_to", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    currency_from: Mapped[str] = short(8)
    currency_to: Mapped[str] = short(8)
    percent: Mapped[Decimal] = mapped_column(Numeric(8, 4))
    created_at: Mapped[datetime] = timestamp()
    actor: Mapped[str] = short(120)


class RatePolicy(Base):
    """How old a rate may be (hours), and how long a quote holds (seconds); one row or none."""

    __tablename__ = "rate_policy"
    __table_args__ = (
        CheckConstraint("age_hours BETWEEN 1 AND 720", name="age"),
        CheckConstraint("quote_seconds BETWEEN 5 AND 3600", name="quote"),
    )
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    age_hours: Mapped[int] = mapped_column(Integer)
    quote_seconds: Mapped[int] = mapped_column(Integer)
