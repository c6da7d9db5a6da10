"""Clients' money day by day: what must be in the segregated banks, what is, and the top-up.

The individual client balance method (finance example E13). What stands in suspense may be some
client's and counts until it is released.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from approvals import queries as approval_queries
from approvals import requests
from approvals.events import ApprovalGranted
from approvals.models import Approval
from identity import audit
from kernel.database import TenantSession
from kernel.errors import Conflict, NotFound
from kernel.ids import reference, uuid7
from kernel.money import Money
from ledger import bookings, entries
from ledger import client_money as rules
from ledger import queries as ledger_queries
from ledger.client_money import Comparison
from treasury.reconciliation import queries
from treasury.reconciliation.models import ClientMoneyDay, ReconciliationRun

KIND: Final = "treasury.top_up"
PERMISSION: Final = "treasury.reconciliation.approve"
_ZERO = Decimal(0)


class NothingToMove(Conflict):
    """Clients' money is whole, or a newer day counts."""

    code = "client_money_nothing_to_move"
    message = "There is nothing to move for this day, or a newer one counts. Reload the page."


def comparison(day: ClientMoneyDay) -> Comparison:
    """Return requirement and resource of a day, with shortfall and excess."""
    return Comparison(day.requirement, day.resource)


@dataclass(frozen=True, slots=True)
class Measured:
    """Clients' money in one currency at this moment; `unallocated` counts into the requirement."""

    currency: str
    clients: int
    wallets: Decimal
    owed: Decimal
    pending: Decimal
    equity: Decimal
    unallocated: Decimal
    comparison: Comparison


async def measure(session: queries.Session, currency: str) -> Measured:
    """Return what is required and what is there in a currency, now."""
    holdings = rules.with_equity(
        await ledger_queries.client_money(session, currency=currency),
        await queries.account_equity(session, currency=currency),
    )
    unallocated = await queries.unallocated(session, currency=currency)
    found = rules.compare(
        holdings, resource=await ledger_queries.segregated(session, currency=currency)
    )
    return Measured(
        currency=currency,
        clients=sum(one.total > 0 for one in holdings),
        wallets=sum((one.wallet for one in holdings), _ZERO),
        owed=sum((one.owed for one in holdings), _ZERO),
        pending=sum((one.pending for one in holdings), _ZERO),
        equity=sum((one.equity for one in holdings), _ZERO),
        unallocated=unallocated,
        comparison=Comparison(found.requirement + unallocated, found.resource),
    )


async def keep(session: TenantSession, run: ReconciliationRun) -> list[ClientMoneyDay]:
    """Store what is required and what is there, by currency, for a run."""
    days = []
    for currency in await queries.currencies(session):
        one = await measure(session, currency)
        days.append(
            ClientMoneyDay(
                id=uuid7(),
                run_id=run.id,
                day=run.day,
                currency=currency,
                clients=one.clients,
                wallets=one.wallets,
                owed=one.owed,
                pending=one.pending,
                equity=one.equity,
                unallocated=one.unallocated,
                requirement=one.comparison.requirement,
                resource=one.comparison.resource,
            )
        )
    session.add_all(days)
    await session.flush()
    return days


async def ask_top_up(session: TenantSession, *, day_id: UUID) -> Approval:
    """Ask somebody else to make clients' money whole, or to take out what is too much (E12, E13).

    Raises NotFound and NothingToMove.
    """
    day = await queries.money_day(session, day_id)
    if day is None:
        raise NotFound
    moved = await _moved(session, day)
    verb = "Pay in" if moved.amount > 0 else "Take out"
    size = moved if moved.amount > 0 else -moved
    return await requests.open(
        session,
        kind=KIND,
        subject=("client_money_day", day.id),
        content={**moved.as_json(), "day": str(day.day), "reference": reference("TOP")},
        summary=f"{verb} {size}: clients' money of {day.day}",
        permission=PERMISSION,
    )


async def _moved(session: TenantSession, day: ClientMoneyDay) -> Money:
    """Return what is to be paid in, below zero what is to be taken out."""
    newest = await queries.money_days(session, currency=day.currency, limit=1)
    found = comparison(day)
    moved = Money(found.shortfall - found.excess, day.currency)
    if not newest or newest[0].id != day.id or not moved.amount:
        raise NothingToMove
    return moved


async def on_granted(session: TenantSession, event: ApprovalGranted) -> None:
    """Book the transfer between the brokerage's own bank and clients', once."""
    if event.approval_kind != KIND:
        return
    approval = await approval_queries.approval(session, event.approval_id)
    day = await queries.money_day(session, event.subject_id)
    if approval is None or day is None:
        return
    content: dict[str, Any] = approval.content
    subject = ("client_money_day", day.id)
    await requests.require_granted(session, kind=KIND, subject=subject, content=content)
    amount = Money(Decimal(content["amount"]), content["currency"])
    await entries.post(
        session,
        key=f"top-up:{day.id}",
        kind="top_up",
        lines=bookings.top_up(amount),
        reference=content["reference"],
    )
    audit.record(
        session,
        "treasury.client_money_moved",
        subject=subject,
        after={**amount.as_json(), "reference": content["reference"]},
    )
