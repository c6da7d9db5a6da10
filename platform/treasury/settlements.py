"""A provider's word becomes money: the settled amount is posted once, or held for a person."""

from __future__ import annotations

from uuid import UUID

from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import ProductError
from kernel.events import record
from kernel.failpoints import reach
from kernel.money import Money
from ledger import chart, entries, holds
from ledger.lines import credit, debit
from trading import operations
from trading.events import CashDone, CashFailed
from treasury import queries, rules, transitions
from treasury.events import DepositCredited, DepositSettled
from treasury.models import Deposit
from treasury.rules import Decision, Fact, Standing


async def apply(session: TenantSession, deposit: Deposit, fact: Fact) -> Decision:
    """Do what a fact means for a deposit whose row is locked; return what was decided."""
    amount = Money(deposit.amount, deposit.currency)
    decision = rules.decide(Standing(deposit.state, amount, deposit.provider_reference), fact)
    if decision.action == "settle":
        deposit.provider_reference = fact.provider_reference
        await settle(session, deposit, fact.amount or amount, fee=fact.fee, reason=decision.reason)
    elif decision.action == "move":
        if fact.kind == "paid":
            _remember_payment(deposit, fact)
        transitions.move(session, deposit, decision.to_state, reason=decision.reason)
    elif decision.action == "dispute":
        transitions.flag_dispute(session, deposit, moment=now(), reason=decision.reason)
    return decision


async def settle(
    session: TenantSession, deposit: Deposit, amount: Money, *, fee: Money | None, reason: str
) -> None:
    """Post a payment to the client's wallet and pass it on to the trading account, if one is meant.

    The posting's key is the deposit's, and the provider's payment stands in the book once: a
    second settlement finds both and changes nothing.
    """
    psp = ("psp", deposit.connection_id)
    await entries.post(
        session,
        key=f"deposit:{deposit.id}",
        kind="deposit",
        lines=[
            debit(chart.PSP_CLEARING, psp, amount),
            credit(chart.CLIENT_WALLET, ("client", deposit.client_id), amount),
        ],
        reference=deposit.reference,
        external_reference=f"{deposit.connection_id}:{deposit.provider_reference}",
    )
    if fee is not None:
        await book_fee(session, deposit, fee)
    deposit.settled_amount, deposit.settled_currency = amount.amount, amount.currency
    deposit.settled_at = now()
    transitions.move(session, deposit, "settled", reason=reason)
    record(
        session,
        DepositSettled(
            deposit.id,
            deposit.client_id,
            deposit.trading_account_id,
            amount.amount,
            amount.currency,
        ),
    )
    await _pass_on(session, deposit, amount)
    # The flush sends everything, so that a kill here is a kill right before the commit.
    await session.flush()
    reach("treasury.before_settle_commit")


async def book_fee(session: TenantSession, deposit: Deposit, fee: Money) -> None:
    """Book what the provider keeps of a deposit; the brokerage bears it, not the client."""
    deposit.fee, deposit.fee_currency = fee.amount, fee.currency
    if fee.amount <= 0:
        return
    psp = ("psp", deposit.connection_id)
    await entries.post(
        session,
        key=f"deposit-fee:{deposit.id}",
        kind="psp_fee",
        lines=[debit(chart.PSP_FEE, chart.HOUSE, fee), credit(chart.PSP_CLEARING, psp, fee)],
        reference=deposit.reference,
    )


async def credited(session: TenantSession, event: CashDone) -> None:
    """The server booked the deposit: turn the hold into a posting to the trading account."""
    deposit = await _of_hold(session, event.kind, event.hold_id)
    if deposit is None or deposit.state != "settled" or event.hold_id is None:
        return
    amount = Money(event.amount, event.currency)
    await holds.post(
        session,
        hold_id=event.hold_id,
        key=f"deposit-credit:{deposit.id}",
        kind="deposit_credit",
        lines=[
            debit(chart.CLIENT_WALLET, ("client", deposit.client_id), amount),
            credit(chart.TRADING_ACCOUNT, ("account", event.account_id), amount),
        ],
        reference=deposit.reference,
        external_reference=f"{event.account_id}:{event.ticket}",
    )
    _mark_credited(session, deposit, event.account_id, f"Booked on the server, {event.ticket}.")


async def returned(session: TenantSession, event: CashFailed) -> None:
    """The server refused for certain: the money stays in the client's wallet, free again."""
    deposit = await _of_hold(session, event.kind, event.hold_id)
    if deposit is None or deposit.state != "settled" or event.hold_id is None:
        return
    await holds.void(session, hold_id=event.hold_id, reason="refused by the trading server")
    _mark_credited(
        session, deposit, None, f"In the wallet: the trading server refused. {event.reason}"
    )


async def _pass_on(session: TenantSession, deposit: Deposit, amount: Money) -> None:
    """Set the money aside for the account and ask for its credit, in this very transaction."""
    account_id = deposit.trading_account_id
    if account_id is None:
        _mark_credited(session, deposit, None, "In the wallet.")
        return
    hold_id = await holds.reserve(
        session,
        key=f"deposit-hold:{deposit.id}",
        code=chart.CLIENT_WALLET,
        currency=amount.currency,
        owner=("client", deposit.client_id),
        amount=amount.amount,
        reference=deposit.reference,
    )
    try:
        await operations.request_cash(
            session,
            account_id=account_id,
            kind="deposit",
            amount=amount,
            hold_id=hold_id,
            reference=deposit.reference,
        )
    except ProductError as error:
        # The account was closed meanwhile: the client's money waits in the wallet.
        await holds.void(session, hold_id=hold_id, reason=error.text)
        _mark_credited(session, deposit, None, f"In the wallet: {error.text}")
        return
    deposit.hold_id = hold_id


def _mark_credited(
    session: TenantSession, deposit: Deposit, account_id: UUID | None, reason: str
) -> None:
    deposit.credited_at = now()
    transitions.move(session, deposit, "credited", reason=reason)
    record(
        session,
        DepositCredited(
            deposit.id,
            deposit.client_id,
            account_id,
            deposit.settled_amount or deposit.amount,
            deposit.currency,
        ),
    )


def _remember_payment(deposit: Deposit, fact: Fact) -> None:
    """Keep what was paid although nothing is credited, for the person who decides."""
    if fact.amount is not None:
        deposit.settled_amount = fact.amount.amount
        deposit.settled_currency = fact.amount.currency
    if fact.fee is not None:
        deposit.fee, deposit.fee_currency = fact.fee.amount, fact.fee.currency
    if deposit.provider_reference is None:
        deposit.provider_reference = fact.provider_reference


async def _of_hold(session: TenantSession, kind: str, hold_id: UUID | None) -> Deposit | None:
    if kind != "deposit" or hold_id is None:
        return None
    return await queries.locked_deposit_of_hold(session, hold_id)
