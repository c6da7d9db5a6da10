"""Every select on tasks, and on the people who may have them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, Uuid, bindparam, func, select, tuple_

from identity.models import AuditEntry, StaffRole, StaffTask, UserAccount
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession
# The name of the viewer's id in the statement of a counter.
VIEWER = "viewer_id"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as lists show it, with the names of the people."""

    id: UUID
    title: str
    due_at: datetime
    assignee_id: UUID
    assignee: str
    created_by: UUID
    author: str
    subject_kind: str | None
    subject_id: UUID | None
    done_at: datetime | None
    created_at: datetime

    @property
    def subject(self) -> tuple[str, UUID] | None:
        """What the task is about, as a kind and an id."""
        if self.subject_kind is None or self.subject_id is None:
            return None
        return self.subject_kind, self.subject_id


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What a list of tasks is narrowed to.

    `people` are those whose tasks may be seen, None everybody; `reader` sees what they wrote too.
    """

    people: frozenset[UUID] | None
    reader: UUID
    assignee_id: UUID | None = None
    state: str = "open"
    search: str = ""
    subject: tuple[str, UUID] | None = None


async def task_for_update(session: TenantSession, task_id: UUID) -> StaffTask | None:
    """Return a task as it is now, locked to the end of the transaction."""
    return await session.get(StaffTask, task_id, with_for_update=True, populate_existing=True)


async def tasks(
    session: Session,
    *,
    narrowed: TaskFilter,
    moment: datetime,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[TaskRow]:
    """Return tasks: the open ones by when they are due, the done ones newest first."""
    assignee, author = UserAccount.__table__.alias("a"), UserAccount.__table__.alias("b")
    statement = (
        select(
            StaffTask.id,
            StaffTask.title,
            StaffTask.due_at,
            StaffTask.assignee_id,
            func.coalesce(assignee.c.name, ""),
            StaffTask.created_by,
            func.coalesce(author.c.name, ""),
            StaffTask.subject_kind,
            StaffTask.subject_id,
            StaffTask.done_at,
            StaffTask.created_at,
        )
        .outerjoin(assignee, assignee.c.id == StaffTask.assignee_id)
        .outerjoin(author, author.c.id == StaffTask.created_by)
        .where(*_filters(narrowed, moment))
        .limit(limit)
    )
    if narrowed.state == "done":
        key = tuple_(StaffTask.done_at, StaffTask.id)
        statement = statement.order_by(StaffTask.done_at.desc(), StaffTask.id.desc())
        further = key < after if after else None
    else:
        key = tuple_(StaffTask.due_at, StaffTask.id)
        statement = statement.order_by(StaffTask.due_at, StaffTask.id)
        further = key > after if after else None
    if further is not None:
        statement = statement.where(further)
    return [TaskRow(*row) for row in await session.execute(statement)]


async def task_count(session: Session, *, narrowed: TaskFilter, moment: datetime) -> int:
    """Return how many tasks match."""
    statement = select(func.count()).select_from(StaffTask).where(*_filters(narrowed, moment))
    return int(await session.scalar(statement) or 0)


async def task_counts(
    session: Session, *, narrowed: TaskFilter, moment: datetime
) -> dict[str, int]:
    """Return how many tasks are open, late and done, in one statement."""
    conditions = _filters(narrowed, moment, by_state=False)
    late = StaffTask.due_at < moment
    statement = (
        select(
            func.count().filter(StaffTask.done_at.is_(None)),
            func.count().filter(StaffTask.done_at.is_(None), late),
            func.count().filter(StaffTask.done_at.is_not(None)),
        )
        .select_from(StaffTask)
        .where(*conditions)
    )
    row = (await session.execute(statement)).one()
    return {"open": row[0], "late": row[1], "done": row[2]}


def _filters(
    narrowed: TaskFilter, moment: datetime, *, by_state: bool = True
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if narrowed.assignee_id is not None:
        found.append(StaffTask.assignee_id == narrowed.assignee_id)
    if narrowed.people is not None and narrowed.assignee_id != narrowed.reader:
        mine = StaffTask.created_by == narrowed.reader
        found.append(StaffTask.assignee_id.in_(narrowed.people) | mine)
    if by_state:
        is_done = StaffTask.done_at.is_not(None)
        found.append(is_done if narrowed.state == "done" else ~is_done)
        if narrowed.state == "late":
            found.append(StaffTask.due_at < moment)
    words = narrowed.search.replace("\x00", "").split()[:5]
    found += [StaffTask.title.icontains(word, autoescape=True) for word in words]
    if narrowed.subject is not None:
        found.append(StaffTask.subject_kind == narrowed.subject[0])
        found.append(StaffTask.subject_id == narrowed.subject[1])
    return found


def waiting_tasks() -> Select[int, int]:
    """Return the statement that counts the viewer's open tasks, and those of them that are late."""
    return (
        select(func.count(), func.count().filter(StaffTask.due_at < func.now()))
        .select_from(StaffTask)
        .where(StaffTask.assignee_id == the_viewer(), StaffTask.done_at.is_(None))
    )


def the_viewer() -> BindParameter[UUID]:
    """Return what stands for the viewer's id in the statement of a counter."""
    return bindparam(VIEWER, type_=Uuid())


async def active_staff(
    session: Session, *, ids: Collection[UUID] | None = None
) -> list[tuple[UUID, str]]:
    """Return active staff by name, all or some of them: id and name."""
    statement = (
        select(UserAccount.id, UserAccount.name)
        .where(UserAccount.kind == "staff", UserAccount.state == "active")
        .order_by(UserAccount.name, UserAccount.id)
    )
    if ids is not None:
        statement = statement.where(UserAccount.id.in_(ids))
    return [(user_id, name) for user_id, name in await session.execute(statement)]


async def holders(session: Session, roles: Collection[str]) -> Sequence[UUID]:
    """Return who holds one of the roles."""
    return (
        await session.scalars(
            select(StaffRole.user_id).where(StaffRole.role.in_(sorted(roles))).distinct()
        )
    ).all()


async def audit_since(
    session: Session, *, since: datetime, until: datetime
) -> list[tuple[str, int]]:
    """Return how many entries of the trail each kind of actor has made in a time, most first."""
    statement = (
        select(AuditEntry.actor_kind, func.count())
        .where(AuditEntry.at >= since, AuditEntry.at < until)
        .group_by(AuditEntry.actor_kind)
        .order_by(func.count().desc(), AuditEntry.actor_kind)
    )
    return [(kind, count) for kind, count in await session.execute(statement)]
