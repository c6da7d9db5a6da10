"""The life of the brand's versions: draft, scheduled, published, and back again.

The version that is worn is never changed: going back makes a new version like an old one, so
that the list says what every visitor saw and when. Control and every web process learn of a new
one by an event, after the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from backoffice import queries
from backoffice.events import BrandPublished
from backoffice.models import BrandVersion
from backoffice.settings import looks
from identity import audit
from kernel import events
from kernel.actor import SYSTEM, TenantRef
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.ids import uuid7
from tenants import brands

BEGAN = "as it began"
_SUBJECT = "brand_version"
_AHEAD_MAX = timedelta(days=365)


class NothingToPublish(Conflict):
    """There is no draft."""

    code = "nothing_to_publish"
    message = "There is no draft to publish. Save one first."


async def current_look(session: TenantSession, *, worn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft's look, else the published one's, else what the brokerage began with."""
    first = first_look(session.info["tenant"], worn)
    for state in ("draft", "published"):
        found = await queries.version_in(session, state)
        if found is not None:
            return {**first, **found.look}
    return first


def first_look(tenant: TenantRef, worn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the look of a brokerage that never published one."""
    brand = brands.dressed(tenant, worn)
    return {
        **looks.PLAIN,
        "name": brand.name,
        "main": brand.colours.brand,
        "accent": brand.colours.accent,
        "radius": brand.colours.radius,
        "density": brand.colours.density,
        "font": brand.colours.font,
        "theme": brand.theme,
        "background": brand.background,
        "menu": dict(worn.get("menu") or {}),
        "cards": dict(worn.get("cards") or {}),
        "texts": dict(worn.get("texts") or {}),
        "files": dict(worn.get("files") or {}),
    }


async def begin(session: TenantSession, *, worn: Mapping[str, Any]) -> None:
    """Keep what a brokerage wears before its first version, so that it can be gone back to."""
    if await queries.last_number(session):
        return
    first = first_look(session.info["tenant"], worn)
    made = await _new(session, first, state="earlier", note=BEGAN)
    made.published_at = now()
    await _flush(session)


async def save(
    session: TenantSession,
    *,
    values: Mapping[str, Any],
    files: Mapping[str, Any],
    note: str = "",
) -> BrandVersion:
    """Write the draft anew; raise InvalidInput with one sentence a field.

    `files` are those of `brand_files`, which no visitor can make up.
    """
    look = {**looks.checked(values), "files": dict(files)}
    if look["background"] == "picture" and "background" not in look["files"]:
        raise InvalidInput({"background": "Choose a picture first, or another background."})
    draft = await queries.version_in(session, "draft")
    before = dict(draft.look) if draft is not None else None
    if draft is None:
        draft = await _new(session, look, state="draft", note=note)
    else:
        draft.look, draft.made_by, draft.note = look, session.info["actor"].label[:120], note
    await _flush(session)
    _record(session, "backoffice.brand.save", draft, before=before)
    return draft


async def publish(session: TenantSession) -> BrandVersion:
    """Let every surface wear the draft; raise NothingToPublish."""
    draft = await queries.version_in(session, "draft")
    if draft is None:
        raise NothingToPublish
    return await _wear(session, draft)


async def schedule(session: TenantSession, *, at: datetime) -> BrandVersion:
    """Let the draft wait for its time (UTC); what waited before becomes an earlier version.

    Raises NothingToPublish, and InvalidInput for the field `publish_at`.
    """
    if not now() < at < now() + _AHEAD_MAX:
        raise InvalidInput({"publish_at": "Choose a time from now on and within a year, in UTC."})
    draft = await queries.version_in(session, "draft")
    if draft is None:
        raise NothingToPublish
    waiting = await queries.version_in(session, "scheduled")
    if waiting is not None:
        waiting.state = "earlier"
        await session.flush()
    draft.state, draft.publish_at = "scheduled", at
    await _flush(session)
    _record(session, "backoffice.brand.schedule", draft)
    return draft


async def roll_back(session: TenantSession, *, version_id: UUID) -> BrandVersion:
    """Publish a new version that looks like an earlier one; raise NotFound or Conflict."""
    wanted = await queries.locked_version(session, version_id)
    if wanted is None:
        raise NotFound
    if wanted.published_at is None or wanted.state != "earlier":
        raise Conflict("Only a version that was published before can be gone back to.")
    made = await _new(session, dict(wanted.look), state="earlier", note=f"as {wanted.number}")
    return await _wear(session, made)


async def publish_due(session: TenantSession) -> BrandVersion | None:
    """Publish the version whose time has come, if there is one."""
    session.info["actor"] = SYSTEM
    due = await queries.due_version(session, moment=now())
    return await _wear(session, due) if due is not None else None


async def _wear(session: TenantSession, version: BrandVersion) -> BrandVersion:
    worn = await queries.version_in(session, "published")
    if worn is not None:
        worn.state = "earlier"
        # The partial unique index must see the old one go before the new one comes.
        await session.flush()
    version.state, version.published_at, version.publish_at = "published", now(), None
    await _flush(session)
    _record(session, "backoffice.brand.publish", version, before=dict(worn.look) if worn else None)
    events.record(session, BrandPublished(version.id))
    return version


async def _new(
    session: TenantSession, look: dict[str, Any], *, state: str, note: str
) -> BrandVersion:
    version = BrandVersion(
        id=uuid7(),
        number=await queries.last_number(session) + 1,
        state=state,
        look=look,
        made_by=session.info["actor"].label[:120],
        note=note,
        publish_at=None,
        published_at=None,
    )
    session.add(version)
    return version


async def _flush(session: TenantSession) -> None:
    """Write; two people who publish at once meet at the unique index, and one starts again."""
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict from None


def _record(
    session: TenantSession,
    action: str,
    version: BrandVersion,
    *,
    before: dict[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        action,
        subject=(_SUBJECT, version.id),
        before=_plain(before) if before else None,
        after={"number": version.number, "state": version.state, **_plain(version.look)},
    )


def _plain(look: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit trail keeps of a look: of its texts, which are its own."""
    own = (look.get("texts") or {}).items()
    said = sorted(f"{key}.{language}" for key, texts in own for language in texts)
    return {name: look.get(name, "") for name in looks.FIELDS} | {"texts": said}
