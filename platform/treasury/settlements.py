"""A provider's word becomes money: the amount is posted once, or held for a person. Hot path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard, TypeVar
from uuid import UUID

import msgspec

from kernel.clock import now
from kernel.database import TenantSession, driver, tagged, write
from kernel.errors import ProductError
from kernel.events import record
from kernel.failpoints import reach
from kernel.money import Money
from ledger import bookings, chart, entries, holds
from ledger.holds import Reservation
from ledger.lines import Draft, credit, debit
from trading import operations
from trading.events import CashDone, CashFailed
from trading.operations import CashRequest
from treasury import queries, rules, transitions
from treasury.events import DepositCredited, DepositSettled
from treasury.models import Deposit
from treasury.offers import queries as offer_queries
from treasury.rules import Decision, Fact, Standing

Told = TypeVar("Told", CashDone, CashFailed)


# The fee stays as it is where this word does not name it.
_SETTLE = """
UPDATE deposit d
SET state = s.state, reason = left(s.reason, 200),
  provider_reference = coalesce(s.provider_reference, d.provider_reference),
  settled_amount = s.amount, settled_currency = d.currency, settled_at = s.settled_at,
  credited_at = s.credited_at, hold_id = s.hold_id, fee = coalesce(s.fee, d.fee),
  fee_currency = coalesce(s.fee_currency, d.fee_currency)
FROM json_to_recordset($1::json) AS s(
  id uuid, state text, reason text, provider_reference text, amount numeric,
  settled_at timestamptz, credited_at timestamptz, hold_id uuid, fee numeric, fee_currency text)
