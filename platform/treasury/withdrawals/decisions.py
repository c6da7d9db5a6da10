"""What people decide about withdrawals: the chain's word, and what staff do besides it."""

from __future__ import annotations

from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests as approvals
from approvals.events import ApprovalGranted, ApprovalRejected
from approvals.requests import ApprovalMissing
from kernel.database import TenantSession
from kernel.errors import Conflict, InvalidInput, NotFound
from treasury.withdrawals import queries, requests, transitions
from treasury.withdrawals.models import Withdrawal
from treasury.withdrawals.requests import KIND


class WithdrawalMovedOn(Conflict):
    """The withdrawal is not in a state in which this can be decided."""

    code = "withdrawal_moved_on"
    message = "This withdrawal needs no such decision any more. Reload the page."


async def granted(session: TenantSession, event: ApprovalGranted) -> None:
    """Approve a withdrawal that everybody has agreed to, if it is still exactly that one."""
    if event.approval_kind != KIND:
        return
    withdrawal = await queries.locked(session, event.subject_id)
    if withdrawal is None or withdrawal.state != "requested":
        return
    try:
        await _require(session, withdrawal)
    except ApprovalMissing:
        return  # edited since: the newer request counts, and PostgreSQL would refuse as well
    await transitions.move(
        session, withdrawal, "approved", code="approved", reason="Everybody has agreed."
    )


async def rejected(session: TenantSession, event: ApprovalRejected) -> None:
    """Close a withdrawal that somebody of the chain refused, and give the money back."""
    if event.approval_kind != KIND:
        return
    withdrawal = await queries.locked(session, event.subject_id)
    if withdrawal is None or withdrawal.state not in ("requested", "held"):
        return
    await requests.release(session, withdrawal, reason="rejected")
    await transitions.move(session, withdrawal, "rejected", code="rejected", reason=event.reason)


async def hold(session: TenantSession, *, withdrawal_id: UUID, reason: str) -> Withdrawal:
    """Stop a withdrawal until somebody lets it go on; its money stays set aside.

    Raises NotFound, WithdrawalMovedOn, and InvalidInput without a reason.
    """
    withdrawal = await _of(session, withdrawal_id, reason, "requested", "approved")
    await transitions.move(session, withdrawal, "held", code="staff", reason=reason)
    return withdrawal


async def resume(session: TenantSession, *, withdrawal_id: UUID, reason: str) -> Withdrawal:
    """Let a held withdrawal go on: at once where everybody has agreed to it, else to the chain.

    Raises as `hold` does.
    """
    withdrawal = await _of(session, withdrawal_id, reason, "held")
    try:
        await _require(session, withdrawal)
    except ApprovalMissing:
        await transitions.move(session, withdrawal, "requested", code="staff", reason=reason)
        # A request that is still open goes on; what was voided or refused is asked anew.
        if not await _is_open(session, withdrawal):
            # What somebody has stopped by hand does not go out by itself any more.
            await requests.ask_approval(session, withdrawal, staffed=True)
    else:
        await transitions.move(session, withdrawal, "approved", code="staff", reason=reason)
    return withdrawal


async def reject(session: TenantSession, *, withdrawal_id: UUID, reason: str) -> Withdrawal:
    """Close a withdrawal that was never approved or is held; the client reads the reason.

    Raises as `hold` does.
    """
    withdrawal = await _of(session, withdrawal_id, reason, "requested", "held")
    await approvals.void(session, kind=KIND, subject=(KIND, withdrawal.id), reason=reason)
    await requests.release(session, withdrawal, reason="rejected")
    await transitions.move(session, withdrawal, "rejected", code="rejected", reason=reason)
    return withdrawal


async def _require(session: TenantSession, withdrawal: Withdrawal) -> None:
    await approvals.require_granted(
        session,
        kind=KIND,
        subject=(KIND, withdrawal.id),
        content=await queries.content(session, withdrawal.id),
    )


async def _is_open(session: TenantSession, withdrawal: Withdrawal) -> bool:
    found = await approval_queries.of_subject(session, KIND, (KIND, withdrawal.id))
    return bool(found) and found[0].state == "open"


async def _of(session: TenantSession, withdrawal_id: UUID, reason: str, *states: str) -> Withdrawal:
    withdrawal = await queries.locked(session, withdrawal_id)
    if withdrawal is None:
        raise NotFound
    if withdrawal.state not in states:
        raise WithdrawalMovedOn
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, for the client and for the trail."})
    return withdrawal
