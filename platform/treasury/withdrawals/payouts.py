"""Paying: each part once, under one key, whatever gets lost on the way.

An attempt is committed before the call. An answer that did not come is unknown: the provider
is asked, and only a provider that keeps our key for itself, or one that has said twice that it
knows of nothing, is called again, under the same key and reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from connectors.payments.engine.failures import OrderRefused
from connectors.payments.engine.port import (
    DeclaredGateway,
    Notice,
    Order,
    PaymentGateways,
    Standing,
)
from connectors.payments.port import CredentialsRefused, PaymentRefused, PaymentUnknown
from identity import audit
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession, write
from kernel.events import record
from kernel.failpoints import reach
from kernel.log import logger
from kernel.money import Money
from kernel.settings import Settings
from ledger import bookings, chart, entries
from ledger.chart import HOUSE, MAIN_BANK
from ledger.lines import credit, debit
from trading import queries as trading_queries
from treasury import connections
from treasury.withdrawals import debits, orders, queries, transitions
from treasury.withdrawals.events import PayoutAsked, WithdrawalPaid
from treasury.withdrawals.models import Withdrawal, WithdrawalPart

_LOG = logger(__name__)
# Longer than a call may take; whoever died in between is followed after this.
LEASE = timedelta(seconds=120)
# A request that is still on its way when the provider is asked must be dead when it is asked again.
QUIET = timedelta(seconds=90)
_PENDING = timedelta(minutes=5)
_MISSES = 2


@dataclass(frozen=True, slots=True)
class _Claim:
    """A part that is ours to see to now: send it, or ask about it."""

    part_id: UUID
    attempt: int
    act: str
    refund: bool
    gateway: DeclaredGateway
    order: Order


async def pay(
    database: Database,
    tenant: TenantRef,
    *,
    part_id: UUID,
    gateways: PaymentGateways,
    vault: Vault,
    settings: Settings,
    asked: bool = False,
) -> None:
    """See to one part: pay it, or find out what became of it; harmless at any time.

    `asked` asks about a payout that is under way, before its time.
    """
    async with database.tenant(tenant) as session:
        claim = await _claim(
            session, part_id, gateways=gateways, vault=vault, settings=settings, asked=asked
        )
    if claim is None:
        return
    reach("treasury.payout_before_call")
    try:
        async with connections.closing(claim.gateway) as gateway:
            if claim.act == "ask":
                found = await gateway.query(claim.order)
            elif claim.refund:
                found = await gateway.refund(claim.order)
            else:
                found = await gateway.withdraw(claim.order)
    except PaymentUnknown:
        found = None
    except PaymentRefused as refusal:
        async with database.tenant(tenant) as session:
            await _refused(session, claim, refusal)
        return
    reach("treasury.payout_after_call")
    async with database.tenant(tenant) as session:
        if found is None:
            await _unknown(session, claim)
        else:
            await _answered(session, claim, found)
        await write(session)
        reach("treasury.payout_before_record_commit")


async def notice(session: TenantSession, connection_id: UUID, told: Notice) -> str:
    """Do what a provider's verified word about a payout means; return what it meant.

    What its signature does not cover is asked for and not believed.
    """
    found = await queries.part_of_reference(session, told.reference)
    if found is None or found.connection_id != connection_id:
        return "names no payout of this connection"
    if told.must_ask:
        record(session, PayoutAsked(found.id))
        return "is asked for"
    locked = await queries.locked_part(session, found.id)
    assert locked is not None
    standing = Standing(
        told.state,
        told.status,
        told.reference,
        told.provider_ref,
        told.amount,
        told.settled,
        told.fee,
        told.alarm,
        told.error,
    )
    return await _apply(session, *locked, standing, source="told")


async def decided(
    session: TenantSession, *, part_id: UUID, paid: bool, provider_reference: str, reason: str
) -> None:
    """End a part by what two people saw at the bank or the provider, see `wires`."""
    locked = await queries.locked_part(session, part_id)
    if locked is None or not is_decidable(*locked):
        return
    withdrawal, part = locked
    transitions.step(session, part.id, part.attempt, "decided", reason)
    if not paid:
        await _failed(session, withdrawal, part, reason=reason)
        return
    part.provider_reference = provider_reference[:120] or part.provider_reference
    await _paid(session, withdrawal, part, reason=reason)


def is_decidable(withdrawal: Withdrawal, part: WithdrawalPart) -> bool:
    """Say whether people decide about a part: one paid by hand, or one nobody can tell about.

    While a payout is still looked after by itself, nobody may end it beside that.
    """
    if withdrawal.state != "paying" or part.state in ("paid", "failed"):
        return False
    return part.way == "manual" or part.next_at is None


async def _claim(
    session: TenantSession,
    part_id: UUID,
    *,
    gateways: PaymentGateways,
    vault: Vault,
    settings: Settings,
    asked: bool,
) -> _Claim | None:
    locked = await queries.locked_part(session, part_id)
    if locked is None:
        return None
    withdrawal, part = locked
    if withdrawal.state != "paying" or part.way == "manual" or part.state in ("paid", "failed"):
        return None
    if not asked and (
        part.next_at is None or part.next_at > await trading_queries.database_time(session)
    ):
        return None
    provider = await orders.gateway_of(session, part, gateways=gateways, vault=vault)
    if provider is None:
        await _by_hand(session, withdrawal, part, "Its provider is not connected any more.")
        return None
    act = _act(part, provider, asked=asked)
    if act == "person":
        await _by_hand(session, withdrawal, part, "The provider knows of no payout. Look there.")
        return None
    if act == "send":
        part.attempt += 1
        part.misses = 0
        part.state = "paying"
    elif part.state == "paying" and part.provider_reference is None:
        # Whoever sent it never came back: from now on it is unknown.
        part.state = "unknown"
    part.next_at = await trading_queries.database_time(session) + LEASE
    order = await orders.order_of(
        session, withdrawal, part, sending=act == "send", vault=vault, settings=settings
    )
    fact = "called" if act == "send" else "asked"
    transitions.step(session, part.id, part.attempt, fact, order.reference)
    audit.record(
        session,
        f"treasury.payout_{fact}",
        subject=("withdrawal", withdrawal.id),
        after={"part": part.number, "attempt": part.attempt},
    )
    await session.flush()
    refund = part.way == "refund"
    return _Claim(part.id, part.attempt, act, refund, provider, order)


def _act(part: WithdrawalPart, gateway: DeclaredGateway, *, asked: bool) -> str:
    """Say what to do about a part that is due: send it, ask about it, or fetch a person."""
    keeps = gateway.provider.capabilities.idempotency
    if part.state == "waiting":
        return "send"
    if part.provider_reference is not None or asked:
        return "ask"
    if keeps == "header":
        return "send"  # the provider itself makes sure that a key is paid once
    if part.misses < _MISSES:
        return "ask"
    return "send" if keeps == "merchant_reference" else "person"


async def _answered(session: TenantSession, claim: _Claim, standing: Standing) -> None:
    locked = await queries.locked_part(session, claim.part_id)
    if locked is None:
        return
    withdrawal, part = locked
    named = part.provider_reference is not None and (
        standing.provider_ref == part.provider_reference
    )
    if claim.act == "ask" and standing.reference != claim.order.reference and not named:
        # An answer about another payment, such as the one that came in, proves nothing.
        part.next_at = await trading_queries.database_time(session) + _PENDING
        transitions.step(session, part.id, claim.attempt, "asked in vain", "Of another payment.")
        return
    await _apply(session, withdrawal, part, standing, source="answered")


async def _unknown(session: TenantSession, claim: _Claim) -> None:
    locked = await queries.locked_part(session, claim.part_id)
    if locked is None or locked[1].state in ("paid", "failed"):
        return
    _, part = locked
    if part.attempt == claim.attempt and claim.act == "send" and part.state == "paying":
        part.state = "unknown"
    part.next_at = await trading_queries.database_time(session) + QUIET
    transitions.step(session, part.id, claim.attempt, "unknown", "No answer came.")


async def _refused(session: TenantSession, claim: _Claim, refusal: PaymentRefused) -> None:
    """A definite no: to a payout it ends the part; to a question it says there is none."""
    locked = await queries.locked_part(session, claim.part_id)
    if locked is None or locked[1].state in ("paid", "failed"):
        return
    withdrawal, part = locked
    words = f"{refusal.code} {refusal.text}".strip()
    if claim.act == "send":
        if isinstance(refusal, CredentialsRefused):
            # Nothing is wrong with the payout: it goes out when the key works again.
            part.state = "unknown"
            part.next_at = await trading_queries.database_time(session) + _PENDING
            transitions.step(session, part.id, claim.attempt, "unknown", "Credentials refused.")
            return
        transitions.step(session, part.id, claim.attempt, "refused", words)
        await _failed(session, withdrawal, part, reason=f"The provider refused: {words}"[:200])
        return
    if isinstance(refusal, CredentialsRefused | OrderRefused) or part.provider_reference:
        part.next_at = await trading_queries.database_time(session) + _PENDING
        transitions.step(session, part.id, claim.attempt, "asked in vain", words)
        return
    part.misses += 1
    part.next_at = await trading_queries.database_time(session) + QUIET
    transitions.step(session, part.id, claim.attempt, "not found", words)


async def _apply(
    session: TenantSession,
    withdrawal: Withdrawal,
    part: WithdrawalPart,
    standing: Standing,
    *,
    source: str,
) -> str:
    """Do what a provider's word means for a part whose rows are locked; say what it meant."""
    state = standing.state
    if state == "refunded" and part.way == "refund":
        state = "succeeded"
    transitions.step(
        session, part.id, part.attempt, source, f"{state}: {standing.status} {standing.error}"
    )
    if state == "ignored":
        return "means nothing for a payout"
    if part.state in ("paid", "failed") or withdrawal.state != "paying":
        agrees = (part.state, state) in (("paid", "succeeded"), ("failed", "failed"))
        return "already known" if agrees else _contradicted(session, withdrawal, part, state)
    if standing.provider_ref and part.provider_reference is None:
        part.provider_reference = standing.provider_ref[:120]
    if state in ("succeeded", "failed", "cancelled"):
        if state != "succeeded":
            why = standing.error or standing.status or state
            await _failed(session, withdrawal, part, reason=f"The provider refused: {why}"[:200])
            return "returned to the wallet"
        if standing.amount is not None and standing.amount != part.payable:
            return _contradicted(session, withdrawal, part, f"paid {standing.amount}")
        await _paid(session, withdrawal, part, reason="Paid by the provider.")
        return "paid"
    if state in ("chargeback", "refunded"):
        return _contradicted(session, withdrawal, part, state)
    if part.state == "unknown" and part.provider_reference is not None:
        part.state = "paying"
    part.next_at = await trading_queries.database_time(session) + _PENDING
    return "under way"


