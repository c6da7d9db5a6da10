"""What withdrawals do when events come."""

from __future__ import annotations

from functools import partial

from approvals.events import ApprovalGranted, ApprovalRejected
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.subscriptions import Subscriptions
from tenants.ports import Ports
from trading.events import CashDone, CashFailed
from treasury.withdrawals import debits, decisions, payouts, queries, wires
from treasury.withdrawals.events import PayoutAsked, WithdrawalApproved, WithdrawalPaying

_BATCH = 20


def subscribe(made: Subscriptions, ports: Ports) -> None:
    """Bind what takes a withdrawal further."""
    made.on(ApprovalGranted, "treasury.approve_withdrawal", decisions.granted, lane="money")
    made.on(ApprovalRejected, "treasury.reject_withdrawal", decisions.rejected, lane="money")
    made.on(ApprovalGranted, "treasury.confirm_payout", wires.confirmed, lane="money")
    made.on(WithdrawalApproved, "treasury.debit", on_approved, lane="money")
    made.on_batch(CashDone, "treasury.debited", debits.booked, size=_BATCH)
    made.on(CashFailed, "treasury.debit_refused", debits.refused, lane="money")
    made.job(WithdrawalPaying, "treasury.pay_out", partial(on_paying, ports=ports), lane="money")
    made.job(PayoutAsked, "treasury.ask_payout", partial(on_asked, ports=ports), lane="money")


async def on_approved(session: TenantSession, event: WithdrawalApproved) -> None:
    """Let an approved withdrawal give its money up."""
    await debits.advance(session, withdrawal_id=event.withdrawal_id)


async def on_paying(
    database: Database, tenant: TenantRef, event: WithdrawalPaying, *, ports: Ports
) -> None:
    """Pay every part of a withdrawal; a job. What fails is followed by the schedule."""
    async with database.tenant_read(tenant) as session:
        parts = await queries.parts(session, event.withdrawal_id)
    for part in parts:
        if part.state == "waiting" and part.way != "manual":
            await payouts.pay(
                database,
                tenant,
                part_id=part.id,
                gateways=ports.gateways,
                vault=ports.vault,
                settings=ports.settings,
            )


async def on_asked(
    database: Database, tenant: TenantRef, event: PayoutAsked, *, ports: Ports
) -> None:
    """Ask a provider about a payout that it said something unproved about; a job."""
    await payouts.pay(
        database,
        tenant,
        part_id=event.part_id,
        gateways=ports.gateways,
        vault=ports.vault,
        settings=ports.settings,
        asked=True,
    )
