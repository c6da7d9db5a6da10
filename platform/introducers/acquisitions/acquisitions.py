"""What a client pays their introducer once (CPA), and what a chargeback takes back (example E8).

The amount is in the partner's wallet from the trade that qualified the client, and set aside for
as long as the plan says. A charged-back deposit takes back what it earned, also below zero: later
commission is set off against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from clients import queries as client_queries
from identity import audit
from introducers import commissions
from introducers import queries as introducer_queries
from introducers.acquisitions import queries
from introducers.models import Acquisition, CommissionReversal, Partner, Plan
from introducers.rules import Cpa, qualifying
from kernel.clock import now
from kernel.database import TenantSession, write
from kernel.failpoints import reach
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, chart, entries, holds
from ledger import queries as ledger_queries
from treasury.adjustments.events import DepositChargedBack, DisputeClosed
from treasury.models import Deposit
from treasury.rates import queries as rate_queries
from treasury.rates.rules import RateMissing, RateStale

_REASON = "The client's deposit was charged back."


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was taken back: `cpa` or `rebate`, how much, and the entry that did it."""

    kind: str
    amount: Money
    entry_id: UUID


async def consider_deals(session: TenantSession, *, server_id: UUID, tickets: Sequence[int]) -> int:
    """Look at the clients of deals that were just accrued; return how many qualified now.

    Their later trades are accrued again, because from then on they earn rebates.
    """
    found = 0
    for client_id in await queries.clients_of_deals(session, server_id=server_id, tickets=tickets):
        if await consider(session, client_id=client_id) is not None:
            found += 1
            await commissions.accrue_client(session, client_id=client_id)
    return found


async def consider(session: TenantSession, *, client_id: UUID) -> Acquisition | None:
    """Accrue what a client's introducer earns once, if the client has qualified; None if not.

    None too when it was accrued before.
    """
    client = await client_queries.client_for_update(session, client_id)
    attribution = await introducer_queries.attribution(session, client_id)
    if client is None or attribution is None or await queries.acquisition(session, client_id):
        return None
    deposit = await queries.first_deposit(session, client_id)
    if deposit is None or deposit.settled_at is None or deposit.disputed_at is not None:
        return None
    plan = await queries.terms_of_partner(session, attribution.partner_id, deposit.settled_at)
    partner = await introducer_queries.partner(session, attribution.partner_id)
    cpa = Cpa.of(plan.terms) if plan is not None else None
    if plan is None or cpa is None or partner is None or partner.state != "active":
        return None
    if not await _reaches(session, deposit, Money(cpa.deposit_min, plan.currency)):
        return None
    trades = await queries.eligible_trades(
        session,
        client_id=client_id,
        partner_id=partner.id,
        since=deposit.settled_at,
        until=deposit.settled_at + timedelta(days=cpa.days),
    )
    reached = qualifying(trades, lots_min=cpa.lots_min)
    if reached is None:
        return None
    made = Acquisition(
        id=uuid7(),
        client_id=client_id,
        partner_id=partner.id,
        deposit_id=deposit.id,
        amount=cpa.amount,
        currency=plan.currency,
        lots=reached[1],
        qualified_at=reached[0],
        payable_at=reached[0] + timedelta(days=cpa.hold_days),
        state="accrued",
    )
    await _accrue(session, made, partner, plan, reference=client.reference)
    return made


async def charged_back(session: TenantSession, event: DepositChargedBack) -> list[Money]:
    """Take back what a charged-back deposit has earned partners; return what was taken.

    The amount paid once goes back as a reversal, also when it was paid out; rebates of the
    client's trades since the deposit are cancelled. Told again it changes nothing.
    """
    deposit = await queries.deposit(session, event.deposit_id)
    await client_queries.client_for_update(session, event.client_id)
    if deposit is None or deposit.settled_at is None:
        return []
    if await queries.reversals(session, deposit_id=deposit.id):
        return []
    taken = []
    made = await queries.acquisition_of_deposit(session, deposit.id)
    if made is not None and made.state == "accrued":
        taken.append(await _reverse(session, made, event))
    for partner_id, currency, amount in await queries.rebates_since(
        session, client_id=event.client_id, since=deposit.settled_at
    ):
        rebate = Money(amount, currency)
        entry_id = await entries.post(
            session,
            key=f"rebate-reversal:{deposit.id}:{partner_id}",
            kind="partner_reversal",
            lines=bookings.move(
                (chart.PARTNER_WALLET, ("partner", partner_id)),
                (chart.PARTNER_COMMISSION, chart.HOUSE),
                rebate,
            ),
            reference=deposit.reference,
            occurred_at=event.at,
            forced=True,
        )
        _note(session, event, partner_id, _Taken("rebate", rebate, entry_id))
        taken.append(rebate)
    await session.flush()
    await write(session)
    reach("introducers.reversal_before_commit")
    return taken


