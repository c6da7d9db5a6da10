"""A deposit's steps: each is recorded with its cause, in the trail and in the audit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from identity import audit
from kernel.database import TenantSession
from kernel.events import record
from kernel.journal import Journal
from kernel.money import Money
from treasury.events import DepositDisputed, DepositFailed, DepositHeld
from treasury.models import Deposit

_TRAIL = Journal(
    "deposit_transition",
    {
        "deposit_id": "uuid",
        "from_state": "text",
        "to_state": "text",
        "reason": "text",
        "actor": "text",
    },
)


def move(session: TenantSession, deposit: Deposit, to_state: str, *, reason: str) -> None:
    """Bring a deposit into a state and record the step; the same state records a remark.

    The events of failing and of being held are told from here; those of money from where it is
    posted.
    """
    before = deposit.state
    deposit.state = to_state
    deposit.reason = reason[:200]
    tell(session, deposit.id, before, to_state, reason=reason)
    if to_state == "held":
        record(session, DepositHeld(deposit.id, deposit.client_id, reason))
    if to_state in ("failed", "cancelled"):
        record(session, DepositFailed(deposit.id, deposit.client_id, to_state, reason))


def tell(
    session: TenantSession, deposit_id: UUID, before: str, to_state: str, *, reason: str
) -> None:
    """Write a step into the trail and the audit, for a row that is changed by whoever calls."""
    _line(session, deposit_id, before, to_state, reason)
    audit.record(
        session,
        f"treasury.deposit_{to_state}",
        subject=("deposit", deposit_id),
        before={"state": before},
        after={"state": to_state},
        reason=reason,
    )


def remember(
    session: TenantSession, deposit: Deposit, *, from_state: str | None, reason: str
) -> None:
    """Write one line of the deposit's trail."""
    _line(session, deposit.id, from_state, deposit.state, reason)


def _line(
    session: TenantSession, deposit_id: UUID, before: str | None, to_state: str, reason: str
) -> None:
    _TRAIL.add(
        session,
        deposit_id=deposit_id,
        from_state=before,
        to_state=to_state,
        reason=reason[:200],
        actor=session.info["actor"].label[:120],
    )


def flag_dispute(
    session: TenantSession,
    deposit: Deposit,
    *,
    moment: datetime,
    kind: str,
    amount: Money,
    reason: str,
) -> None:
    """Mark a paid deposit as disputed; no money moves from here."""
    if deposit.disputed_at is None:
        deposit.disputed_at = moment
    remember(session, deposit, from_state=deposit.state, reason=reason)
    audit.record(
        session,
        "treasury.deposit_disputed",
        subject=("deposit", deposit.id),
        after={"state": deposit.state, "disputed": True, "kind": kind, **amount.as_json()},
        reason=reason,
    )
    record(
        session,
        DepositDisputed(
            deposit.id, deposit.client_id, kind, amount.amount, amount.currency, reason
        ),
    )
