"""Every select on requests and decisions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, any_, exists, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from approvals.models import Approval, ApprovalDecision
from kernel.database import ReadSession, TenantSession

Session = TenantSession | ReadSession


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """What a list of requests is narrowed to.

    `grants` with `viewer_id` leaves what waits for that viewer; `maker_id` what somebody asked.
    """

    viewer_id: UUID | None = None
    grants: Collection[str] | None = None
    maker_id: UUID | None = None
    states: Collection[str] = ()
    kind: str = ""
    search: str = ""


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
    return bool(await session.scalar(select(_concerned(user_id)).where(Approval.id == asked.id)))


async def has_decided(session: Session, asked: Approval, user_id: UUID) -> bool:
    """Say whether a person has given their word on a request, under whatever login."""
    return bool(await session.scalar(select(_decided(user_id)).where(Approval.id == asked.id)))


async def inbox(
    session: Session, *, narrowed: InboxFilter, after: int | None = None, limit: int = 50
) -> Sequence[Approval]:
    """Return requests, newest first; `after` is the number of the row before."""
    query = select(Approval).where(*_narrowed(narrowed))
    if after is not None:
        query = query.where(Approval.number < after)
    return (await session.scalars(query.order_by(Approval.number.desc()).limit(limit))).all()


async def count(session: Session, *, narrowed: InboxFilter) -> int:
    """Return how many requests a filter leaves."""
    query = select(func.count()).select_from(Approval).where(*_narrowed(narrowed))
    return await session.scalar(query) or 0


async def kinds(session: Session) -> Sequence[str]:
    """Return the kinds of requests there have been."""
    query = select(Approval.kind).distinct().order_by(Approval.kind)
    return (await session.scalars(query)).all()


def _about(kind: str, subject: tuple[str, UUID]) -> tuple[ColumnElement[bool], ...]:
    return (
        Approval.kind == kind,
        Approval.subject_kind == subject[0],
        Approval.subject_id == subject[1],
    )


def _concerned(user_id: UUID) -> ColumnElement[bool]:
    person = func.person_of(user_id)
    return or_(
        func.coalesce(Approval.maker_id == user_id, False),
        func.coalesce(Approval.maker_person == person, False),
        func.coalesce(func.person_of(Approval.maker_id) == person, False),
        literal(str(user_id)) == any_(Approval.barred),
        person == any_(Approval.barred_persons),
    )


def _decided(user_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        ApprovalDecision.approval_id == Approval.id,
        or_(
            ApprovalDecision.user_id == user_id,
            ApprovalDecision.person == func.person_of(user_id),
        ),
    )


def _narrowed(narrowed: InboxFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if narrowed.grants is not None and narrowed.viewer_id is not None:
        waits = and_(
            Approval.state == "open",
            Approval.permissions[Approval.step].in_(list(narrowed.grants)),
            not_(_concerned(narrowed.viewer_id)),
            not_(_decided(narrowed.viewer_id)),
        )
        conditions.append(waits)
    if narrowed.maker_id is not None:
        conditions.append(Approval.maker_id == narrowed.maker_id)
    if narrowed.states:
        conditions.append(Approval.state.in_(list(narrowed.states)))
    if narrowed.kind:
        conditions.append(Approval.kind == narrowed.kind)
    if words := narrowed.search.strip():
        conditions.append(
            or_(
                Approval.summary.icontains(words, autoescape=True),
                Approval.maker_label.icontains(words, autoescape=True),
            )
        )
    return conditions
