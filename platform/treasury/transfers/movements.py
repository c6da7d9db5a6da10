"""What trading servers say of transfers: the next leg, the end, or the way back."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.database import TenantSession, write
from kernel.errors import ProductError
from kernel.failpoints import reach
from kernel.money import Money
from ledger import bookings, chart, holds
from trading import operations
from trading.events import CashDone, CashFailed
from trading.operations import CashRequest
from treasury.transfers import queries, transitions
from treasury.transfers.models import FxQuote, Transfer
from treasury.transfers.rules import Moved, moved


async def done(session: TenantSession, events: Sequence[CashDone]) -> None:
    """The servers booked: post what has moved, and go on with transfers between two accounts.

    An event that comes again finds a transfer that waits for something else, and changes nothing.
    """
    told = {event.hold_id: event for event in events if event.hold_id is not None}
    found = await queries.locked_of_holds(session, list(told))
    for hold_id, transfer in found.items():
        event = told[hold_id]
        quote = (
            await queries.quote(session, transfer.quote_id)
            if transfer.quote_id is not None
            else None
        )
        if transfer.state == "moving" and hold_id == transfer.hold_id:
            if event.kind == "withdrawal":
                await _debited(session, transfer, event, quote)
            elif event.kind == "deposit":
                await _credited(session, transfer, event, quote)
        elif transfer.state == "crediting" and hold_id == transfer.credit_hold_id:
            await _credited(session, transfer, event, quote)


async def failed(session: TenantSession, event: CashFailed) -> None:
    """A server refused for certain: the money stays where it is, free again."""
    if event.hold_id is None:
        return
    transfer = (await queries.locked_of_holds(session, [event.hold_id])).get(event.hold_id)
    if transfer is None or transfer.state not in ("moving", "crediting"):
        return
    second = transfer.state == "crediting"
    if event.hold_id != (transfer.credit_hold_id if second else transfer.hold_id):
        return
    await holds.void(session, hold_id=event.hold_id, reason="refused by the trading server")
    if second:
        reason = f"In the wallet: the trading server refused. {event.reason}"
        transitions.move(session, transfer, "returned", reason=reason)
    else:
        reason = f"The trading server refused; nothing was moved. {event.reason}"
        transitions.move(session, transfer, "failed", reason=reason)


async def _debited(
    session: TenantSession, transfer: Transfer, event: CashDone, quote: FxQuote | None
) -> None:
    """An account was debited: its money is in the wallet, or goes on to the other account."""
    source = bookings.trading_account(event.account_id)
    wallet = bookings.wallet(transfer.client_id)
    if transfer.target_account_id is None:
        await _post(session, transfer, event, moved(transfer, source, wallet, quote), key="")
        reason = f"Booked on the server, {event.ticket}; in the wallet."
        transitions.move(session, transfer, "done", reason=reason)
        return
    # The wallet keeps the currency it came in; it converts when the second server has booked.
    await _post(session, transfer, event, moved(transfer, source, wallet, None), key="-debit")
    transfer.credit_hold_id = await holds.reserve(
        session,
        key=f"transfer-credit-hold:{transfer.id}",
        code=chart.CLIENT_WALLET,
        currency=transfer.currency,
        owner=("client", transfer.client_id),
        amount=transfer.amount,
        reference=transfer.reference,
    )
    request = CashRequest(
        transfer.target_account_id,
        "deposit",
        Money(transfer.target_amount, transfer.target_currency),
        transfer.reference,
        transfer.credit_hold_id,
    )
    [answer] = await operations.request_cash_batch(session, [request])
    if isinstance(answer, ProductError):
        # The account was closed meanwhile: the client's money waits in the wallet.
        await holds.void(session, hold_id=transfer.credit_hold_id, reason=answer.text)
        transitions.move(session, transfer, "returned", reason=f"In the wallet: {answer.text}")
        return
    reason = f"Debited on the server, {event.ticket}; the other account is next."
    transitions.move(session, transfer, "crediting", reason=reason)
    await session.flush()
    await write(session)
    reach("treasury.transfer_between_legs")


async def _credited(
    session: TenantSession, transfer: Transfer, event: CashDone, quote: FxQuote | None
) -> None:
    wallet = bookings.wallet(transfer.client_id)
    target = bookings.trading_account(event.account_id)
    await _post(session, transfer, event, moved(transfer, wallet, target, quote), key="")
    transitions.move(session, transfer, "done", reason=f"Booked on the server, {event.ticket}.")
    await session.flush()
    await write(session)
    reach("treasury.transfer_before_done_commit")


async def _post(
    session: TenantSession, transfer: Transfer, event: CashDone, made: Moved, *, key: str
) -> None:
    """Post what a server has booked, once by the transfer's key and once by the ticket."""
    assert event.hold_id is not None
    await holds.post(
        session,
        hold_id=event.hold_id,
        key=f"transfer{key}:{transfer.id}",
        kind="transfer",
        lines=made.lines,
        reference=transfer.reference,
        external_reference=f"{event.account_id}:{event.ticket}",
        rate=made.rate,
    )
