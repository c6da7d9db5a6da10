"""What staff are told when something waits for a decision of theirs: those who may take it."""

from __future__ import annotations

from uuid import UUID

from approvals import queries as approval_queries
from approvals.events import ApprovalGranted, ApprovalRejected, ApprovalWaiting
from clients import queries as client_queries
from compliance.events import KycSubmitted
from identity import queries as identity_queries
from kernel.database import TenantSession
from kernel.subscriptions import Subscriptions
from messaging import notifications
from messaging.notifications import Fact
from treasury import queries as treasury_queries
from treasury.events import DepositDisputed, DepositHeld


def subscribe(made: Subscriptions) -> None:
    """Bind what asks for a person."""
    made.on(ApprovalWaiting, "backoffice.tell_waiting", tell_waiting)
    made.on(ApprovalGranted, "backoffice.tell_granted", tell_decided)
    made.on(ApprovalRejected, "backoffice.tell_rejected", tell_decided)
    made.on(KycSubmitted, "backoffice.tell_kyc", tell_kyc)
    made.on(DepositHeld, "backoffice.tell_held", tell_held)
    made.on(DepositDisputed, "backoffice.tell_disputed", tell_disputed)


async def tell_waiting(session: TenantSession, event: ApprovalWaiting) -> None:
    """Tell whoever may decide the step that waits; not the maker, and nobody whom it concerns."""
    asked = await approval_queries.approval(session, event.approval_id)
    if asked is None or asked.state != "open" or asked.step != event.step:
        return
    permission = asked.permissions[asked.step - 1]
    for user_id, _ in await identity_queries.staff_who_may(session, permission):
        if await approval_queries.is_concerned(session, asked, user_id):
            continue
        if await approval_queries.has_decided(session, asked, user_id):
            continue
        await notifications.notify(
            session,
            user_id=user_id,
            kind="approval",
            title="A request waits for your approval",
            body="%(summary)s",
            href=f"/approvals/{asked.id}",
            facts={"summary": asked.summary},
        )


async def tell_decided(session: TenantSession, event: ApprovalGranted | ApprovalRejected) -> None:
    """Tell the member of staff who asked."""
    asked = await approval_queries.approval(session, event.approval_id)
    if asked is None or asked.maker_kind != "staff" or asked.maker_id is None:
        return
    granted = isinstance(event, ApprovalGranted)
    await notifications.notify(
        session,
        user_id=asked.maker_id,
        kind="approval",
        title="Your request is approved" if granted else "Your request is rejected",
        body="%(summary)s" if granted else "%(summary)s: %(reason)s",
        href=f"/approvals/{asked.id}",
        facts={"summary": asked.summary, "reason": asked.reason[:160]},
    )


async def tell_kyc(session: TenantSession, event: KycSubmitted) -> None:
    """Tell whoever may decide that a client's documents are all there; not the client's owner."""
    client = await client_queries.client(session, event.client_id)
    if client is None:
        return
    await _tell_deciders(
        session,
        permission="compliance.kyc.approve",
        owner_id=client.owner_id,
        without=client.owner_id,
        kind="kyc",
        title="A verification waits for a decision",
        body="%(reference)s has sent every document.",
        href=f"/backoffice/kyc/{event.case_id}",
        facts={"reference": client.reference},
    )


async def tell_held(session: TenantSession, event: DepositHeld) -> None:
    """Tell whoever may decide that what arrived does not match what was asked for."""
    await _tell_of_deposit(session, event.deposit_id, "A deposit needs a person", event.reason)


async def tell_disputed(session: TenantSession, event: DepositDisputed) -> None:
    """Tell whoever may decide that a payment is taken back."""
    await _tell_of_deposit(session, event.deposit_id, "A payment is disputed", event.reason)


async def _tell_of_deposit(
    session: TenantSession, deposit_id: UUID, title: str, reason: str
) -> None:
    row = await treasury_queries.deposit_row(session, deposit_id=deposit_id)
    if row is None:
        return
    client = await client_queries.client(session, row.client_id)
    await _tell_deciders(
        session,
        permission="treasury.deposit.approve",
        owner_id=client.owner_id if client is not None else None,
        kind="deposit",
        title=title,
        body="%(reference)s, %(amount)s: %(reason)s",
        href=f"/backoffice/deposits/{deposit_id}",
        facts={"reference": row.reference, "amount": row.amount, "reason": reason[:160]},
    )


async def _tell_deciders(
    session: TenantSession,
    *,
    permission: str,
    owner_id: UUID | None,
    kind: str,
    title: str,
    body: str,
    href: str,
    facts: dict[str, Fact],
    without: UUID | None = None,
) -> None:
    """Tell everybody whose permission reaches a record of that owner."""
    for user_id, scope in await identity_queries.staff_who_may(session, permission):
        if user_id == without or (scope == "own" and user_id != owner_id):
            continue
        await notifications.notify(
            session, user_id=user_id, kind=kind, title=title, body=body, href=href, facts=facts
        )
