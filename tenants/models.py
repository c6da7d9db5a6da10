"""Control tables: clusters, tenants, their hosts, and the runs that made them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.columns import json_, short, timestamp, uuid_key, uuid_ref
from kernel.database import ControlBase

TENANT_STATES = ("provisioning", "trial", "active", "past_due", "suspended", "archived")
SURFACES = ("public", "trader", "partner", "staff")


class Cluster(ControlBase):
    """A database cluster that tenants are placed on."""

    __tablename__ = "cluster"
    id: Mapped[UUID] = uuid_key()
    name: Mapped[str] = short(40, unique=True)
    kind: Mapped[str] = short(20, server_default=text("'postgres'"))
    created_at: Mapped[datetime] = timestamp()


class Tenant(ControlBase):
    """A brokerage: our customer."""

    __tablename__ = "tenant"
    __table_args__ = (
        CheckConstraint(f"state IN {TENANT_STATES}", name="state"),
        CheckConstraint("slug ~ '^[a-z][a-z0-9-]{1,30}$'", name="slug"),
    )
    id: Mapped[UUID] = uuid_key()
    slug: Mapped[str] = short(31, unique=True)
    name: Mapped[str] = short(80)
    schema_name: Mapped[str] = short(42, unique=True)
    cluster_id: Mapped[UUID] = uuid_ref()
    state: Mapped[str] = short(20, server_default=text("'provisioning'"))
    base_currency: Mapped[str] = short(8, server_default=text("'USD'"))
    timezone: Mapped[str] = short(40, server_default=text("'UTC'"))
    language: Mapped[str] = short(8, server_default=text("'en'"))
    generation: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    schema_head: Mapped[str] = short(12, server_default=text("''"))
    brand: Mapped[dict[str, Any]] = json_()
    created_at: Mapped[datetime] = timestamp()


class Domain(ControlBase):
    """One host of one surface of one tenant; the host is lower-case punycode."""

    __tablename__ = "domain"
    __table_args__ = (CheckConstraint(f"surface IN {SURFACES}", name="surface"),)
    host: Mapped[str] = short(253, primary_key=True)
    tenant_id: Mapped[UUID] = uuid_ref(index=True)
    surface: Mapped[str] = short(12)
    verified: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    created_at: Mapped[datetime] = timestamp()


class ProvisioningRun(ControlBase):
    """One attempt to bring a tenant from its row to a usable brokerage."""

    __tablename__ = "provisioning_run"
    id: Mapped[UUID] = uuid_key()
    tenant_id: Mapped[UUID] = uuid_ref(index=True)
    state: Mapped[str] = short(12, server_default=text("'running'"))
    options: Mapped[dict[str, Any]] = json_()
    started_at: Mapped[datetime] = timestamp()
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class ProvisioningStep(ControlBase):
    """One step of a run: what happened, how often it was tried and how long it took."""

    __tablename__ = "provisioning_step"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = short(60)
    state: Mapped[str] = short(12, server_default=text("'waiting'"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    milliseconds: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    detail: Mapped[str] = short(300, server_default=text("''"))
    error: Mapped[str] = short(300, server_default=text("''"))
    finished_at: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)


class Lease(ControlBase):
    """A named job that one process at a time may hold, such as the scheduler's lead."""

    __tablename__ = "lease"
    name: Mapped[str] = short(80, primary_key=True)
    holder: Mapped[str] = short(80)
    lease_until: Mapped[datetime] = timestamp(default_now=False)


class TradingServer(ControlBase):
    """A real trading server: address, credentials and who polls it now."""

    __tablename__ = "trading_server"
    id: Mapped[UUID] = uuid_key()
    name: Mapped[str] = short(60, unique=True)
    kind: Mapped[str] = short(20)
    address: Mapped[str] = short(255)
    manager_login: Mapped[str] = short(40)
    secret_sealed: Mapped[bytes]
    fingerprint: Mapped[str] = short(80, server_default=text("''"))
    state: Mapped[str] = short(12, server_default=text("'active'"))
    lease_holder: Mapped[str] = short(80, server_default=text("''"))
    lease_until: Mapped[datetime | None] = timestamp(default_now=False, nullable=True)
    created_at: Mapped[datetime] = timestamp()


class ServerTenant(ControlBase):
    """That a tenant owns the groups under one mask of a server; masks are disjoint."""

    __tablename__ = "server_tenant"
    server_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_mask: Mapped[str] = short(120)
