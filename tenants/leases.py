"""Leases by name: one holder at a time, given up by release or by running out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import insert

from kernel.database import ControlSession
from tenants.models import Lease


async def take(session: ControlSession, *, name: str, holder: str, seconds: float) -> bool:
    """Take or renew the lease by the database's clock; say whether it is ours now."""
    until = func.clock_timestamp() + timedelta(seconds=seconds)
    row = insert(Lease).values(name=name, holder=holder, lease_until=until)
    statement = row.on_conflict_do_update(
        index_elements=[Lease.name],
        set_={"holder": row.excluded.holder, "lease_until": row.excluded.lease_until},
        where=or_(Lease.lease_until < func.clock_timestamp(), Lease.holder == holder),
    ).returning(Lease.name)
    return await session.scalar(statement) is not None