async def dispute_closed(session: TenantSession, event: DisputeClosed) -> None:
    """Give partners back what was taken when the dispute was won."""
    if event.state != "won":
        return
    for taken in await queries.reversals(session, deposit_id=event.deposit_id):
        await entries.reverse(
            session,
            entry_id=taken.entry_id,
            key=f"commission-restored:{taken.id}",
            reason="The dispute was won.",
        )
    made = await queries.acquisition_of_deposit(session, event.deposit_id)
    if made is not None:
        made.state = "accrued"


async def _accrue(
    session: TenantSession, made: Acquisition, partner: Partner, plan: Plan, *, reference: str
) -> None:
    amount = Money(made.amount, made.currency)
    made.entry_id = await entries.post(
        session,
        key=f"cpa:{made.client_id}",
        kind="partner_cpa",
        lines=bookings.commission(partner.id, amount),
        reference=reference,
        occurred_at=await _open_moment(session, made.qualified_at),
    )
    if made.payable_at > now():
        made.hold_id = await holds.reserve(
            session,
            key=f"cpa-hold:{made.client_id}",
            code=chart.PARTNER_WALLET,
            currency=made.currency,
            owner=("partner", partner.id),
            amount=made.amount,
            reference=reference,
            expires_at=made.payable_at,
        )
    session.add(made)
    audit.record(
        session,
        "introducers.acquisition_accrued",
        subject=("client", made.client_id),
        after={"partner_id": str(partner.id), "plan": plan.code, **amount.as_json()},
    )
    await session.flush()


async def _reverse(session: TenantSession, made: Acquisition, event: DepositChargedBack) -> Money:
    amount = Money(made.amount, made.currency)
    if made.hold_id is not None:
        hold = await ledger_queries.hold(session, hold_id=made.hold_id)
        if hold is not None and hold.state == "pending":
            await holds.void(session, hold_id=made.hold_id, reason=_REASON)
    entry_id = await entries.reverse(
        session,
        entry_id=made.entry_id,
        key=f"cpa-reversal:{made.id}",
        reason=_REASON,
        occurred_at=event.at,
        forced=True,
    )
    made.state = "reversed"
    _note(session, event, made.partner_id, _Taken("cpa", amount, entry_id))
    return amount


def _note(
    session: TenantSession, event: DepositChargedBack, partner_id: UUID, taken: _Taken
) -> None:
    session.add(
        CommissionReversal(
            id=uuid7(),
            deposit_id=event.deposit_id,
            client_id=event.client_id,
            partner_id=partner_id,
            kind=taken.kind,
            amount=taken.amount.amount,
            currency=taken.amount.currency,
            entry_id=taken.entry_id,
            reversed_at=event.at,
        )
    )
    audit.record(
        session,
        "introducers.commission_reversed",
        subject=("partner", partner_id),
        after={
            "kind": taken.kind,
            "deposit_id": str(event.deposit_id),
            **taken.amount.as_json(),
        },
        reason=_REASON,
    )


async def _reaches(session: TenantSession, deposit: Deposit, wanted: Money) -> bool:
    paid = deposit.settled_amount or deposit.amount
    if deposit.currency == wanted.currency:
        return paid >= wanted.amount
    try:
        rate = await rate_queries.rate(
            session, deposit.currency, wanted.currency, at=deposit.settled_at
        )
    except (RateMissing, RateStale):
        return False
    return paid * rate.mid >= wanted.amount


async def _open_moment(session: TenantSession, moment: datetime) -> datetime | None:
    """Return a moment that the book can still be posted at; None is now."""
    closed = await ledger_queries.closed_before(session)
    return moment if closed is None or moment >= closed else None
