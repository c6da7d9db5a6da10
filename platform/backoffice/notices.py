"""What staff are told when something waits for a decision of theirs: those who may take it."""

from __future__ import annotations

from uuid import UUID

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
    made.on(KycSubmitted, "backoffice.tell_kyc", tell_kyc)
    made.on(DepositHeld, "backoffice.tell_held", tell_held)
    made.on(DepositDisputed, "backoffice.tell_disputed", tell_disputed)


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
