"""What treasury shows on home pages, and the counter beside the list of deposits."""

from __future__ import annotations

import datetime as dt
from typing import Any

from identity.shell.counters import Counter
from identity.shell.home_cards import Ask, Card, Figures, Item, Offer, figure
from kernel.clock import now
from kernel.database import TenantSession
from kernel.money import Money
from treasury.shell import queries

_READ = "treasury.deposit.read"
# A counter stands only beside the link of who must act.
_DECIDE = "treasury.deposit.approve"
_LIST = "/backoffice/deposits"
_ITEMS = 6
# A client whose money is held should hear within a working day.
HELD_TIME = dt.timedelta(hours=8)
_PENDING_TIME = dt.timedelta(days=1)


async def deposits(session: TenantSession, ask: Ask) -> Figures:
    """Return what was settled in the days, and what waits now, within the viewer's scope."""
    period = ask.period
    found = await queries.figures(
        session,
        currency=ask.currency,
        since=period.since,
        until=period.until,
        before=period.before,
        owner_id=ask.viewer.owner(_READ),
    )
    return {
        "settled": figure(
            "Deposits settled",
            found.settled,
            period.among(_LIST, "settled"),
            before=found.settled_before,
            basis=period.basis,
        ),
        "amount": figure(
            "Paid in",
            found.amount,
            period.among(_LIST, "settled", currency=ask.currency),
            unit=ask.currency,
            before=found.amount_before,
            basis=f"and {found.other_count} in other currencies"
            if found.other_count
            else period.basis,
        ),
        "held": figure(
            "Held", found.held, f"{_LIST}?state=held", basis="wait for somebody's decision"
        ),
        "pending": figure(
            "Under way", found.pending, f"{_LIST}?state=pending", basis="with the provider"
        ),
        "failed": figure(
            "Failed",
            found.failed,
            period.among(_LIST, "created", state="failed"),
            basis=f"of those begun in {period.days} days",
        ),
    }


async def first(session: TenantSession, ask: Ask) -> Figures:
    """Return how many clients paid in for the first time, within the viewer's scope."""
    period = ask.period
    found, earlier = await queries.first_deposits(
        session,
        since=period.since,
        until=period.until,
        before=period.before,
        owner_id=ask.viewer.owner(_READ),
    )
    href = period.among(_LIST, "settled", first="yes")
    return {
        "ftd": figure("First deposits", found, href, before=earlier, basis=period.basis),
    }


async def chart(session: TenantSession, ask: Ask) -> Card:
    """Return what was settled in the base currency, by day."""
    period = ask.period
    found = await queries.settled_by_day(
        session,
        currency=ask.currency,
        since=period.since,
        until=period.until,
        owner_id=ask.viewer.owner(_READ),
    )
    days = [period.first + dt.timedelta(days=at) for at in range(period.days)]
    return Card(
        f"Paid in by day, {ask.currency}",
        "chart",
        chart={
            "x": [f"{day:%-d %b}" for day in days],
            "series": [
                {
                    "name": "Paid in",
                    "type": "bar",
                    "data": [float(found.get(day, 0)) for day in days],  # allow float-money: drawn
                    "c": "chart-1",
                }
            ],
        }
        if found
        else {},
        empty=f"Nothing was settled in {ask.currency} in these days.",
        href=period.among(_LIST, "settled", currency=ask.currency),
        empty_icon="cash",
    )


async def held(session: TenantSession, ask: Ask) -> Card:
    """Return the held deposits that have waited longest."""
    return await _waiting(
        session,
        ask,
        state="held",
        title="Decide about these",
        sub="Held, longest waiting",
        late=HELD_TIME,
        empty="No deposit is held. Money goes through by itself.",
    )


async def pending(session: TenantSession, ask: Ask) -> Card:
    """Return the deposits that have been longest with a provider."""
    return await _waiting(
        session,
        ask,
        state="pending",
        title="Longest under way",
        sub="With the provider; later than a day is worth a question",
        late=_PENDING_TIME,
        empty="No payment is under way.",
    )


async def failed(session: TenantSession, ask: Ask) -> Card:
    """Return failed deposits: their clients are likely to call."""
    rows = await queries.latest(
        session, state="failed", owner_id=ask.viewer.owner(_READ), limit=_ITEMS
    )
    return Card(
        "Payments that failed",
        "queue",
        [_item(row, line=row.reason or "No reason given", late=False) for row in rows],
        empty="No payment has failed lately.",
        href=f"{_LIST}?state=failed",
        sub="Newest first; their clients may write",
        empty_icon="cash",
    )


async def quiet(session: TenantSession, ask: Ask) -> Card:
    """Return the clients in scope whose last deposit is longest ago."""
    owner_id = ask.viewer.owner(_READ)
    rows = await queries.quiet(session, owner_id=owner_id, limit=_ITEMS + 2)
    return Card(
        "Quiet for longest",
        "queue",
        [
            Item(
                row.person,
                f"{row.country} · {row.deposits} deposits",
                f"/crm/clients/{row.id}",
                at=row.last,
            )
            for row in rows
        ],
        empty="None of your clients has paid in yet.",
        href="/crm/clients?status=active",
        href_label="Active clients",
        sub="By their last deposit",
        empty_icon="users",
    )


async def _waiting(
    session: TenantSession,
    ask: Ask,
    *,
    state: str,
    title: str,
    sub: str,
    late: dt.timedelta,
    empty: str,
) -> Card:
    rows = await queries.oldest(
        session, state=state, owner_id=ask.viewer.owner(_READ), limit=_ITEMS
    )
    moment = now()
    return Card(
        title,
        "queue",
        [_item(row, line=row.reason, late=row.created_at + late < moment) for row in rows],
        empty=empty,
        href=f"{_LIST}?state={state}",
        sub=sub,
        empty_icon="cash",
    )


def _item(row: Any, *, line: str, late: bool) -> Item:  # noqa: ANN401 - a row of `queries`
    return Item(
        row.reference,
        " · ".join(part for part in (row.person, line) if part),
        f"{_LIST}/{row.id}",
        Money(row.amount, row.currency),
        at=row.created_at,
        late=late,
    )


OFFERS = [
    Offer("treasury.deposits", _READ, deposits),
    Offer("treasury.first", _READ, first),
    Offer("treasury.chart", _READ, chart),
    Offer("treasury.held", _READ, held),
    Offer("treasury.pending", _READ, pending),
    Offer("treasury.failed", _READ, failed),
    Offer("treasury.quiet", _READ, quiet),
]
COUNTER = Counter(_LIST, _DECIDE, lambda own: queries.held(HELD_TIME, own=own), scoped=_READ)
