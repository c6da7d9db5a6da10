"""What compliance shows on home pages, and the counter beside its queue."""

from __future__ import annotations

from compliance import rules
from compliance.shell import queries
from identity.shell.counters import Counter
from identity.shell.home_cards import Ask, Card, Figures, Item, Offer, figure
from kernel.clock import now
from kernel.database import TenantSession

_READ = "compliance.kyc.read"
_LIST = "/backoffice/kyc"
_ITEMS = 7


async def cases(session: TenantSession, ask: Ask) -> Figures:
    """Return the state of the queue, and how many cases were decided in the days."""
    period = ask.period
    found = await queries.figures(
        session,
        since=period.since,
        until=period.until,
        before=period.before,
        late=now() - rules.REVIEW_TIME,
    )
    return {
        "in_review": figure(
            "Waiting for a decision",
            found.in_review,
            f"{_LIST}?state=in_review",
            basis=f"{found.late} of them late" if found.late else "none of them late",
        ),
        "collecting": figure(
            "Documents missing",
            found.collecting,
            f"{_LIST}?state=collecting",
            basis="with the client",
        ),
        "decided": figure(
            "Decided", found.decided, before=found.decided_before, basis=period.basis
        ),
    }


async def longest(session: TenantSession, ask: Ask) -> Card:
    """Return the cases that have waited longest."""
    del ask
    rows = await queries.longest(session, limit=_ITEMS)
    moment = now()
    return Card(
        "Decide these first",
        "queue",
        [
            Item(
                row.person,
                f"{row.reference} · {row.country}",
                f"{_LIST}/{row.id}",
                at=row.submitted_at,
                late=rules.due_at(row.submitted_at) < moment,
            )
            for row in rows
        ],
        empty="Nobody waits for a decision. New documents appear here by themselves.",
        href=f"{_LIST}?state=in_review",
        sub="Longest waiting, promised within 24 hours",
        empty_icon="shield-check",
    )


OFFERS = [
    Offer("compliance.cases", _READ, cases),
    Offer("compliance.longest", _READ, longest),
]
COUNTER = Counter(_LIST, _READ, lambda _own: queries.waiting(rules.REVIEW_TIME))
