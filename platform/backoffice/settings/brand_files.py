"""Pictures of the brand: taken in, found again by a form, and deleted when nothing wears them.

Whatever is put into the store has a row, so that what no version refers to can be deleted. A
form may refer to an upload for half a day, and a row lives a whole day at least: between the two
nothing can come to be worn that is being deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from backoffice import queries
from backoffice.models import BrandFile
from identity import audit
from kernel import images
from kernel.actor import SYSTEM, TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.images import Picture
from kernel.storage import ObjectStore
from tenants import brands

LOGOS = ("light", "dark", "square")
PARTS = (*LOGOS, "background")
ICON = "icon-"
_KIND = "brand"
_CARRIED = timedelta(hours=12)
_KEPT = timedelta(days=1)
_DELETED_AT_ONCE = 200
_GONE = "This file was sent too long ago. Choose it again."


async def taken(
    session: TenantSession, *, kind: str, data: bytes, store: ObjectStore, background: str
) -> dict[str, Any]:
    """Take a picture in and return what is known of it and, for the square logo, of its icons.

    `kind` is one of PARTS, `background` the `#rrggbb` around the mark in an icon that platforms
    cut. Raises InvalidInput for the field `logo_<kind>`.
    """
    return await upload(
        session, upload_id=uuid7(), kind=kind, data=data, store=store, background=background
    )


async def upload(
    session: TenantSession,
    *,
    upload_id: UUID,
    kind: str,
    data: bytes,
    store: ObjectStore,
    background: str,
) -> dict[str, Any]:
    """Take a picture in under an id by which `carried` finds it; else like `taken`."""
    if kind not in PARTS:
        raise NotFound
    try:
        made = await asyncio.to_thread(_drawn, kind, data, background)
    except InvalidInput as error:
        raise InvalidInput({f"logo_{kind}": error.fields.get("file", error.text)}) from None
    tenant: TenantRef = session.info["tenant"]
    known = {}
    for part, picture in made.items():
        key = await store.put(tenant, _KIND, picture.data, media_type=picture.media_type)
        entry = brands.file_entry(key, picture)
        session.add(
            BrandFile(
                upload_id=upload_id,
                part=part,
                object_key=key,
                media_type=entry["media_type"],
                extension=entry["extension"],
                sha=entry["sha"],
            )
        )
        known[part] = entry
    audit.record(
        session,
        "backoffice.brand.logo",
        subject=("brand_logo", kind),
        after={name: entry["sha"] for name, entry in known.items()},
    )
    return known


async def carried(session: TenantSession, *, kind: str, upload_id: UUID) -> dict[str, Any]:
    """Return what a form refers to by an upload's id; raise InvalidInput when it is too old."""
    rows = await queries.brand_files(session, upload_id, since=now() - _CARRIED)
    found = {
        row.part: {
            "key": row.object_key,
            "media_type": row.media_type,
            "extension": row.extension,
            "sha": row.sha,
        }
        for row in rows
    }
    if kind not in found:
        raise InvalidInput({f"logo_{kind}": _GONE})
    return found


def without(files: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the files of a look without one picture and what was made from it."""
    gone = {kind} | (
        {name for name in files if name.startswith(ICON)} if kind == "square" else set()
    )
    return {name: entry for name, entry in files.items() if name not in gone}


async def delete_unworn(database: Database, tenant: TenantRef, *, store: ObjectStore) -> int:
    """Delete pictures that no version has referred to for a day; return how many."""
    async with database.tenant_read(tenant) as session:
        gone = await queries.unworn_files(session, before=now() - _KEPT, limit=_DELETED_AT_ONCE)
    for _, key in gone:
        await store.delete(tenant, key)
    if gone:
        async with database.tenant(tenant, actor=SYSTEM) as session:
            await queries.forget_files(session, [file_id for file_id, _ in gone])
            audit.record(
                session,
                "backoffice.brand.unworn_deleted",
                subject=("brand_logo", "unworn"),
                after={"count": len(gone)},
            )
    return len(gone)


def _drawn(kind: str, data: bytes, background: str) -> dict[str, Picture]:
    if kind == "square":
        return images.square(data, background=background)
    return {kind: images.background(data) if kind == "background" else images.logo(data)}
