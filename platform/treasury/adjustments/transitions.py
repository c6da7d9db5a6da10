"""The steps of adjustments and disputes: each is recorded in the trail and in the audit."""

from __future__ import annotations

from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.events import record
from kernel.journal import Journal
from treasury.adjustments.events import AdjustmentDone
from treasury.adjustments.models import Adjustment, DisputeCase

_COLUMNS = {"from_state": "text", "to_state": "text", "reason": "text", "actor": "text"}
_ADJUSTMENTS = Journal("adjustment_transition", {"adjustment_id": "uuid", **_COLUMNS})
_DISPUTES = Journal("dispute_transition", {"dispute_id": "uuid", **_COLUMNS})
_FINAL = ("done", "rejected", "failed")


def move(session: TenantSession, one: Adjustment, to_state: str, *, reason: str) -> None:
    """Bring an adjustment into a state, record the step and tell of its end."""
    before = one.state or None
    one.state = to_state
    one.outcome = reason[:200]
    if to_state in _FINAL:
        one.finished_at = now()
    _ADJUSTMENTS.add(
        session,
        adjustment_id=one.id,
        from_state=before,
        to_state=to_state,
        reason=reason[:200],
        actor=session.info["actor"].label[:120],
    )
    audit.record(
        session,
        f"treasury.adjustment_{to_state}",
        subject=("adjustment", one.id),
        before={"state": before} if before else None,
        after={
            "state": to_state,
            "kind": one.kind,
            "amount": f"{one.amount:f} {one.currency}",
        },
        reason=reason,
    )
    if to_state == "done":
        record(session, AdjustmentDone(one.id, one.client_id, one.kind, one.amount, one.currency))


def dispute(session: TenantSession, case: DisputeCase, to_state: str, *, reason: str) -> None:
    """Bring a dispute into a state and record the step."""
    before = case.state or None
    case.state = to_state
    _DISPUTES.add(
        session,
        dispute_id=case.id,
        from_state=before,
        to_state=to_state,
        reason=reason[:200],
        actor=session.info["actor"].label[:120],
    )
    audit.record(
        session,
        f"treasury.dispute_{to_state}",
        subject=("dispute", case.id),
        before={"state": before} if before else None,
        after={"state": to_state, "amount": f"{case.amount:f} {case.currency}"},
        reason=reason,
    )
