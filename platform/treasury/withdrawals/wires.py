"""Payouts that people make or look up: one says what happened, another confirms it."""

from __future__ import annotations

from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests as approvals
from approvals.events import ApprovalGranted
from approvals.models import Approval
from clients import queries as client_queries
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from themes.formats import money_text
from treasury.withdrawals import orders, payouts, queries, rules
from treasury.withdrawals.decisions import WithdrawalMovedOn

KIND = "withdrawal_payout"
SUBJECT = "withdrawal_part"
_OUTCOMES = ("paid", "not paid")


async def report(
    session: TenantSession, *, part_id: UUID, outcome: str, reference: str, reason: str = ""
) -> Approval:
    """Say that a part was paid under a reference of the bank or provider, or was not paid.

    Nothing is booked before another person confirms it. Raises NotFound, WithdrawalMovedOn, and
    InvalidInput for a payment without its reference or one that is not said why not.
    """
    locked = await queries.locked_part(session, part_id)
    if locked is None:
        raise NotFound
    withdrawal, part = locked
    if not payouts.is_decidable(withdrawal, part):
        raise WithdrawalMovedOn
    word = " ".join(reference.split())[:80]
    if outcome not in _OUTCOMES:
        raise InvalidInput({"outcome": "Choose what happened."})
    if outcome == "paid" and not word:
        raise InvalidInput({"reference": "Enter the reference of the bank or the provider."})
    if outcome == "not paid" and not reason.strip():
        raise InvalidInput({"reason": "Say why, for the client and for the trail."})
    client = await client_queries.client(session, withdrawal.client_id)
    barred = [one for one in (client.user_id, client.owner_id) if one] if client else []
    return await approvals.open(
        session,
        kind=KIND,
        subject=(SUBJECT, part.id),
        content={
            "withdrawal": orders.reference_of(withdrawal, part),
            "amount": money_text(part.payable),
            "to": part.label,
            "outcome": outcome,
            "reference": word,
            "reason": reason.strip()[:150],
        },
        summary=f"{orders.reference_of(withdrawal, part)} {outcome}, {money_text(part.payable)}",
        permission=rules.APPROVE,
        barred=barred,
    )


async def confirmed(session: TenantSession, event: ApprovalGranted) -> None:
    """Book what one person has said about a payout and another has confirmed."""
    if event.approval_kind != KIND:
        return
    found = await approval_queries.approval(session, event.approval_id)
    if found is None:
        return
    content = found.content
    asked = await approvals.require_granted(
        session, kind=KIND, subject=(SUBJECT, event.subject_id), content=content
    )
    paid = content["outcome"] == "paid"
    reason = str(content["reason"]) or ("Sent by hand." if paid else "Not paid.")
    await payouts.decided(
        session,
        part_id=asked.subject_id,
        paid=paid,
        provider_reference=str(content["reference"]),
        reason=reason,
    )
