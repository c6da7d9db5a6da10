"""A transfer's steps: each is recorded with its cause, in the trail and in the audit."""

from __future__ import annotations

from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.events import record
from kernel.journal import Journal
from treasury.transfers.events import TransferDone, TransferFailed
from treasury.transfers.models import Transfer

_TRAIL = Journal(
    "transfer_transition",
    {
        "transfer_id": "uuid",
        "from_state": "text",
        "to_state": "text",
        "reason": "text",
        "actor": "text",
    },
)
_FINAL = ("done", "failed", "returned")


def started(session: TenantSession, transfer: Transfer, *, reason: str) -> None:
    """Record that a transfer was made; one that is done at once is told as done too."""
    _line(session, transfer, None, reason)
    if transfer.state in _FINAL:
        _tell(session, transfer)


def move(session: TenantSession, transfer: Transfer, to_state: str, *, reason: str) -> None:
    """Bring a transfer into a state, record the step and tell of its end."""
    before = transfer.state
    transfer.state = to_state
    transfer.reason = reason[:200]
    if to_state in _FINAL:
        transfer.finished_at = now()
    _line(session, transfer, before, reason)
    if to_state in _FINAL:
        _tell(session, transfer)


def _line(session: TenantSession, transfer: Transfer, before: str | None, reason: str) -> None:
    _TRAIL.add(
        session,
        transfer_id=transfer.id,
        from_state=before,
        to_state=transfer.state,
        reason=reason[:200],
        actor=session.info["actor"].label[:120],
    )
    audit.record(
        session,
        f"treasury.transfer_{transfer.state}",
        subject=("transfer", transfer.id),
        before={"state": before} if before else None,
        after={
            "state": transfer.state,
            "kind": transfer.kind,
            "amount": f"{transfer.amount:f} {transfer.currency}",
        },
        reason=reason,
    )


def _tell(session: TenantSession, transfer: Transfer) -> None:
    if transfer.state == "done":
        record(
            session,
            TransferDone(
                transfer.id,
                transfer.client_id,
                transfer.kind,
                transfer.target_client_id,
                transfer.target_amount,
                transfer.target_currency,
            ),
        )
    else:
        record(
            session,
            TransferFailed(transfer.id, transfer.client_id, transfer.state, transfer.reason),
        )
