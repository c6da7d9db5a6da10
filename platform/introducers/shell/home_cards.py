"""What introducers show on home pages: partners by state, and what they earned."""

from __future__ import annotations

from decimal import Decimal

from identity.shell.home_cards import Ask, Card, Figures, Item, Offer, figure, shares
from introducers.shell import queries
from kernel.database import TenantSession
from kernel.money import Money

_READ = "introducers.partner.read"
_LIST = "/backoffice/partners"
_ITEMS = 6


async def partners(session: TenantSession, ask: Ask) -> Figures:
    """Return active partners, who waits for an answer, and what all earned in the days."""
    period = ask.period
    states = await queries.by_state(session)
    earned, earlier = await queries.earned(
        session, since=period.first, until=period.last, before=period.earlier
    )
    revenue = f"/backoffice/revenue?since={period.first}&until={period.last}"
    return {
        "active": figure(
            "Active partners",
            states.get("active", 0),
            f"{_LIST}?state=active",
            basis=f"{states.get('suspended', 0)} suspended",
        ),
        "applied": figure(
            "Waiting for an answer",
            states.get("applied", 0),
            f"{_LIST}?state=applied",
            basis="want to become partners",
        ),
        "earned": figure(
            "Earned by partners",
            Decimal(earned),
            revenue if ask.viewer.may("revenue.line.read") else _LIST,
            unit=ask.currency,
            before=Decimal(earlier),
            up_is_good=None,
            basis=period.basis,
        ),
    }


async def best(session: TenantSession, ask: Ask) -> Card:
    """Return who earned most in the days."""
    period = ask.period
    rows = await queries.best(session, since=period.first, until=period.last, limit=8)
    lengths = shares([row.amount for row in rows])
    return Card(
        "Who earned most",
        "bars",
        [
            Item(
                row.name,
                f"{row.lots:,.2f} lots",
                f"{_LIST}/{row.id}",
                Money(row.amount, ask.currency),
                share=length,
            )
            for row, length in zip(rows, lengths, strict=True)
        ],
        empty="No client of a partner has closed a trade in these days.",
        href=_LIST,
        sub=f"Commission of the last {period.days} days",
        empty_icon="affiliate",
    )


async def applied(session: TenantSession, ask: Ask) -> Card:
    """Return who wants to become a partner, longest waiting first."""
    del ask
    rows = await queries.applied(session, limit=_ITEMS)
    return Card(
        "Answer these people",
        "queue",
        [Item(row.name, row.country, f"{_LIST}/{row.id}", at=row.created_at) for row in rows],
        empty="Nobody waits for an answer.",
        href=f"{_LIST}?state=applied",
        sub="Want to become partners",
        empty_icon="affiliate",
    )


OFFERS = [
    Offer("introducers.partners", _READ, partners),
    Offer("introducers.best", _READ, best),
    Offer("introducers.applied", _READ, applied),
]
