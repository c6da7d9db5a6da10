"""A withdrawal's steps: each is recorded with its cause, in the trail and in the audit."""

from __future__ import annotations

from uuid import UUID

from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.events import record
from kernel.journal import Journal
from treasury.withdrawals import rules
from treasury.withdrawals.events import WithdrawalApproved, WithdrawalClosed, WithdrawalHeld
from treasury.withdrawals.models import Withdrawal

_TRAIL = Journal(
    "withdrawal_transition",
    {
        "withdrawal_id": "uuid",
        "from_state": "text",
        "to_state": "text",
        "code": "text",
        "reason": "text",
        "actor": "text",
    },
)
_PAYOUTS = Journal(
    "payout_step", {"part_id": "uuid", "attempt": "int", "fact": "text", "detail": "text"}
)


async def move(
    session: TenantSession, withdrawal: Withdrawal, to_state: str, *, code: str, reason: str
) -> None:
    """Bring a withdrawal into a state and record the step, its cause and who did it.

    PostgreSQL refuses a step that there is not, and an approval that nobody gave.
    """
    before = withdrawal.state
    withdrawal.state = to_state
    withdrawal.reason_code = code
    withdrawal.reason = reason[:200]
    if to_state == "approved":
        withdrawal.approved_at = now()
    if to_state in rules.FINAL_STATES:
        withdrawal.closed_at = now()
    # The triggers judge the step here, so that what follows rests on it.
    await session.flush()
    _line(session, withdrawal, before, code=code, reason=reason)
    audit.record(
        session,
        f"treasury.withdrawal_{to_state}",
        subject=("withdrawal", withdrawal.id),
        before={"state": before},
        after={"state": to_state, "code": code},
        reason=reason,
    )
    _tell(session, withdrawal, code=code, reason=reason)


def begun(session: TenantSession, withdrawal: Withdrawal) -> None:
    """Record that a withdrawal was asked for."""
    _line(session, withdrawal, None, code="requested", reason="Asked for by the client.")
    audit.record(
        session,
        "treasury.withdrawal_requested",
        subject=("withdrawal", withdrawal.id),
        after={
            "state": withdrawal.state,
            **withdrawal.money.as_json(),
            "flags": withdrawal.flags,
        },
    )


def remark(session: TenantSession, withdrawal: Withdrawal, *, code: str, reason: str) -> None:
    """Write a line into the trail without changing the state."""
    _line(session, withdrawal, withdrawal.state, code=code, reason=reason)


def step(session: TenantSession, part_id: UUID, attempt: int, fact: str, detail: str) -> None:
    """Write one fact about a payout."""
    _PAYOUTS.add(session, part_id=part_id, attempt=attempt, fact=fact, detail=detail[:200])


def _tell(session: TenantSession, withdrawal: Withdrawal, *, code: str, reason: str) -> None:
    about = (withdrawal.id, withdrawal.client_id)
    if withdrawal.state == "approved":
        record(session, WithdrawalApproved(*about))
    elif withdrawal.state == "held":
        record(session, WithdrawalHeld(*about, reason=reason))
    elif withdrawal.state in ("rejected", "cancelled", "failed"):
        record(session, WithdrawalClosed(*about, state=withdrawal.state, code=code, reason=reason))


def _line(
    session: TenantSession, withdrawal: Withdrawal, before: str | None, *, code: str, reason: str
) -> None:
    _TRAIL.add(
        session,
        withdrawal_id=withdrawal.id,
        from_state=before,
        to_state=withdrawal.state,
        code=code,
        reason=reason[:200],
        actor=session.info["actor"].label[:120],
    )
