"""The audit trail: every change of state leaves an entry in its own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kernel.actor import SYSTEM, Actor
from kernel.database import ControlSession, TenantSession
from kernel.ids import uuid7
from kernel.journal import Journal

# The same columns in each tenant's schema and in control.
_AUDIT = Journal(
    "audit_entry",
    {
        "id": "uuid",
        "actor_kind": "text",
        "actor_id": "uuid",
        "actor_label": "text",
        "action": "text",
        "subject_kind": "text",
        "subject_id": "text",
        "before": "jsonb",
        "after": "jsonb",
        "reason": "text",
        "request_id": "text",
    },
)


def record(
    session: TenantSession | ControlSession,
    action: str,
    *,
    subject: tuple[str, UUID | str],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Append who did what to which subject, with the fields before and after.

    Values are ids, states and amounts; never secrets, and no personal data.
    """
    actor: Actor = session.info.get("actor", SYSTEM)
    _AUDIT.add(
        session,
        id=uuid7(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label[:120],
        action=action,
        subject_kind=subject[0],
        subject_id=str(subject[1]),
        before=before,
        after=after,
        reason=(reason or "")[:400],
        request_id=str(session.info.get("request_id", "")),
    )
