"""What identity shows on home pages: the viewer's tasks, the last lines of the audit trail."""

from __future__ import annotations

from identity import queries as identity_queries
from identity.shell import queries
from identity.shell.home_cards import Ask, Card, Figures, Item, Offer, figure, shares
from identity.shell.queries import TaskFilter
from kernel.clock import now
from kernel.database import TenantSession

_TASKS = "identity.task.read"
_AUDIT = "identity.audit.read"
_ITEMS = 6
_KINDS = {
    "staff": "Staff",
    "client": "Clients",
    "partner": "Partners",
    "vendor": "The vendor",
    "api": "Programs",
    "system": "The product itself",
    "visitor": "Visitors",
}


async def tasks(session: TenantSession, ask: Ask) -> Card:
    """Return the viewer's own open tasks, overdue first."""
    moment = now()
    mine = TaskFilter(
        people=frozenset({ask.viewer.id}), reader=ask.viewer.id, assignee_id=ask.viewer.id
    )
    rows = await queries.tasks(session, narrowed=mine, moment=moment, limit=_ITEMS)
    counts = await queries.task_counts(session, narrowed=mine, moment=moment)
    return Card(
        "My tasks",
        "queue",
        [
            Item(
                row.title,
                f"from {row.author}" if row.created_by != ask.viewer.id else "",
                f"/tasks?task={row.id}",
                at=row.due_at,
                late=row.due_at < moment,
                icon="checkbox",
            )
            for row in rows
        ],
        empty="Nothing is due. Write yourself a task when you promise somebody something.",
        href="/tasks",
        href_label="All tasks",
        count=counts["open"],
        hot=counts["late"] > 0,
        sub=f"{counts['late']} late" if counts["late"] else "",
    )


async def task_figures(session: TenantSession, ask: Ask) -> Figures:
    """Return how many tasks the viewer has, and how many of them are late."""
    mine = TaskFilter(
        people=frozenset({ask.viewer.id}), reader=ask.viewer.id, assignee_id=ask.viewer.id
    )
    counts = await queries.task_counts(session, narrowed=mine, moment=now())
    return {
        "open": figure(
            "My open tasks",
            counts["open"],
            "/tasks",
            basis=f"{counts['late']} late" if counts["late"] else "none late",
        ),
    }


async def trail(session: TenantSession, ask: Ask) -> Card:
    """Return the last lines of the audit trail."""
    del ask
    rows = await identity_queries.audit_page(session, limit=_ITEMS + 2)
    return Card(
        "Latest in the audit trail",
        "queue",
        [
            Item(
                row.action,
                f"{row.actor_label} · {row.subject_kind.replace('_', ' ')}",
                f"/backoffice/audit?q={row.subject_id}",
                at=row.at,
                icon="history",
            )
            for row in rows
        ],
        empty="Nothing has been changed yet.",
        href="/backoffice/audit",
        empty_icon="history",
    )


async def actors(session: TenantSession, ask: Ask) -> Card:
    """Return how much each kind of actor changed in the days."""
    period = ask.period
    rows = await queries.audit_since(session, since=period.since, until=period.until)
    lengths = shares([count for _, count in rows])
    return Card(
        "Who changed how much",
        "bars",
        [
            Item(
                _KINDS.get(kind, kind),
                value=count,
                share=length,
            )
            for (kind, count), length in zip(rows, lengths, strict=True)
        ],
        empty="Nothing has been changed in these days.",
        href="/backoffice/audit",
        href_label="Audit trail",
        sub=f"Entries of the last {period.days} days",
        empty_icon="history",
    )


OFFERS = [
    Offer("tasks.mine", _TASKS, tasks),
    Offer("tasks.figures", _TASKS, task_figures),
    Offer("audit.trail", _AUDIT, trail),
    Offer("audit.actors", _AUDIT, actors),
]
