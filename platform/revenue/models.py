"""Tables of revenue: a line per deal, kind and version, and the rates that convert them."""

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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, money, short, timestamp, uuid_ref
from kernel.database import Base

KINDS = ("markup", "commission", "swap", "fee")


class RevenueLine(Base):
    """What one deal earned in one way; amounts are positive when the brokerage earns.

    A deal that its server changes gets new lines of a higher version, and only `latest` lines
    count; the earlier ones stay to be read. `day` is the day of the server's own clock.
    `amount_base` is empty while no rate to the base currency is known. Every amount is rounded
    once, half up, from the unrounded figures that `arithmetic` holds as text.
    """

    __tablename__ = "revenue_line"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        Index("ix_revenue_line_day", "day", "kind", postgresql_where=text("latest")),
        Index("ix_revenue_line_client_day", "client_id", "day", postgresql_where=text("latest")),
        Index("ix_revenue_line_no_rate", "day", postgresql_where=text("amount_base IS NULL")),
    )
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = short(10, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    latest: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    day: Mapped[dt.date] = mapped_column(Date)
    login: Mapped[int] = mapped_column(BigInteger)
    client_id: Mapped[UUID] = uuid_ref()
    account_type: Mapped[str] = short(20)
    group_name: Mapped[str] = short(120)
    symbol: Mapped[str] = short(40)
    lots: Mapped[Decimal] = mapped_column(Numeric(28, 10))
    amount_deal: Mapped[Decimal] = money()
    deal_currency: Mapped[str] = short(12)
    amount: Mapped[Decimal] = money()
    currency: Mapped[str] = short(8)
    amount_base: Mapped[Decimal | None] = money(nullable=True)
    base_currency: Mapped[str] = short(8)
    rate: Mapped[Decimal | None] = mapped_column(Numeric(38, 18), nullable=True)
    rate_source: Mapped[str] = short(120)
    arithmetic: Mapped[dict[str, Any]] = json_()
    created_at: Mapped[datetime] = timestamp()


class ExchangeRate(Base):
    """What one unit of a currency was worth in the base currency in one hour, and whence."""

    __tablename__ = "exchange_rate"
    currency: Mapped[str] = short(12, primary_key=True)
    base_currency: Mapped[str] = short(8, primary_key=True)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric(38, 18))
    source: Mapped[str] = short(120)
