"""Tasks: what a member of staff has to do by a moment, for themselves or for their team.

They live here because people of all rooms have them and because they know people, not records:
a subject is a kind and an id. Who may see a colleague's task goes by scope: own, the people of
the same desk, or everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from identity import audit
from identity.models import StaffTask
from identity.roles import desks
from identity.shell import queries
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.viewer import Viewer

TITLE_MAX = 160
READ = "identity.task.read"
CHANGE = "identity.task.change"
_YEAR = 366 * 24 * 3600


async def create(
    session: TenantSession,
    *,
    viewer: Viewer,
    title: str,
    due_at: datetime | None,
    assignee_id: UUID,
    subject: tuple[str, UUID] | None = None,
) -> StaffTask:
    """Give somebody a task; raise InvalidInput with a sentence per field.

    Whether the viewer may see the subject is for the caller to know.
    """
    errors: dict[str, str] = {}
    title = " ".join(title.replace("\x00", "").split())
    if not 1 <= len(title) <= TITLE_MAX:
        errors["title"] = f"Say what is to be done, in at most {TITLE_MAX} characters."
    if due_at is None:
        errors["due"] = "Say by when, such as 2026-11-24 at 17:00."
    elif abs((due_at - now()).total_seconds()) > _YEAR:
        errors["due"] = "Choose a day within a year from now."
    people = await assignable(session, viewer)
    if assignee_id not in {person_id for person_id, _ in people}:
        errors["assignee_id"] = "Choose one of the people whom you may give tasks."
    if errors or due_at is None:
        raise InvalidInput(errors)
    task = StaffTask(
        title=title,
        due_at=due_at,
        assignee_id=assignee_id,
        created_by=viewer.id,
        subject_kind=subject[0] if subject else None,
        subject_id=subject[1] if subject else None,
    )
    session.add(task)
    await session.flush()  # the trail names the row
    audit.record(
        session,
        "identity.task.create",
        subject=("task", task.id),
        after={"assignee_id": str(assignee_id), "due_at": due_at.isoformat()},
    )
    return task


async def finish(session: TenantSession, *, viewer: Viewer, task_id: UUID) -> StaffTask:
    """Mark a task as done; done already, it stays as it is. Raise NotFound beyond the scope."""
    task = await _changeable(session, viewer, task_id)
    if task.done_at is None:
        task.done_at, task.done_by = now(), viewer.id
        audit.record(session, "identity.task.finish", subject=("task", task.id))
    return task


async def reopen(session: TenantSession, *, viewer: Viewer, task_id: UUID) -> StaffTask:
    """Take back that a task is done; raise NotFound beyond the viewer's scope."""
    task = await _changeable(session, viewer, task_id)
    if task.done_at is not None:
        task.done_at = task.done_by = None
        audit.record(session, "identity.task.reopen", subject=("task", task.id))
    return task


async def assignable(session: TenantSession, viewer: Viewer) -> Sequence[tuple[UUID, str]]:
    """Return whom the viewer may give tasks, themselves first: id and name."""
    people = await visible(session, viewer, permission=CHANGE)
    found = await queries.active_staff(session, ids=people)
    others = [(one, name) for one, name in found if one != viewer.id]
    return [(viewer.id, viewer.name), *others]


async def visible(
    session: TenantSession, viewer: Viewer, *, permission: str = READ
) -> frozenset[UUID] | None:
    """Return whose tasks a permission reaches: some people's, or None for everybody's."""
    scope = viewer.scope(permission) if viewer.may(permission) else "own"
    if scope == "all":
        return None
    if scope == "own":
        return frozenset({viewer.id})
    return frozenset({viewer.id, *await queries.holders(session, desks(viewer.roles))})


async def _changeable(session: TenantSession, viewer: Viewer, task_id: UUID) -> StaffTask:
    task = await queries.task_for_update(session, task_id)
    if task is None or not viewer.may(CHANGE):
        raise NotFound
    people = await visible(session, viewer, permission=CHANGE)
    if people is not None and task.assignee_id not in people and task.created_by != viewer.id:
        raise NotFound
    return task
