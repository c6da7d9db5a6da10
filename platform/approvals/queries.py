"""Every select on requests and decisions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from approvals.models import Approval, ApprovalDecision
from identity.models import RolePermission, StaffRole
from kernel import slices
from kernel.database import ReadSession, TenantSession
from kernel.web.cursors import Window
from kernel.web.table import State

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at requests: what they may decide, and whether they see everybody's."""

    id: UUID
    grants: Collection[str]
    whole: bool = False


async def approval(session: Session, approval_id: UUID) -> Approval | None:
    """Return a request."""
    return await session.get(Approval, approval_id)


async def locked_approval(session: TenantSession, approval_id: UUID) -> Approval | None:
    """Return a request, locked, as it is now."""
    return await session.get(Approval, approval_id, with_for_update=True, populate_existing=True)


async def of_subject(session: Session, kind: str, subject: tuple[str, UUID]) -> Sequence[Approval]:
    """Return every request of a kind about a subject, newest first."""
    query = select(Approval).where(*_about(kind, subject)).order_by(Approval.number.desc())
    return (await session.scalars(query)).all()


async def standing(
    session: TenantSession, kind: str, subject: tuple[str, UUID], *, states: Collection[str]
) -> Sequence[Approval]:
    """Return the requests about a subject in some states, locked."""
    query = select(Approval).where(*_about(kind, subject), Approval.state.in_(states))
    query = query.order_by(Approval.number).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def granted(
    session: Session, kind: str, subject: tuple[str, UUID], content: dict[str, Any]
) -> Approval | None:
    """Return the approval that covers exactly this content, or None."""
    found = func.granted_approval(kind, *subject, literal(content, JSONB))
    query = select(Approval).where(Approval.id == found)
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def decisions(session: Session, approval_id: UUID) -> Sequence[ApprovalDecision]:
    """Return the words given on a request, step by step."""
    query = select(ApprovalDecision).where(ApprovalDecision.approval_id == approval_id)
    return (await session.scalars(query.order_by(ApprovalDecision.step))).all()


async def is_concerned(session: Session, asked: Approval, user_id: UUID) -> bool:
    """Say whether a person made a request or is barred from it, under whatever login."""
    return bool(
        await session.scalar(select(_concerned(literal(user_id))).where(Approval.id == asked.id))
    )


async def has_decided(session: Session, asked: Approval, user_id: UUID) -> bool:
    """Say whether a person has given their word on a request, under whatever login."""
    return bool(
        await session.scalar(select(_decided(literal(user_id))).where(Approval.id == asked.id))
    )


async def inbox(session: Session, *, reader: Reader, limit: int = 50) -> Sequence[Approval]:
    """Return what waits for somebody's decision, longest waiting first."""
    query = select(Approval).where(_waits_for(reader)).order_by(Approval.id).limit(limit)
    return (await session.scalars(query)).all()


async def page(session: Session, state: State, *, reader: Reader) -> Window[Approval]:
    """Return a page of the requests that somebody may see."""
    return await slices.page(
        session, _seen(select(Approval), reader), state, _source(reader), make=_same
    )


async def rows(session: Session, state: State, *, reader: Reader, limit: int) -> list[Approval]:
    """Return the first requests of a whole list."""
    statement = _seen(select(Approval), reader)
    return await slices.rows(session, statement, state, _source(reader), make=_same, limit=limit)


async def count(session: Session, state: State, *, reader: Reader) -> int:
    """Return how many requests of somebody's list a state leaves."""
    statement = _seen(select(Approval.id), reader)
    return await slices.count(session, statement, state, _source(reader))


async def is_seen(session: Session, approval_id: UUID, *, reader: Reader) -> bool:
    """Say whether somebody may see a request."""
    statement = _seen(select(Approval.id), reader).where(Approval.id == approval_id)
    return await session.scalar(statement) is not None


async def kinds(session: Session) -> Sequence[str]:
    """Return the kinds of requests there have been."""
    query = select(Approval.kind).distinct().order_by(Approval.kind)
    return (await session.scalars(query)).all()


def waiting(late_after: timedelta, *, viewer_id: ColumnElement[UUID]) -> Select[int, int]:
    """Return the statement that counts what waits for a viewer, and what has waited too long."""
    mine = exists().where(
        StaffRole.user_id == viewer_id,
        RolePermission.role == StaffRole.role,
        RolePermission.permission == Approval.permissions[Approval.step],
    )
    late = Approval.opened_at < func.now() - late_after
    return (
        select(func.count(), func.count().filter(late))
        .select_from(Approval)
        .where(Approval.state == "open", mine, *_free(viewer_id))
    )


def _same(found: Approval) -> Approval:
    return found


def _source(reader: Reader) -> slices.Source:
    places = {"waiting": _waits_for(reader), "asked": Approval.maker_id == reader.id}
    return slices.Source(
        columns={
            "kind": Approval.kind,
            "state": Approval.state,
            "asked": Approval.maker_label,
            "opened": Approval.opened_at,
            "closed": Approval.closed_at,
        },
        key=Approval.id,
        search=lambda word: [
            func.lower(Approval.summary).contains(word, autoescape=True),
            func.lower(Approval.maker_label).contains(word, autoescape=True),
        ],
        special={"place": places.__getitem__},
    )


def _seen(query: Select[Any], reader: Reader) -> Select[Any]:
    if reader.whole:
        return query
    mine = Approval.permissions.overlap(list(reader.grants))
    return query.where(or_(Approval.maker_id == reader.id, mine))


def _waits_for(reader: Reader) -> ColumnElement[bool]:
    wanted = Approval.permissions[Approval.step].in_(list(reader.grants))
    return and_(Approval.state == "open", wanted, *_free(literal(reader.id)))


def _free(viewer_id: ColumnElement[UUID]) -> tuple[ColumnElement[bool], ...]:
    return not_(_concerned(viewer_id)), not_(_decided(viewer_id))


def _about(kind: str, subject: tuple[str, UUID]) -> tuple[ColumnElement[bool], ...]:
    return (
        Approval.kind == kind,
        Approval.subject_kind == subject[0],
        Approval.subject_id == subject[1],
    )


def _concerned(user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    person = func.person_of(user_id)
    found = or_(
        Approval.maker_id == user_id,
        Approval.maker_person == person,
        func.person_of(Approval.maker_id) == person,
        cast(user_id, Text) == any_(Approval.barred),
        person == any_(Approval.barred_persons),
    )
    return func.coalesce(found, False)


def _decided(user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    return exists().where(
        ApprovalDecision.approval_id == Approval.id,
        or_(
            ApprovalDecision.user_id == user_id,
            ApprovalDecision.person == func.person_of(user_id),
        ),
    )
