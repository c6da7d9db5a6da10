"""Tables of partners, their tree, plans, attributions, commission lines and postings."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, money, short, timestamp, uuid_key, uuid_ref
from kernel.database import Base

PARTNER_STATES = ("applied", "active", "suspended", "refused")
STRUCTURES = ("rank", "level")
JOINING = ("public", "private")


class Plan(Base):
    """One version of a plan; a trade pays by the version in force when it closed.

    `rank` pays each partner the difference to the highest entitlement below; `level` pays by
    the distance from the client. `terms` hold `rates` (per lot, by group of instruments, one a
    level), `percents` of the commission for `percent_accounts`, `lot_modifiers` by account
    type, `guard_percent` of the trade's revenue and `minimum_seconds` a trade must be held.
    Amounts are in `currency`, the brokerage's base currency.
    """

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint(f"structure IN {STRUCTURES}", name="structure"),
        CheckConstraint(f"joining IN {JOINING}", name="joining"),
    )
    id: Mapped[UUID] = uuid_key()
    code: Mapped[str] = short(20)
    version: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = short(60)
    structure: Mapped[str] = short(8)
    joining: Mapped[str] = short(8)
    auto_approve: Mapped[bool] = mapped_column(Boolean)
    currency: Mapped[str] = short(8)
    terms: Mapped[dict[str, Any]] = json_()
    effective_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = timestamp()


class Partner(Base):
    """An introducing broker; `code` is what their link carries, `ratio` multiplies their rates.

    A suspended partner goes on accruing, but nothing is posted until they are active again.
    """

    __tablename__ = "partner"
    __table_args__ = (
        CheckConstraint(f"state IN {PARTNER_STATES}", name="state"),
        Index("uq_partner_reference", "reference", unique=True),
        Index("uq_partner_code", func.upper(text("code")), unique=True),
        Index("uq_partner_user_id", "user_id", unique=True),
        Index("ix_partner_parent_id", "parent_id"),
    )
    id: Mapped[UUID] = uuid_key()
    reference: Mapped[str] = short(16)
    user_id: Mapped[UUID] = uuid_ref()
    client_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    name: Mapped[str] = short(120)
    email: Mapped[str] = short(254)
    country: Mapped[str] = short(2)
    code: Mapped[str] = short(24)
    plan_code: Mapped[str] = short(20)
    ratio: Mapped[Decimal] = mapped_column(Numeric(8, 4), server_default=text("1"))
    parent_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    state: Mapped[str] = short(10)
    created_at: Mapped[datetime] = timestamp()
    activated_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class PartnerTerm(Base):
    """The plan and ratio of a partner from a moment on, until the next row."""

    __tablename__ = "partner_term"
    partner_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    plan_code: Mapped[str] = short(20)
    ratio: Mapped[Decimal] = mapped_column(Numeric(8, 4))


class PartnerClosure(Base):
    """That one partner stood above another, so many steps away, for a time; 0 is oneself.

    A loop would make somebody their own ancestor, which the check refuses.
    """

    __tablename__ = "partner_closure"
    __table_args__ = (
        CheckConstraint("(depth = 0) = (ancestor_id = descendant_id)", name="no_loop"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
        Index(
            "uq_partner_closure_now",
            "ancestor_id",
            "descendant_id",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
        ),
        Index("ix_partner_closure_descendant", "descendant_id", "valid_from"),
    )
    id: Mapped[UUID] = uuid_key()
    ancestor_id: Mapped[UUID] = uuid_ref()
    descendant_id: Mapped[UUID] = uuid_ref()
    depth: Mapped[int] = mapped_column(SmallInteger)
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class Attribution(Base):
    """Which partner a client came through, and since when; the first touch stays."""

    __tablename__ = "attribution"
    __table_args__ = (Index("ix_attribution_partner_id", "partner_id", "at"),)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = uuid_ref()
    source: Mapped[str] = short(8)
    code: Mapped[str] = short(24)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class LeadAttribution(Base):
    """Which partner a lead came through first; it counts for 90 days."""

    __tablename__ = "lead_attribution"
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = uuid_ref()
    code: Mapped[str] = short(24)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ReferralVisit(Base):
    """That a visitor followed a partner's link; `visitor` is a random name from a cookie."""

    __tablename__ = "referral_visit"
    __table_args__ = (
        Index("ix_referral_visit_partner_id", "partner_id", "at"),
        Index("ix_referral_visit_visitor", "visitor", "at"),
    )
    id: Mapped[UUID] = uuid_key()
    partner_id: Mapped[UUID] = uuid_ref()
    code: Mapped[str] = short(24)
    visitor: Mapped[str] = short(64)
    at: Mapped[datetime] = timestamp()


