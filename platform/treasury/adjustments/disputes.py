"""Disputes: what a provider takes back is claimed from the client, and given back when won."""

from __future__ import annotations

from uuid import UUID

from kernel.database import TenantSession, write
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.events import record
from kernel.failpoints import reach
from kernel.ids import uuid7
from kernel.money import Money
from ledger import chart, debts, entries
from treasury import queries as deposit_queries
from treasury.adjustments import queries, transitions
from treasury.adjustments.events import DepositChargedBack, DisputeClosed
from treasury.adjustments.models import DisputeCase
from treasury.events import DepositDisputed

# What a provider says when it keeps, or never had, the money; the rest is for a person alone.
_TAKES_BACK = ("chargeback", "refunded", "failed")


class DisputeEnded(Conflict):
    """The dispute is won or lost already."""

    code = "dispute_ended"
    message = "This dispute has been closed. Reload the page."


async def open_case(session: TenantSession, event: DepositDisputed) -> DisputeCase | None:
    """Claim a disputed deposit from its client: the wallet first, the rest becomes a debt.

    The provider keeps the amount from what it has yet to settle. Told again it changes nothing.
    None is a deposit that was never paid, and a contradiction that takes nothing back. Raises as
    `ledger.debts.claim` does.
    """
    deposit = await deposit_queries.locked_deposit(session, event.deposit_id)
    if deposit is None or deposit.settled_amount is None or event.kind not in _TAKES_BACK:
        return None
    known = await queries.dispute_of_deposit(session, deposit.id)
    if known is not None:
        return known
    settled = Money(deposit.settled_amount, deposit.settled_currency or deposit.currency)
    amount = Money(event.amount, event.currency).rounded()
    if amount.currency != settled.currency or not 0 < amount.amount <= settled.amount:
        amount = settled
    at = deposit.disputed_at or await queries.moment(session)
    entry_id = await debts.claim(
        session,
        key=f"chargeback:{deposit.id}",
        kind="chargeback",
        client_id=deposit.client_id,
        amount=amount,
        credit=(chart.PSP_CLEARING, ("psp", deposit.connection_id)),
        reference=deposit.reference,
        occurred_at=at,
    )
    case = DisputeCase(
        id=uuid7(),
        deposit_id=deposit.id,
        client_id=deposit.client_id,
        amount=amount.amount,
        currency=amount.currency,
        state="",
        reason=event.reason[:200],
        claim_entry_id=entry_id,
        opened_at=at,
    )
    transitions.dispute(session, case, "opened", reason=event.reason)
    session.add(case)
    record(
        session,
        DepositChargedBack(
            case.id, deposit.id, deposit.client_id, amount.amount, amount.currency, at
        ),
    )
    await session.flush()
    await write(session)
    reach("treasury.dispute_before_commit")
    return case


async def close(session: TenantSession, *, dispute_id: UUID, won: bool, reason: str) -> DisputeCase:
    """Close a dispute: won, the claim is reversed; lost, it stands as it is.

    Raises NotFound, DisputeEnded, and InvalidInput without a reason.
    """
    case = await queries.locked_dispute(session, dispute_id)
    if case is None:
        raise NotFound
    if case.state != "opened":
        raise DisputeEnded
    if not reason.strip():
        raise InvalidInput({"reason": "Say what the provider decided, for the trail."})
    if won:
        await entries.reverse(
            session,
            entry_id=case.claim_entry_id,
            key=f"chargeback-won:{case.deposit_id}",
            reason=reason[:200],
        )
    case.closed_at = await queries.moment(session)
    transitions.dispute(session, case, "won" if won else "lost", reason=reason)
    record(session, DisputeClosed(case.id, case.deposit_id, case.client_id, case.state))
    return case
