"""The daily close: what a partner's days have earned goes to the book, once.

A day is closed by one entry, expense to the partner's wallet. When lines of a closed day change
later, the difference is one more entry with the next number. A difference that the wallet does
not cover waits until it does.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from introducers import queries
from introducers.models import CommissionPosting
from introducers.queries import Unposted
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database, TenantSession
from kernel.failpoints import reach
from kernel.language import marked
from kernel.money import Money
from ledger import chart, entries
from ledger.errors import InsufficientFunds
from ledger.lines import Draft, credit, debit
from messaging import notifications

_AT_ONCE = 500


async def close_days(database: Database, tenant: TenantRef, *, before: dt.date) -> int:
    """Post every active partner's days before a day; return how many entries were posted.

    Run twice, or by two processes at once, it posts what one run would.
    """
    posted = 0
    while True:
        async with database.tenant(tenant) as session:
            await queries.lock_postings(session)
            due = await queries.unposted(session, before=before, positive=True, limit=_AT_ONCE)
            await _post(session, due)
        posted += len(due)
        reach("introducers.after_close")
        if len(due) < _AT_ONCE:
            break
    async with database.tenant_read(tenant) as reading:
        reduced = await queries.unposted(reading, before=before, positive=False, limit=_AT_ONCE)
    for one in reduced:
        posted += await _reduce(database, tenant, before=before, partner_id=one.partner_id)
    return posted


async def _reduce(
    database: Database, tenant: TenantRef, *, before: dt.date, partner_id: UUID
) -> int:
    """Post one partner's first negative difference, alone, because the wallet may refuse it."""
    try:
        async with database.tenant(tenant) as session:
            await queries.lock_postings(session)
            due = await queries.unposted(
                session, before=before, positive=False, limit=1, partner_id=partner_id
            )
            await _post(session, due)
            return len(due)
    except InsufficientFunds:
        return 0


async def _post(session: TenantSession, due: list[Unposted]) -> None:
    if not due:
        return
    ids = await entries.post_batch(session, drafts=[_draft(one) for one in due])
    for one, entry_id in zip(due, ids, strict=True):
        session.add(
            CommissionPosting(
                partner_id=one.partner_id,
                day=one.day,
                sequence=one.sequence,
                amount=one.amount,
                currency=one.currency,
                entry_id=entry_id,
                posted_at=now(),
            )
        )
    await session.flush()
    await _tell(session, due)


async def _tell(session: TenantSession, due: list[Unposted]) -> None:
    """Tell each partner once, however many of their days were closed together."""
    days: dict[UUID, list[Unposted]] = {}
    for one in due:
        days.setdefault(one.user_id, []).append(one)
    for user_id, closed in sorted(days.items()):
        last = max(closed, key=lambda one: one.day)
        amount = sum((one.amount for one in closed if one.currency == last.currency), Decimal(0))
        booked = amount > Decimal(0)
        one_day = marked("%(amount)s for %(day)s is in your balance.")
        several = marked("%(amount)s for the days until %(day)s is in your balance.")
        taken = marked("%(amount)s for %(day)s was taken back: trades of that day have changed.")
        given = one_day if len(closed) == 1 else several
        await notifications.notify(
            session,
            user_id=user_id,
            kind="commission",
            title=marked("Commission booked") if booked else marked("Commission corrected"),
            body=given if booked else taken,
            href="/commissions",
            facts={"amount": Money(abs(amount), last.currency), "day": last.day},
        )


def _draft(one: Unposted) -> Draft:
    amount = Money(abs(one.amount), one.currency)
    wallet = ("partner", one.partner_id)
    if one.amount > Decimal(0):
        lines = [
            debit(chart.PARTNER_COMMISSION, chart.HOUSE, amount),
            credit(chart.PARTNER_WALLET, wallet, amount),
        ]
    else:
        lines = [
            debit(chart.PARTNER_WALLET, wallet, amount),
            credit(chart.PARTNER_COMMISSION, chart.HOUSE, amount),
        ]
    return Draft(
        key=f"commission:{one.partner_id}:{one.day.isoformat()}:{one.sequence}",
        kind="partner_commission",
        lines=lines,
        reference=one.day.isoformat(),
    )