def _contradicted(
    session: TenantSession, withdrawal: Withdrawal, part: WithdrawalPart, word: str
) -> str:
    """Leave everything as it is and fetch a person: money is never guessed about."""
    if part.state not in ("paid", "failed"):
        part.next_at = None
    reason = f"Part {part.number}: the provider says {word}, we have {part.state}."
    transitions.remark(session, withdrawal, code="contradiction", reason=reason)
    audit.record(
        session,
        "treasury.payout_contradicted",
        subject=("withdrawal", withdrawal.id),
        after={"part": part.number, "word": word},
        reason=reason,
    )
    _LOG.error("a payout is contradicted", withdrawal=str(withdrawal.id), part=part.number)
    return "contradicts what we know: a person has to look"


async def _by_hand(
    session: TenantSession, withdrawal: Withdrawal, part: WithdrawalPart, reason: str
) -> None:
    part.next_at = None
    part.reason = reason
    transitions.step(session, part.id, part.attempt, "needs a person", reason)
    transitions.remark(session, withdrawal, code="person", reason=reason)
    await session.flush()


async def _paid(
    session: TenantSession, withdrawal: Withdrawal, part: WithdrawalPart, *, reason: str
) -> None:
    pending = debits.on_the_way(withdrawal.client_id)
    target = (
        bookings.clearing(part.connection_id)
        if part.connection_id is not None
        else (chart.BANK, MAIN_BANK)
    )
    lines = [debit(*pending, part.money), credit(*target, part.payable)]
    if part.fee > 0:
        lines.append(credit(chart.FEES, HOUSE, part.costs))
    external = None
    if part.provider_reference:
        # Some providers name a refund by the payment it is of, and that may be several times.
        mine = f":{withdrawal.reference}-{part.number}" if part.way == "refund" else ""
        external = f"payout:{part.connection_id or 'bank'}:{part.provider_reference}{mine}"
    await entries.post(
        session,
        key=f"payout:{part.id}",
        kind="withdrawal_paid",
        lines=lines,
        reference=withdrawal.reference,
        external_reference=external,
    )
    await _finish(session, withdrawal, part, "paid", reason)


