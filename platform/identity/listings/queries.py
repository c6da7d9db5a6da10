"""Every select on saved views, pins, changes to many rows, and the trail as a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select

from identity.models import (
    AuditEntry,
    BulkItem,
    BulkRun,
    RolePermission,
    SavedView,
    StaffRole,
    UserAccount,
    ViewPin,
)
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.viewer import Viewer, widest
from kernel.web.cursors import Window
from kernel.web.table import State

Session = TenantSession | ReadSession


async def viewer(session: Session, user_id: UUID) -> Viewer | None:
    """Return an active member of staff with what their roles grant at this moment."""
    user = await session.get(UserAccount, user_id, populate_existing=True)
    if user is None or user.state != "active" or user.kind != "staff":
        return None
    roles = set(await session.scalars(select(StaffRole.role).where(StaffRole.user_id == user_id)))
    found = await session.scalars(select(RolePermission).where(RolePermission.role.in_(roles)))
    scopes: dict[str, list[str]] = {}
    for grant in found:
        scopes.setdefault(grant.permission, []).append(grant.scope)
    grants = {permission: widest(several) for permission, several in scopes.items()}
    return Viewer("staff", user.id, user.name, user.email, frozenset(roles), grants)


async def saved_view(session: Session, view_id: UUID) -> SavedView | None:
    """Return the saved view of an id."""
    return await session.get(SavedView, view_id)


async def saved_views(
    session: Session, *, list_name: str, viewer_id: UUID
) -> Sequence[tuple[SavedView, ViewPin | None]]:
    """Return the views of a list somebody is offered, with their own pins, by name."""
    mine = and_(ViewPin.view_id == SavedView.id, ViewPin.owner_id == viewer_id)
    statement = (
        select(SavedView, ViewPin)
        .outerjoin(ViewPin, mine)
        .where(
            SavedView.list_name == list_name,
            or_(SavedView.shared, SavedView.owner_id == viewer_id),
        )
        .order_by(func.lower(SavedView.name), SavedView.id)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def own_views_for_update(
    session: TenantSession, *, list_name: str, owner_id: UUID
) -> Sequence[SavedView]:
    """Return somebody's own views of a list, locked to the end of the transaction."""
    statement = (
        select(SavedView)
        .where(SavedView.list_name == list_name, SavedView.owner_id == owner_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def view_pins_for_update(
    session: TenantSession, *, list_name: str, owner_id: UUID
) -> Sequence[ViewPin]:
    """Return what somebody pinned of a list, locked to the end of the transaction."""
    statement = (
        select(ViewPin)
        .where(ViewPin.list_name == list_name, ViewPin.owner_id == owner_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def bulk_run(session: Session, run_id: UUID) -> BulkRun | None:
    """Return a change to many rows."""
    return await session.get(BulkRun, run_id)


async def bulk_run_for_update(session: TenantSession, run_id: UUID) -> BulkRun | None:
    """Return a change as it is now, locked to the end of the transaction."""
    return await session.get(BulkRun, run_id, with_for_update=True, populate_existing=True)


async def undo_of(session: Session, run_id: UUID) -> BulkRun | None:
    """Return the change that sets another one back, when it was started."""
    statement = select(BulkRun).where(
        BulkRun.undo_of == run_id, BulkRun.state.in_(("running", "done"))
    )
    return await session.scalar(statement.limit(1))


async def bulk_outcomes(session: Session, run_id: UUID) -> dict[str, int]:
    """Return how many rows of a change have each outcome."""
    statement = (
        select(BulkItem.outcome, func.count())
        .where(BulkItem.run_id == run_id)
        .group_by(BulkItem.outcome)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def bulk_reasons(session: Session, run_id: UUID) -> list[tuple[str, int]]:
    """Return why rows are skipped and how many for each reason, the most frequent first."""
    statement = (
        select(BulkItem.reason, func.count())
        .where(BulkItem.run_id == run_id, BulkItem.outcome == "skipped")
        .group_by(BulkItem.reason)
        .order_by(func.count().desc(), BulkItem.reason)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def bulk_items(
    session: Session, run_id: UUID, *, outcome: str = "", limit: int | None = None
) -> Sequence[BulkItem]:
    """Return rows of a change in the order in which they were chosen."""
    statement = select(BulkItem).where(BulkItem.run_id == run_id).order_by(BulkItem.position)
    if outcome:
        statement = statement.where(BulkItem.outcome == outcome)
    statement = statement.limit(limit).execution_options(populate_existing=True)
    return (await session.scalars(statement)).all()


async def drop_old_runs(session: TenantSession, *, before: datetime) -> None:
    """Remove changes that were made before a moment, with their rows."""
    old = select(BulkRun.id).where(BulkRun.created_at < before)
    await session.execute(delete(BulkItem).where(BulkItem.run_id.in_(old)))
    await session.execute(delete(BulkRun).where(BulkRun.created_at < before))


_ENTRIES = slices.Source(
    columns={
        "at": AuditEntry.at,
        "who": AuditEntry.actor_label,
        "kind": AuditEntry.actor_kind,
        "action": AuditEntry.action,
        "record": AuditEntry.subject_kind,
        "subject": AuditEntry.subject_id,
        "reason": AuditEntry.reason,
        "request": AuditEntry.request_id,
    },
    key=AuditEntry.id,
    search=lambda word: [
        AuditEntry.actor_label.icontains(word, autoescape=True),
        AuditEntry.subject_id.icontains(word, autoescape=True),
        AuditEntry.action.icontains(word, autoescape=True),
    ],
)


def _entry(found: AuditEntry) -> AuditEntry:
    return found


async def entry_page(session: Session, state: State) -> Window[AuditEntry]:
    """Return a page of the trail."""
    return await slices.page(session, select(AuditEntry), state, _ENTRIES, make=_entry)


async def entry_rows(session: Session, state: State, *, limit: int) -> list[AuditEntry]:
    """Return the first entries of the whole trail."""
    chosen = select(AuditEntry)
    return await slices.rows(session, chosen, state, _ENTRIES, make=_entry, limit=limit)


async def entry_count(session: Session, state: State) -> int:
    """Return how many entries there are, not counted past `slices.COUNT_MAX`."""
    return await slices.count(session, select(AuditEntry.id), state, _ENTRIES)
