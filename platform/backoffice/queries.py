"""Every select on the versions of the brand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from backoffice.models import BrandVersion
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


async def version_in(session: Session, state: str) -> BrandVersion | None:
    """Return the one version in a state that only one can be in."""
    statement = select(BrandVersion).where(BrandVersion.state == state).limit(1)
    return await session.scalar(statement)


async def locked_version(session: TenantSession, version_id: UUID) -> BrandVersion | None:
    """Return a version as it is now, locked until the transaction ends."""
    return await session.get(BrandVersion, version_id, with_for_update=True, populate_existing=True)


async def version(session: Session, version_id: UUID) -> BrandVersion | None:
    """Return a version."""
    return await session.get(BrandVersion, version_id)


async def latest_versions(session: Session, *, limit: int) -> Sequence[BrandVersion]:
    """Return the newest versions first."""
    statement = select(BrandVersion).order_by(BrandVersion.number.desc()).limit(limit)
    return (await session.scalars(statement)).all()


async def last_number(session: Session) -> int:
    """Return the number of the newest version; 0 before the first."""
    return await session.scalar(select(func.max(BrandVersion.number))) or 0


async def due_version(session: TenantSession, *, moment: datetime) -> BrandVersion | None:
    """Return the version whose time has come, locked until the transaction ends."""
    statement = (
        select(BrandVersion)
        .where(BrandVersion.state == "scheduled", BrandVersion.publish_at <= moment)
        .limit(1)
        .with_for_update()
    )
    return await session.scalar(statement)
