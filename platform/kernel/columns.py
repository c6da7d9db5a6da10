"""Column kinds that every table uses, so that widths and defaults are decided once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Numeric, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import MappedColumn, mapped_column

from kernel.ids import uuid7


def uuid_key() -> MappedColumn[UUID]:
    """Primary key: UUIDv7, made here so that rows go out in batches; else by PostgreSQL."""
    return mapped_column(Uuid, primary_key=True, default=uuid7, server_default=text("uuidv7()"))


def uuid_ref(*, nullable: bool = False, index: bool = False) -> MappedColumn[Any]:
    """Hold the id of a row elsewhere."""
    return mapped_column(Uuid, nullable=nullable, index=index)


def short(size: int, *, nullable: bool = False, **options: Any) -> MappedColumn[Any]:
    """Bounded text: keeps a table free of a toast relation."""
    return mapped_column(String(size), nullable=nullable, **options)


def timestamp(*, default_now: bool = True, nullable: bool = False) -> MappedColumn[Any]:
    """Moment with time zone; `default_now` lets PostgreSQL write the transaction's time."""
    default = text("now()") if default_now and not nullable else None
    return mapped_column(DateTime(timezone=True), nullable=nullable, server_default=default)


def money(*, nullable: bool = False) -> MappedColumn[Any]:
    """Amount of money in major units: NUMERIC(28,8)."""
    return mapped_column(Numeric(28, 8), nullable=nullable)


def json_(*, nullable: bool = False) -> MappedColumn[Any]:
    """Structured detail as JSONB."""
    return mapped_column(JSONB, nullable=nullable)
