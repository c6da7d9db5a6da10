"""What clients are told in the product when something of theirs moves."""

from __future__ import annotations

from uuid import UUID

from clients import queries as client_queries
from compliance.events import KycApproved, KycRejected
from kernel.database import TenantSession
from kernel.language import marked
from kernel.money import Money
from kernel.subscriptions import Subscriptions
from messaging import notifications
from messaging.notifications import Fact
from trading.events import AccountOpened
from treasury import queries as treasury_queries
from treasury.events import DepositCredited, DepositFailed, DepositSettled
from treasury.transfers import queries as transfer_queries
from treasury.transfers.events import TransferDone, TransferFailed


def subscribe(made: Subscriptions) -> None:
    """Bind what has no subscriber of this room besides: the rest is told where it is mailed."""
    made.on(DepositSettled, "tradersroom.tell_settled", tell_settled)
    made.on(DepositFailed, "tradersroom.tell_failed", tell_failed)
    made.on(AccountOpened, "tradersroom.tell_opened", tell_opened)
    made.on(TransferDone, "tradersroom.tell_moved", tell_moved)
    made.on(TransferFailed, "tradersroom.tell_not_moved", tell_not_moved)


async def tell_settled(session: TenantSession, event: DepositSettled) -> None:
    """Say that a payment came in, where its credit on an account is still to come."""
    if event.account_id is None:
        return  # it is credited in the same moment
    await _tell_of_deposit(
        session,
        event.deposit_id,
        title=marked("Payment received"),
        body=marked("%(amount)s is on its way to account %(login)s."),
        amount=Money(event.amount, event.currency),
    )


async def tell_credited(session: TenantSession, event: DepositCredited) -> None:
    """Say that money is where the client wanted it."""
    in_wallet = marked("%(amount)s is in your wallet.")
    on_account = marked("%(amount)s is on account %(login)s.")
    await _tell_of_deposit(
        session,
        event.deposit_id,
        title=marked("Deposit credited"),
        body=in_wallet if event.account_id is None else on_account,
        amount=Money(event.amount, event.currency),
    )


async def tell_failed(session: TenantSession, event: DepositFailed) -> None:
    """Say that nothing came of a deposit."""
    await _tell_of_deposit(
        session,
        event.deposit_id,
        title=marked("Deposit not completed"),
        body=marked("%(amount)s did not arrive and nothing was credited. The reason is there."),
    )


async def tell_approved(session: TenantSession, event: KycApproved) -> None:
    """Say that the client is verified."""
    await _tell(
        session,
        event.client_id,
        kind="verification",
        title=marked("You are verified"),
        body=marked("Your documents are accepted."),
        href="/verification",
    )


async def tell_rejected(session: TenantSession, event: KycRejected) -> None:
    """Say that something is needed again."""
    await _tell(
        session,
        event.client_id,
        kind="verification",
        title=marked("Documents are needed again"),
        body=marked("Your verification says which ones, and why."),
        href="/verification",
    )


async def tell_opened(session: TenantSession, event: AccountOpened) -> None:
    """Say that a trading account exists."""
    await _tell(
        session,
        event.client_id,
        kind="account",
        title=marked("Trading account opened"),
        body=marked("Account %(login)s is ready. Its passwords are on their way by mail."),
        href=f"/accounts/{event.account_id}",
        facts={"login": str(event.login)},
    )


async def tell_moved(session: TenantSession, event: TransferDone) -> None:
    """Say that a transfer has arrived: to another client, or from a trading server."""
    row = await transfer_queries.row(session, event.transfer_id)
    if row is None or event.transfer_kind == "conversion":
        return  # a conversion is made while the client looks
    if event.target_client_id is not None:
        await _tell(
            session,
            event.target_client_id,
            kind="deposit",
            title=marked("Money received"),
            body=marked("Another client sent you %(amount)s. It is in your wallet."),
            href=f"/transfer/{row.reference}",
            facts={"amount": row.arrived},
        )
        return
    await _tell(
        session,
        event.client_id,
        kind="deposit",
        title=marked("Transfer arrived"),
        body=marked("%(amount)s is where you wanted it."),
        href=f"/transfer/{row.reference}",
        facts={"amount": row.arrived},
    )


async def tell_not_moved(session: TenantSession, event: TransferFailed) -> None:
    """Say that a trading server refused, and where the money is."""
    row = await transfer_queries.row(session, event.transfer_id)
    if row is None:
        return
    stayed = marked("%(amount)s is where it was. Try again, or write to us.")
    in_wallet = marked("%(amount)s is in your wallet. Try again, or write to us.")
    await _tell(
        session,
        event.client_id,
        kind="deposit",
        title=marked("Transfer not completed"),
        body=in_wallet if event.state == "returned" else stayed,
        href=f"/transfer/{row.reference}",
        facts={"amount": row.amount},
    )


async def _tell_of_deposit(
    session: TenantSession, deposit_id: UUID, *, title: str, body: str, amount: Money | None = None
) -> None:
    row = await treasury_queries.deposit_row(session, deposit_id=deposit_id)
    if row is not None:
        await _tell(
            session,
            row.client_id,
            kind="deposit",
            title=title,
            body=body,
            href=f"/deposit/{row.reference}",
            facts={"amount": amount or row.amount, "login": str(row.account_login or "")},
        )


async def _tell(
    session: TenantSession,
    client_id: UUID,
    *,
    kind: str,
    title: str,
    body: str,
    href: str,
    facts: dict[str, Fact] | None = None,
) -> None:
    """Tell a client, if they can sign in."""
    client = await client_queries.client(session, client_id)
    if client is not None and client.user_id is not None:
        await notifications.notify(
            session,
            user_id=client.user_id,
            kind=kind,
            title=title,
            body=body,
            href=href,
            facts=facts,
        )
