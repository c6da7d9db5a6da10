"""Every select on the versions of the brand, on their pictures, and on texts of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, true
from sqlalchemy.dialects.postgresql import insert

from backoffice.models import BrandFile, BrandVersion, TextOverride
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


async def brand_files(session: Session, upload_id: UUID, *, since: datetime) -> Sequence[BrandFile]:
    """Return the pictures of one upload that is no older than a moment."""
    statement = select(BrandFile).where(
        BrandFile.upload_id == upload_id, BrandFile.created_at >= since
    )
    return (await session.scalars(statement)).all()


async def unworn_files(session: Session, *, before: datetime, limit: int) -> list[tuple[UUID, str]]:
    """Return id and object key of old pictures that no version refers to."""
    entry = func.jsonb_each(BrandVersion.look["files"]).table_valued("key", "value")
    worn = (
        select(entry.c.value.op("->>")("key"))
        .select_from(BrandVersion)
        .join(entry, true())
        .where(BrandVersion.look["files"].isnot(None))
    )
    statement = (
        select(BrandFile.id, BrandFile.object_key)
        .where(BrandFile.created_at < before, BrandFile.object_key.not_in(worn))
        .order_by(BrandFile.created_at)
        .limit(limit)
    )
    return [(row.id, row.object_key) for row in await session.execute(statement)]


async def forget_files(session: TenantSession, ids: Sequence[UUID]) -> None:
    """Delete rows of pictures that are not in the store any more."""
    await session.execute(delete(BrandFile).where(BrandFile.id.in_(ids)))


async def own_texts(session: Session, *, language: str = "") -> Sequence[TextOverride]:
    """Return the brokerage's own texts, of one language or of all."""
    statement = select(TextOverride)
    if language:
        statement = statement.where(TextOverride.language == language)
    return (await session.scalars(statement)).all()


async def own_text(
    session: TenantSession, *, language: str, key_hash: str, locked: bool = False
) -> TextOverride | None:
    """Return one of them, as it is now; `locked` until the transaction ends."""
    statement = select(TextOverride).where(
        TextOverride.key_hash == key_hash, TextOverride.language == language
    )
    if locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return await session.scalar(statement)


async def add_own_text(session: TenantSession, **values: object) -> bool:
    """Add one; say whether it is the first of its language and key."""
    statement = insert(TextOverride).values(**values).on_conflict_do_nothing()
    found = await session.scalar(statement.returning(TextOverride.id))
    return found is not None


async def count_own_texts(session: TenantSession) -> int:
    """Return how many own texts there are."""
    return await session.scalar(select(func.count()).select_from(TextOverride)) or 0
