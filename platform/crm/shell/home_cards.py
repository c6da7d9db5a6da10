"""What the CRM shows on home pages: leads by what became of them, by source, by colleague."""

from __future__ import annotations

from decimal import Decimal

from crm.lead_list import SOURCE_WORDS
from crm.shell import queries
from identity.shell.home_cards import Ask, Card, Figures, Item, Offer, figure, shares
from kernel.clock import now
from kernel.database import TenantSession

_READ = "crm.lead.read"
_LIST = "/crm/leads"
_ITEMS = 6
# A new lead should be spoken to within a day.
_LATE_SECONDS = 24 * 3600


async def leads(session: TenantSession, ask: Ask) -> Figures:
    """Return new, converted, untouched and unassigned leads within the viewer's scope."""
    period = ask.period
    found = await queries.figures(
        session,
        since=period.since,
        until=period.until,
        before=period.before,
        owner_id=ask.viewer.owner(_READ),
    )
    rate = Decimal(found.converted) * 100 / found.came if found.came else Decimal(0)
    return {
        "came": figure(
            "New leads",
            found.came,
            period.among(_LIST, "created"),
            before=found.came_before,
            basis=period.basis,
        ),
        "converted": figure(
            "Of those, clients",
            found.converted,
            period.among(_LIST, "created", stage="converted"),
            basis=f"{rate:.1f} % of new leads",
        ),
        "waiting": figure(
            "Not contacted yet", found.waiting, f"{_LIST}?stage=new", basis="whenever they came"
        ),
        "unassigned": figure(
            "New and nobody's",
            found.unassigned,
            f"{_LIST}?stage=new&owner=none",
            basis="give them to somebody" if found.unassigned else "every new lead has an owner",
        ),
    }


async def sources(session: TenantSession, ask: Ask) -> Card:
    """Return where leads came from, each bar the list of them."""
    period = ask.period
    rows = await queries.by_source(
        session, since=period.since, until=period.until, owner_id=ask.viewer.owner(_READ)
    )
    lengths = shares([row.came for row in rows])
    return Card(
        "Leads by source",
        "bars",
        [
            Item(
                SOURCE_WORDS[row.source],
                f"{row.converted} became clients",
                period.among(_LIST, "created", source=row.source),
                row.came,
                share=length,
            )
            for row, length in zip(rows, lengths, strict=True)
        ],
        empty="No lead has come in these days. Look at the forms of the public site.",
        href=period.among(_LIST, "created"),
        sub=f"Last {period.days} days",
        empty_icon="user-plus",
    )


async def campaigns(session: TenantSession, ask: Ask) -> Card:
    """Return the campaigns that brought most leads, and how many of those became clients."""
    period = ask.period
    rows = await queries.by_campaign(session, since=period.since, until=period.until, limit=8)
    lengths = shares([row.came for row in rows])
    return Card(
        "Leads by campaign",
        "bars",
        [
            Item(
                row.campaign,
                f"{row.converted} became clients",
                period.among(_LIST, "created", campaign=row.campaign),
                row.came,
                share=length,
            )
            for row, length in zip(rows, lengths, strict=True)
        ],
        empty="No lead of these days names a campaign. Put utm_campaign into your links.",
        sub=f"Last {period.days} days",
        empty_icon="speakerphone",
    )


async def team(session: TenantSession, ask: Ask) -> Card:
    """Return what colleagues did with the leads of these days."""
    period = ask.period
    rows = await queries.by_owner(session, since=period.since, until=period.until)
    lengths = shares([row.came for row in rows])
    return Card(
        "The desk",
        "bars",
        [
            Item(
                row.name or "Nobody",
                f"{row.converted} became clients, {row.waiting} not contacted yet",
                period.among(_LIST, "created", owner=str(row.owner_id or "none")),
                row.came,
                share=length,
                late=row.owner_id is None,
            )
            for row, length in zip(rows, lengths, strict=True)
        ],
        empty="No lead was given to anybody in these days.",
        sub=f"New leads, last {period.days} days",
        empty_icon="users",
    )


async def uncontacted(session: TenantSession, ask: Ask) -> Card:
    """Return the new leads that have waited longest, in the viewer's scope."""
    owner_id = ask.viewer.owner(_READ)
    rows = await queries.longest_new(session, owner_id=owner_id, limit=_ITEMS)
    moment = now()
    return Card(
        "Call these first",
        "queue",
        [
            Item(
                f"{row.first_name} {row.last_name}".strip(),
                f"{row.country} · score {row.score}",
                f"{_LIST}/{row.id}",
                at=row.created_at,
                late=(moment - row.created_at).total_seconds() > _LATE_SECONDS,
            )
            for row in rows
        ],
        empty="Every lead of yours has been contacted." if owner_id else "No lead waits.",
        href=f"{_LIST}?stage=new&sort=created",
        sub="Longest without a contact",
    )


OFFERS = [
    Offer("crm.leads", _READ, leads),
    Offer("crm.sources", _READ, sources),
    Offer("crm.campaigns", _READ, campaigns),
    Offer("crm.team", _READ, team),
    Offer("crm.uncontacted", _READ, uncontacted),
]
