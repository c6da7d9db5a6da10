"""An approved withdrawal gives its money up: in the book, and on the trading server before it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from clients import queries as client_queries
from kernel.database import TenantSession, write
from kernel.errors import InvalidInput, NotFound, ProductError
from kernel.events import record
from kernel.failpoints import reach
from ledger import bookings, chart, entries, holds
from ledger.bookings import Account
from trading import operations
from trading import queries as trading_queries
from trading.events import CashDone, CashFailed
from trading.operations import CashRequest
from treasury.withdrawals import facts, queries, rules, transitions
from treasury.withdrawals.events import WithdrawalPaying
from treasury.withdrawals.facts import Wish
from treasury.withdrawals.models import Withdrawal, WithdrawalPart
from treasury.withdrawals.rules import Problem

PREFIX = "WDR-"


def on_the_way(client_id: UUID) -> Account:
    """Return what a client is owed and is being paid, as an account of the book."""
    return chart.WITHDRAWALS_PENDING, ("client", client_id)


async def advance(session: TenantSession, *, withdrawal_id: UUID) -> None:
    """Take an approved withdrawal further; harmless for any other.

    Everything is checked again now, the free margin as it is at this moment: what stands in the
    way holds the withdrawal for a person. From a wallet the book moves the money; from a trading
    account its server is asked first, and nothing is paid before it has booked.
    """
    withdrawal = await queries.locked(session, withdrawal_id)
    if withdrawal is None or withdrawal.state != "approved":
        return
    problem = await _problem(session, withdrawal)
    if problem is not None:
        await transitions.move(session, withdrawal, "held", code=problem.code, reason=problem.title)
        return
    if withdrawal.trading_account_id is None:
        await _from_wallet(session, withdrawal)
    else:
        await _from_account(session, withdrawal, withdrawal.trading_account_id)
    await write(session)
    reach("treasury.withdrawal_before_debit_commit")


async def _problem(session: TenantSession, withdrawal: Withdrawal) -> Problem | None:
    client = await client_queries.client(session, withdrawal.client_id)
    assert client is not None
    parts = await queries.parts(session, withdrawal.id)
    payee = next((part.destination_id for part in parts if part.destination_id), None)
    wish = Wish(withdrawal.money, withdrawal.trading_account_id, payee)
    try:
        found, _ = await facts.gather(session, client, wish, but=withdrawal)
    except (InvalidInput, NotFound) as error:
        return Problem("source", error.text, "")
    return next(iter(rules.problems(found)), None)


async def _from_wallet(session: TenantSession, withdrawal: Withdrawal) -> None:
    wallet = bookings.wallet(withdrawal.client_id)
    pending = on_the_way(withdrawal.client_id)
    for part in await queries.parts(session, withdrawal.id):
        assert part.hold_id is not None
        part.entry_id = await holds.post(
            session,
            hold_id=part.hold_id,
            key=f"withdrawal:{part.id}",
            kind="withdrawal",
            lines=bookings.move(wallet, pending, part.money),
            reference=withdrawal.reference,
        )
        part.next_at = await trading_queries.database_time(session)
    await _paying(session, withdrawal, "Taken from the wallet.")


async def _from_account(session: TenantSession, withdrawal: Withdrawal, account_id: UUID) -> None:
    try:
        operation = await operations.request_cash(
            session,
            CashRequest(account_id, "withdrawal", withdrawal.money, withdrawal.reference),
        )
    except ProductError as refusal:
        await transitions.move(session, withdrawal, "held", code="source", reason=refusal.text)
        return
    withdrawal.operation_id = operation.id
    await transitions.move(
        session,
        withdrawal,
        "debiting",
        code="debiting",
        reason="The trading server is asked to book it.",
    )


async def booked(session: TenantSession, events: Sequence[CashDone]) -> None:
    """The server has booked withdrawals: the book follows, and they may be paid."""
    for event in events:
        if event.kind != "withdrawal" or not event.reference.startswith(PREFIX):
            continue
        withdrawal = await queries.locked_by_reference(session, event.reference)
        if withdrawal is None or withdrawal.state != "debiting":
            continue
        account = bookings.trading_account(event.account_id)
        entry_id = await entries.post(
            session,
            key=f"withdrawal-debit:{withdrawal.id}",
            kind="withdrawal",
            lines=bookings.move(account, on_the_way(withdrawal.client_id), withdrawal.money),
            reference=withdrawal.reference,
            external_reference=f"{event.account_id}:{event.ticket}",
            # It has happened on the server, whatever the book knows of the account's results.
            forced=True,
        )
        for part in await queries.parts(session, withdrawal.id):
            part.entry_id = entry_id
            part.next_at = await trading_queries.database_time(session)
        await _paying(session, withdrawal, f"Booked on the server, {event.ticket}.")
        await write(session)
        reach("treasury.withdrawal_before_booked_commit")


async def refused(session: TenantSession, event: CashFailed) -> None:
    """The server refused for certain: nothing was taken, so nothing is paid."""
    if event.kind != "withdrawal" or not event.reference.startswith(PREFIX):
        return
    withdrawal = await queries.locked_by_reference(session, event.reference)
    if withdrawal is None or withdrawal.state != "debiting":
        return
    await transitions.move(
        session, withdrawal, "failed", code="debit_refused", reason=event.reason or "Refused."
    )


async def give_back(
    session: TenantSession, withdrawal: Withdrawal, part: WithdrawalPart, *, reason: str
) -> None:
    """Book a part that is not paid back into the wallet: the entry is reversed, once.

    What came from a trading account goes to the wallet too: it has left the server.
    """
    key = f"withdrawal-return:{part.id}"
    if withdrawal.trading_account_id is None:
        assert part.entry_id is not None
        await entries.reverse(session, entry_id=part.entry_id, key=key, reason=reason[:200])
        return
    await entries.post(
        session,
        key=key,
        kind="withdrawal_return",
        lines=bookings.move(
            on_the_way(withdrawal.client_id), bookings.wallet(withdrawal.client_id), part.money
        ),
        reference=withdrawal.reference,
    )


async def _paying(session: TenantSession, withdrawal: Withdrawal, reason: str) -> None:
    await transitions.move(session, withdrawal, "paying", code="paying", reason=reason)
    record(session, WithdrawalPaying(withdrawal.id, withdrawal.client_id))
