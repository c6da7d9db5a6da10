"""What clients are told of their withdrawals: in the product, and by mail where it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from clients import queries as client_queries
from kernel.database import TenantSession
from kernel.language import marked
from kernel.money import Money
from kernel.subscriptions import Subscriptions
from messaging import mails, notifications
from tenants.ports import Ports
from treasury.withdrawals import queries
from treasury.withdrawals.events import (
    WithdrawalApproved,
    WithdrawalClosed,
    WithdrawalHeld,
    WithdrawalPaid,
)
from treasury.withdrawals.models import Withdrawal

LinkOf = Callable[[TenantSession, Ports, str], Awaitable[str]]
# A client who took it back knows so.
_BY_THEMSELVES = "cancelled"


def subscribe(made: Subscriptions, ports: Ports, link: LinkOf) -> None:
    """Bind what is told."""
    made.on(WithdrawalApproved, "tradersroom.tell_approved_withdrawal", tell_approved)
    made.on(WithdrawalHeld, "tradersroom.tell_held_withdrawal", tell_held)
    made.on(WithdrawalPaid, "tradersroom.mail_paid", partial(mail_paid, ports=ports, link=link))
    made.on(
        WithdrawalClosed, "tradersroom.mail_closed", partial(mail_closed, ports=ports, link=link)
    )


async def tell_approved(session: TenantSession, event: WithdrawalApproved) -> None:
    """Say that it is on its way."""
    await _tell(
        session,
        event.withdrawal_id,
        title=marked("Withdrawal approved"),
        body=marked("%(amount)s is on its way to you."),
    )


async def tell_held(session: TenantSession, event: WithdrawalHeld) -> None:
    """Say that a person looks at it."""
    await _tell(
        session,
        event.withdrawal_id,
        title=marked("A person looks at your withdrawal"),
        body=marked("%(amount)s: you need to do nothing. We write when it goes on."),
    )


async def mail_paid(
    session: TenantSession, event: WithdrawalPaid, *, ports: Ports, link: LinkOf
) -> None:
    """Say that it is paid."""
    found = await _tell(
        session,
        event.withdrawal_id,
        title=marked("Withdrawal paid"),
        body=marked("%(amount)s is paid. Banks and cards take one to five working days."),
        amount=Money(event.amount, event.currency),
    )
    await _mail(session, found, "withdrawal_paid", ports=ports, link=link,
                amount=Money(event.amount, event.currency))  # fmt: skip


async def mail_closed(
    session: TenantSession, event: WithdrawalClosed, *, ports: Ports, link: LinkOf
) -> None:
    """Say that it is not paid, and why."""
    if event.state == _BY_THEMSELVES:
        return
    found = await _tell(
        session,
        event.withdrawal_id,
        title=marked("Withdrawal not paid"),
        body=marked("%(amount)s is yours again. The reason is there."),
    )
    await _mail(session, found, "withdrawal_closed", ports=ports, link=link,
                reason=event.reason or "–")  # fmt: skip


async def _tell(
    session: TenantSession,
    withdrawal_id: UUID,
    *,
    title: str,
    body: str,
    amount: Money | None = None,
) -> Withdrawal | None:
    """Tell the client, if they can sign in; return what it is about."""
    found = await queries.withdrawal(session, withdrawal_id)
    client = await client_queries.client(session, found.client_id) if found else None
    if found is None or client is None or client.user_id is None:
        return found
    await notifications.notify(
        session,
        user_id=client.user_id,
        kind="withdrawal",
        title=title,
        body=body,
        href=f"/withdraw/{found.reference}",
        facts={"amount": amount or found.money},
    )
    return found


async def _mail(
    session: TenantSession,
    found: Withdrawal | None,
    template: str,
    *,
    ports: Ports,
    link: LinkOf,
    **also: object,
) -> None:
    client = await client_queries.client(session, found.client_id) if found else None
    if found is None or client is None:
        return
    await mails.queue(
        session,
        to=client.email,
        template=template,
        context={
            "name": client.first_name,
            "amount": found.money,
            "reference": found.reference,
            "link": await link(session, ports, f"/withdraw/{found.reference}"),
            **also,
        },
        vault=ports.vault,
        reader=client.user_id,
        language=client.language,
    )