WHERE d.id = s.id
"""
_CREDIT = """
UPDATE deposit d SET state = 'credited', reason = left(s.reason, 200), credited_at = s.credited_at
FROM json_to_recordset($1::json) AS s(id uuid, reason text, credited_at timestamptz)
WHERE d.id = s.id
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A deposit whose row is locked, by which payment it was paid, and what that costs.

    `amount` is the client's, `charge` what the brokerage keeps of what was paid for it, and `fee`
    what the provider keeps of both.
    """

    deposit: Deposit
    amount: Money
    fee: Money | None
    provider_reference: str | None
    reason: str
    charge: Money | None = None

    @property
    def paid(self) -> Money:
        """What came from outside."""
        return self.amount if self.charge is None else self.amount + self.charge


async def apply(session: TenantSession, words: Sequence[tuple[Deposit, Fact]]) -> list[Decision]:
    """Do what facts mean for deposits whose rows are locked; return what was decided.

    No deposit may stand in the list twice. Those that were settled are stale afterwards.
    """
    decisions = []
    settled = []
    for deposit, fact in words:
        standing = Standing(deposit.state, deposit.provider_reference)
        decision = rules.decide(standing, fact)
        decisions.append(decision)
        if decision.action == "settle":
            paid = fact.amount or deposit.ordered
            settled.append(
                settlement_of(deposit, paid, fact.fee, fact.provider_reference, decision.reason)
            )
        elif decision.action == "move":
            if decision.to_state == "held":
                _remember_payment(deposit, fact)
            transitions.move(session, deposit, decision.to_state, reason=decision.reason)
        elif decision.action == "dispute":
            amount = await _taken_back(session, deposit, fact)
            if amount is None:
                decisions[-1] = replace(decision, action="nothing", reason="a refund of our own")
                continue
            transitions.flag_dispute(
                session,
                deposit,
                moment=now(),
                kind=decision.kind,
                amount=amount,
                reason=decision.reason,
            )
    await settle(session, settled)
    # Whoever reads a deposit again must not read it as it was before it was moved.
    await session.flush()
    return decisions


def settlement_of(
    deposit: Deposit, paid: Money, fee: Money | None, payment: str | None, reason: str
) -> Settlement:
    """Return what is credited of a payment: all of it but the fee that the client was quoted.

    Of another amount than was ordered, which a person has let pass, nothing is kept.
    """
    charge = deposit.charge if paid == deposit.ordered else None
    if charge is None or charge.amount <= 0:
        return Settlement(deposit, paid, fee, payment or None, reason)
    return Settlement(deposit, paid - charge, fee, payment or None, reason, charge)


async def _taken_back(session: TenantSession, deposit: Deposit, fact: Fact) -> Money | None:
    """Return what a provider took back of a deposit; None for what withdrawals have sent back.

    The provider tells of those refunds as of any other, and clients have paid them already.
    """
    amount = fact.amount or Money(deposit.amount, deposit.currency)
    if fact.state != "refunded":
        return amount
    own = await offer_queries.own_refunds(session, deposit_id=deposit.id)
    if own == 0 or amount.currency != deposit.currency:
        return amount
    return Money(amount.amount - own, amount.currency) if amount.amount > own else None


async def settle(session: TenantSession, settlements: Sequence[Settlement]) -> None:
    """Post payments to the clients' wallets and pass them on to the accounts that are meant.

    A posting's key is its deposit's, and a provider's payment stands in the book once: a second
    settlement finds both and changes nothing. The deposits' objects are stale afterwards.
    """
    if not settlements:
        return
    drafts = [_posting(one) for one in settlements]
    drafts += [_fee_posting(one.deposit, one.fee) for one in settlements if _costs(one.fee)]
    await entries.post_batch(session, drafts=drafts)
    for one in settlements:
        deposit, amount = one.deposit, one.amount
        transitions.tell(session, deposit.id, deposit.state, "settled", reason=one.reason)
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
    moment = now()
    rows: list[dict[str, object]] = [
        {
            "id": one.deposit.id,
            "state": "credited" if hold_id is None else "settled",
            "reason": in_wallet or one.reason,
            "provider_reference": one.provider_reference,
            "amount": one.amount.amount,
            "settled_at": moment,
            "credited_at": moment if hold_id is None else None,
            "hold_id": hold_id,
            "fee": one.fee.amount if one.fee else None,
            "fee_currency": one.fee.currency if one.fee else None,
        }
        for one, (hold_id, in_wallet) in zip(
            settlements, await _pass_on(session, settlements), strict=True
        )
    ]
    await _change(session, _SETTLE, rows)
    # Everything is sent, so that a kill here is a kill right before the commit.
    await write(session)
    reach("treasury.before_settle_commit")


async def _change(
    session: TenantSession, statement: str, rows: Sequence[dict[str, object]]
) -> None:
    raw = await driver(session)
    await raw.execute(tagged(session, statement), msgspec.json.encode(rows).decode())


async def book_fee(session: TenantSession, deposit: Deposit, fee: Money) -> None:
    """Book what the provider keeps of a deposit; the brokerage bears it, not the client."""
    deposit.fee, deposit.fee_currency = fee.amount, fee.currency
    if _costs(fee):
        await entries.post_batch(session, drafts=[_fee_posting(deposit, fee)])


async def credited(session: TenantSession, events: Sequence[CashDone]) -> None:
    """The server booked deposits: turn their holds into postings to the trading accounts."""
    waiting = await _of_holds(session, events)
    drafts = []
    for event, deposit in waiting:
        amount = Money(event.amount, event.currency)
        drafts.append(
            Draft(
                key=f"deposit-credit:{deposit.id}",
                kind="deposit_credit",
                lines=[
                    debit(chart.CLIENT_WALLET, ("client", deposit.client_id), amount),
                    credit(chart.TRADING_ACCOUNT, ("account", event.account_id), amount),
                ],
                reference=deposit.reference,
                external_reference=f"{event.account_id}:{event.ticket}",
                hold_id=event.hold_id,
            )
        )
    await entries.post_batch(session, drafts=drafts)
    moment = now()
    rows: list[dict[str, object]] = []
    for event, deposit in waiting:
        reason = f"Booked on the server, {event.ticket}."
        rows.append({"id": deposit.id, "reason": reason, "credited_at": moment})
        transitions.tell(session, deposit.id, "settled", "credited", reason=reason)
        paid = Money(deposit.settled_amount or deposit.amount, deposit.currency)
        _tell_credited(session, deposit, event.account_id, paid)
    await _change(session, _CREDIT, rows)
    reach("treasury.before_credit_commit")


async def returned(session: TenantSession, event: CashFailed) -> None:
    """The server refused for certain: the money stays in the client's wallet, free again."""
    for failed, deposit in await _of_holds(session, [event]):
        assert failed.hold_id is not None
        await holds.void(session, hold_id=failed.hold_id, reason="refused by the trading server")
        reason = f"In the wallet: the trading server refused. {event.reason}"
        deposit.credited_at = now()
        transitions.move(session, deposit, "credited", reason=reason)
        paid = Money(deposit.settled_amount or deposit.amount, deposit.currency)
        _tell_credited(session, deposit, None, paid)


