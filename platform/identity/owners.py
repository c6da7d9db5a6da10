"""Where a session's people and their secrets are: in a brokerage's schema, or in control."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from kernel.actor import TenantRef
from kernel.database import ControlSession, TenantSession

Table = TypeVar("Table")
# The owner of what is sealed in control; no tenant's id is of version 8.
VENDOR = UUID("00000000-0000-8000-8000-000000000000")


def table(
    session: TenantSession | ControlSession, own: type[Table], vendors: type[Any]
) -> type[Table]:
    """Return the brokerage's model or its twin in control, which has the same columns."""
    return own if isinstance(session, TenantSession) else vendors


def sealed_for(session: TenantSession | ControlSession) -> UUID:
    """Return the owner that the vault binds secrets of this session to."""
    if isinstance(session, ControlSession):
        return VENDOR
    tenant: TenantRef = session.info["tenant"]
    return tenant.id