class CommissionLine(Base):
    """What one closing deal pays one partner; `level` 1 stands next to the client.

    Rounded down once. When deal, revenue, tree or terms change, a new `revision` is appended
    and only the `latest` counts. `reason` says why a line pays nothing or less. `arithmetic`
    holds every input and step as text.
    """

    __tablename__ = "commission_line"
    __table_args__ = (
        UniqueConstraint(
            *("server_id", "ticket", "partner_id", "plan_id", "plan_version", "level"),
            "revision",
            name="uq_commission_line_revision",
        ),
        CheckConstraint("amount >= 0", name="amount"),
        Index(
            "ix_commission_line_partner_day", "partner_id", "day", postgresql_where=text("latest")
        ),
        Index("ix_commission_line_client_day", "client_id", "day", postgresql_where=text("latest")),
        Index("ix_commission_line_day", "day", postgresql_where=text("latest")),
    )
    id: Mapped[UUID] = uuid_key()
    server_id: Mapped[UUID] = uuid_ref()
    ticket: Mapped[int] = mapped_column(BigInteger)
    partner_id: Mapped[UUID] = uuid_ref()
    plan_id: Mapped[UUID] = uuid_ref()
    plan_version: Mapped[int] = mapped_column(Integer)
    level: Mapped[int] = mapped_column(SmallInteger)
    revision: Mapped[int] = mapped_column(Integer)
    latest: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    client_id: Mapped[UUID] = uuid_ref()
    symbol: Mapped[str] = short(40)
    lots: Mapped[Decimal] = mapped_column(Numeric(28, 10))
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    reason: Mapped[str] = short(160)
    day: Mapped[dt.date] = mapped_column(Date)
    closed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    arithmetic: Mapped[dict[str, Any]] = json_()
    created_at: Mapped[datetime] = timestamp()


class CommissionPosting(Base):
    """What was posted to the book for a partner's day; a late difference is one more row."""

    __tablename__ = "commission_posting"
    __table_args__ = (CheckConstraint("amount <> 0", name="amount"),)
    partner_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    entry_id: Mapped[UUID] = uuid_ref()
    posted_at: Mapped[datetime] = timestamp()


class Acquisition(Base):
    """What a partner earns once for a client who has brought in what the plan asks for (CPA).

    It is in the partner's wallet from `qualified_at` and set aside until `payable_at`; `hold_id`
    is None where that time was over already.
    """

    __tablename__ = "acquisition"
    __table_args__ = (
        UniqueConstraint("client_id", name="uq_acquisition_client_id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("state IN ('accrued', 'reversed')", name="state"),
        Index("ix_acquisition_partner_id", "partner_id", "id"),
    )
    id: Mapped[UUID] = uuid_key()
    client_id: Mapped[UUID] = uuid_ref()
    partner_id: Mapped[UUID] = uuid_ref()
    deposit_id: Mapped[UUID] = uuid_ref()
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    lots: Mapped[Decimal] = mapped_column(Numeric(28, 10))
    qualified_at: Mapped[datetime] = timestamp(default_now=False)
    payable_at: Mapped[datetime] = timestamp(default_now=False)
    entry_id: Mapped[UUID] = uuid_ref()
    hold_id: Mapped[UUID | None] = uuid_ref(nullable=True)
    state: Mapped[str] = short(10)
    created_at: Mapped[datetime] = timestamp()


class CommissionReversal(Base):
    """What was taken back from a partner because a client's deposit was charged back."""

    __tablename__ = "commission_reversal"
    __table_args__ = (
        UniqueConstraint(
            "deposit_id", "partner_id", "kind", name="uq_commission_reversal_deposit_id"
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("kind IN ('cpa', 'rebate')", name="kind"),
    )
    id: Mapped[UUID] = uuid_key()
    deposit_id: Mapped[UUID] = uuid_ref()
    client_id: Mapped[UUID] = uuid_ref(index=True)
    partner_id: Mapped[UUID] = uuid_ref()
    kind: Mapped[str] = short(8)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    entry_id: Mapped[UUID] = uuid_ref()
    reversed_at: Mapped[datetime] = timestamp(default_now=False)