def _posting(one: Settlement) -> Draft:
    deposit = one.deposit
    lines = bookings.deposit(deposit.connection_id, deposit.client_id, one.paid)
    if one.charge is not None:
        lines += bookings.fee(deposit.client_id, one.charge)
    # A provider that names no payment of its own is known by our reference.
    payment = one.provider_reference or deposit.reference
    return Draft(
        key=f"deposit:{deposit.id}",
        kind="deposit",
        lines=lines,
        reference=deposit.reference,
        external_reference=f"{deposit.connection_id}:{payment}",
    )


def _costs(fee: Money | None) -> TypeGuard[Money]:
    return fee is not None and fee.amount > 0


def _fee_posting(deposit: Deposit, fee: Money) -> Draft:
    return Draft(
        key=f"deposit-fee:{deposit.id}",
        kind="psp_fee",
        lines=bookings.provider_fee(deposit.connection_id, fee),
        reference=deposit.reference,
    )


async def _pass_on(
    session: TenantSession, settlements: Sequence[Settlement]
) -> list[tuple[UUID | None, str]]:
    """Set the money aside for the accounts and ask for its credit, in this very transaction.

    Returns the hold of each deposit, or None and why its money stays in the client's wallet.
    """
    passed: dict[UUID, tuple[UUID | None, str]] = {}
    meant = [one for one in settlements if one.deposit.trading_account_id is not None]
    reserved = await holds.reserve_batch(session, reservations=[_reservation(o) for o in meant])
    requests = [
        CashRequest(account_id, "deposit", one.amount, one.deposit.reference, hold_id)
        for one, hold_id in zip(meant, reserved, strict=True)
        if (account_id := one.deposit.trading_account_id) is not None
    ]
    made = await operations.request_cash_batch(session, requests)
    for one, hold_id, answer in zip(meant, reserved, made, strict=True):
        # What was posted a line above is there to be set aside.
        assert hold_id is not None
        if isinstance(answer, ProductError):
            # The account was closed meanwhile: the client's money waits in the wallet.
            await holds.void(session, hold_id=hold_id, reason=answer.text)
            passed[one.deposit.id] = (None, f"In the wallet: {answer.text}")
        else:
            passed[one.deposit.id] = (hold_id, "")
    for one in settlements:
        hold_id, in_wallet = passed.setdefault(one.deposit.id, (None, "In the wallet."))
        if hold_id is None:
            transitions.tell(session, one.deposit.id, "settled", "credited", reason=in_wallet)
            _tell_credited(session, one.deposit, None, one.amount)
    return [passed[one.deposit.id] for one in settlements]


def _reservation(one: Settlement) -> Reservation:
    return Reservation(
        key=f"deposit-hold:{one.deposit.id}",
        code=chart.CLIENT_WALLET,
        currency=one.amount.currency,
        owner=("client", one.deposit.client_id),
        amount=one.amount.amount,
        reference=one.deposit.reference,
    )


def _tell_credited(
    session: TenantSession, deposit: Deposit, account_id: UUID | None, paid: Money
) -> None:
    record(
        session,
        DepositCredited(deposit.id, deposit.client_id, account_id, paid.amount, paid.currency),
    )


def _remember_payment(deposit: Deposit, fact: Fact) -> None:
    """Keep what came although nothing is credited, for the person who decides.

    Of a payment that has not succeeded only what was settled has come; its amount was ordered.
    """
    came = fact.settled
    if came is None or came.currency != deposit.currency:
        came = fact.amount if fact.state == "succeeded" else None
    if came is not None and came.amount > 0:
        deposit.settled_amount, deposit.settled_currency = came.amount, came.currency
    if fact.fee is not None:
        deposit.fee, deposit.fee_currency = fact.fee.amount, fact.fee.currency
    if deposit.provider_reference is None:
        deposit.provider_reference = fact.provider_reference or None


async def _of_holds(session: TenantSession, events: Sequence[Told]) -> list[tuple[Told, Deposit]]:
    """Pair events about deposits with the deposits that wait for them, each of those once."""
    told = {
        event.hold_id: event
        for event in events
        if event.kind == "deposit" and event.hold_id is not None
    }
    found = await queries.locked_deposits_of_holds(session, list(told))
    return [
        (told[hold_id], deposit) for hold_id, deposit in found.items() if deposit.state == "settled"
    ]