async def _failed(
    session: TenantSession, withdrawal: Withdrawal, part: WithdrawalPart, *, reason: str
) -> None:
    await debits.give_back(session, withdrawal, part, reason=reason)
    await _finish(session, withdrawal, part, "failed", reason)


async def _finish(
    session: TenantSession, withdrawal: Withdrawal, part: WithdrawalPart, state: str, reason: str
) -> None:
    """End a part, and the withdrawal with its last one; the parts of a split stand alone."""
    part.state = state
    part.reason = reason[:200]
    part.next_at = None
    part.finished_at = await trading_queries.database_time(session)
    await session.flush()
    audit.record(
        session,
        f"treasury.payout_{state}",
        subject=("withdrawal", withdrawal.id),
        after={"part": part.number, **part.payable.as_json()},
        reason=reason,
    )
    parts = await queries.parts(session, withdrawal.id)
    if any(one.state not in ("paid", "failed") for one in parts):
        return
    paid = Money(
        sum((one.amount for one in parts if one.state == "paid"), Decimal(0)), withdrawal.currency
    )
    returned = withdrawal.money - paid
    if paid.amount == 0:
        await transitions.move(session, withdrawal, "failed", code="payout_refused", reason=reason)
        return
    told = "Paid." if returned.amount == 0 else f"Paid; {returned} came back to the wallet."
    code = "paid" if returned.amount == 0 else "paid_in_part"
    await transitions.move(session, withdrawal, "paid", code=code, reason=told)
    record(
        session,
        WithdrawalPaid(
            withdrawal.id,
            withdrawal.client_id,
            paid.amount,
            returned.amount,
            withdrawal.currency,
        ),
    )
