"""Negative balances: the account's bonus bears them first, then the brokerage (example E14)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from kernel.database import TenantSession
from kernel.errors import Conflict, NotFound
from kernel.money import Money
from ledger import bookings, chart, entries, holds
from ledger import queries as ledger_queries
from trading import queries as trading_queries
from trading.models import TradingAccount
from treasury.adjustments import adjustments, bonuses, queries, transitions
from treasury.adjustments.models import Adjustment


class NothingToWriteOff(Conflict):
    """The account is not below zero, something is under way there, or it is being written off."""

    code = "nothing_to_write_off"
    message = "This account is not below zero, or something is still under way on it. Reload."


async def request(session: TenantSession, *, key: str, account_id: UUID, reason: str) -> Adjustment:
    """Ask to bring an account that a stop-out left below zero back to zero.

    What the server shows below zero counts; the book follows it first. Raises NotFound,
    NothingToWriteOff, and InvalidInput without a reason.
    """
    account = await trading_queries.locked_account(session, account_id)
    if account is None:
        raise NotFound
    if (known := await queries.of_key(session, key)) is not None:
        return known
    busy = await trading_queries.operations(
        session, states=("ready", "sending", "unknown", "frozen"), account_id=account_id
    )
    if account.balance >= 0 or busy or await queries.open_write_off(session, account_id):
        raise NothingToWriteOff
    deficit = Money(-account.balance, account.currency)
    return await adjustments.open_request(
        session,
        adjustments.Wish(
            key=key,
            client_id=account.client_id,
            kind="write_off",
            amount=deficit.rounded(),
            reason=reason,
            account_id=account_id,
        ),
    )


async def begin(session: TenantSession, one: Adjustment) -> None:
    """Start a write-off: take the bonus that bears part of it back on the server, else pay in."""
    assert one.account_id is not None
    account = await trading_queries.locked_account(session, one.account_id)
    assert account is not None
    if account.balance != -one.amount:
        transitions.move(session, one, "failed", reason="The account's balance has changed since.")
        return
    await _follow_the_server(session, one, account)
    owner = ("account", account.id)
    bonus = await ledger_queries.balance(
        session, code=chart.BONUS, currency=account.currency, owner=owner
    )
    one.bonus_used = min(bonus.available, one.amount)
    if one.bonus_used <= 0:
        one.bonus_used = Decimal(0)
        await pay_in(session, one)
        return
    one.hold_id = await holds.reserve(
        session,
        key=f"adjustment-hold:{one.id}",
        code=chart.BONUS,
        currency=account.currency,
        owner=owner,
        amount=one.bonus_used,
        reference=one.reference,
    )
    used = Money(one.bonus_used, one.currency)
    await adjustments.ask(session, one, "credit_out", used)


async def pay_in(session: TenantSession, one: Adjustment) -> None:
    """Ask the server to book what brings the account back to zero."""
    amount = Money(one.amount, one.currency)
    await adjustments.ask(session, one, "deposit", amount, state="crediting")


async def give_up(session: TenantSession, one: Adjustment) -> None:
    """The server refused the second step: the bonus is gone there, so it goes from the book too."""
    if one.hold_id is None or one.account_id is None:
        return
    used = Money(one.bonus_used, one.currency)
    await holds.post(
        session,
        hold_id=one.hold_id,
        key=f"adjustment-bonus:{one.id}",
        kind="bonus_off",
        lines=bookings.move(
            (chart.BONUS, ("account", one.account_id)), (chart.BONUS_COST, chart.HOUSE), used
        ),
        reference=one.reference,
    )
    await bonuses.used(session, one.account_id, one.bonus_used)


async def _follow_the_server(
    session: TenantSession, one: Adjustment, account: TradingAccount
) -> None:
    """Book the trading result that has left the account where the server shows it."""
    owner = ("account", account.id)
    known = await ledger_queries.balance(
        session, code=chart.TRADING_ACCOUNT, currency=account.currency, owner=owner
    )
    result = Money(account.balance - known.amount, account.currency)
    if result.amount:
        await entries.post(
            session,
            key=f"adjustment-result:{one.id}",
            kind="trading_result",
            lines=bookings.trading_result(account.id, result),
            reference=one.reference,
            forced=True,
        )
