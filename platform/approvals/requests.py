"""Requests that other eyes decide: opened by whoever wants something, decided step by step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from approvals import queries
from approvals.events import ApprovalGranted, ApprovalRejected, ApprovalWaiting
from approvals.models import Approval, ApprovalDecision
from identity import audit
from kernel.actor import Actor
from kernel.database import ReadSession, TenantSession, translated
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, ProductError
from kernel.events import record
from kernel.ids import uuid7
from kernel.viewer import Viewer


class SamePerson(Forbidden):
    """Four eyes: the maker, somebody barred, or another login of one of them wants to decide."""

    code = "approval_same_person"
    message = "You asked for this, or it concerns you. Somebody else has to decide."


class AlreadyDecided(Conflict):
    """The request is closed, or this person has decided a step of it before."""

    code = "approval_already_decided"
    message = "This is already decided, or you have given your word on it. Reload the page."


class ApprovalMissing(Conflict):
    """Nobody has agreed to exactly this content."""

    code = "approval_missing"
    message = "This needs the approval of somebody else first, for exactly what it says now."


class RequestEdited(ProductError):
    """Somebody tried to change what was asked, or its state against the decisions: a bug."""

    code = "approval_edited"
    status = 500
    message = "The request can't be changed like this. Nothing was done."


_STATES: dict[str, type[ProductError]] = {
    "MQ020": SamePerson,
    "MQ021": AlreadyDecided,
    "MQ022": AlreadyDecided,
    "MQ023": Forbidden,
    "MQ024": RequestEdited,
}


async def open(  # noqa: A001 - the word for it; always called as requests.open
    session: TenantSession,
    *,
    kind: str,
    subject: tuple[str, UUID],
    content: Mapping[str, Any],
    summary: str,
    permission: str | Sequence[str],
    steps: int = 1,
    barred: Collection[UUID] = (),
) -> Approval:
    """Ask other eyes to agree to exactly this content; an older open request is voided.

    The maker is whoever acts in this session. `permission` is what each of the `steps` people
    needs, or the chain itself, a permission a step. `barred` are ids of user accounts that may
    not decide, such as the client's and their account manager's. Content is ids, amounts and
    words, turned into JSON; it names nothing that must not be shown to whoever decides.
    """
    actor: Actor = session.info["actor"]
    chain = [permission] * steps if isinstance(permission, str) else list(permission)
    # What was agreed before stays in the trail; the newest request is the one that counts.
    await _void(session, kind, subject, states=("open",), reason="Replaced by a newer request.")
    approval = Approval(
        id=uuid7(),
        kind=kind,
        subject_kind=subject[0],
        subject_id=subject[1],
        content=as_content(content),
        summary=summary[:200],
        permissions=chain,
        barred=sorted({str(one) for one in barred}),
        maker_kind=actor.kind,
        maker_id=actor.id,
        maker_label=actor.label[:120],
        state="open",
        step=1,
        reason="",
    )
    session.add(approval)
    with translated(_STATES):
        # Its triggers must have agreed before anybody acts on it.
        await session.flush()
    audit.record(
        session,
        "approvals.request_opened",
        subject=("approval", approval.id),
        after={"kind": kind, "subject": f"{subject[0]}:{subject[1]}", "steps": len(chain)},
        reason=summary,
    )
    record(session, ApprovalWaiting(approval.id, kind, *subject, step=1))
    return approval


async def decide(
    session: TenantSession, *, approval_id: UUID, viewer: Viewer, approve: bool, reason: str = ""
) -> Approval:
    """Give the viewer's word on the step that waits; the last agreement grants the request.

    Raises NotFound, AlreadyDecided, Forbidden without the step's permission, SamePerson, and
    InvalidInput when somebody refuses without a reason. The transaction stays usable.
    """
    approval = await queries.locked_approval(session, approval_id)
    if approval is None:
        raise NotFound
    if approval.state != "open":
        raise AlreadyDecided
    if viewer.kind != "staff" or not viewer.may(approval.permissions[approval.step - 1]):
        raise Forbidden
    if await queries.is_concerned(session, approval, viewer.id):
        raise SamePerson
    if await queries.has_decided(session, approval, viewer.id):
        raise AlreadyDecided
    if not approve and not reason.strip():
        raise InvalidInput({"reason": "Say why, for whoever asked and for the trail."})
    step = approval.step
    session.add(
        ApprovalDecision(
            id=uuid7(),
            approval_id=approval.id,
            step=step,
            user_id=viewer.id,
            label=viewer.name[:120],
            approve=approve,
            reason=reason.strip()[:400],
        )
    )
    with translated(_STATES):
        # The state follows by a trigger, and what is told below depends on it.
        await session.flush()
    await session.refresh(approval)
    audit.record(
        session,
        "approvals.request_approved" if approve else "approvals.request_rejected",
        subject=("approval", approval.id),
        before={"step": step, "state": "open"},
        after={"step": approval.step, "state": approval.state},
        reason=reason,
    )
    about = (approval.kind, approval.subject_kind, approval.subject_id)
    if approval.state == "granted":
        record(session, ApprovalGranted(approval.id, *about))
    elif approval.state == "rejected":
        record(session, ApprovalRejected(approval.id, *about, reason=approval.reason))
    else:
        record(session, ApprovalWaiting(approval.id, *about, step=approval.step))
    return approval


async def void(
    session: TenantSession, *, kind: str, subject: tuple[str, UUID], reason: str
) -> None:
    """Take back what was asked or agreed about a subject: an edit voids, and so does an end."""
    await _void(session, kind, subject, states=("open", "granted"), reason=reason)


async def _void(
    session: TenantSession,
    kind: str,
    subject: tuple[str, UUID],
    *,
    states: Collection[str],
    reason: str,
) -> None:
    for approval in await queries.standing(session, kind, subject, states=states):
        before = approval.state
        approval.state = "voided"
        approval.reason = reason[:400]
        audit.record(
            session,
            "approvals.request_voided",
            subject=("approval", approval.id),
            before={"state": before},
            after={"state": "voided"},
            reason=reason,
        )
    with translated(_STATES):
        # One request of a subject may be open, so the older one goes before a newer comes.
        await session.flush()


async def require_granted(
    session: TenantSession | ReadSession,
    *,
    kind: str,
    subject: tuple[str, UUID],
    content: Mapping[str, Any],
) -> Approval:
    """Return the newest approval of the subject; raise ApprovalMissing unless it is granted.

    It must have been granted for exactly this content.
    """
    approval = await queries.granted(session, kind, subject, as_content(content))
    if approval is None:
        raise ApprovalMissing
    return approval


def as_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return content as JSON holds it: ids, moments and decimals become text."""
    built: dict[str, Any] = msgspec.to_builtins(dict(content), builtin_types=())
    return built
