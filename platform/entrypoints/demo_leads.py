"""Demo leads: a quarter of a year of people who asked, in every stage and with every owner.

They are written in batches, by the same routing and scoring rules as captured ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from clients import rules as client_rules
from clients.models import TimelineEntry
from crm import queries, rules
from crm.models import Lead, RoutingRule
from crm.rules import Colleague
from entrypoints.demo_people import CAMPAIGNS, Person, people, pick
from identity import audit
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import reference, uuid7
from tenants.provisioning import Context

DAYS = 90
_WHOLE_LEADS = 12_000
_WHOLE_CLIENTS = 4_000
_SOURCES = (("form", 46), ("embed", 16), ("api", 14), ("register", 12), ("referral", 12))
_STAGES = (("new", 26), ("contacted", 26), ("qualified", 18), ("nurture", 16), ("lost", 14))
_CALLS = (
    "Asked about leverage and the minimum deposit.",
    "No answer, left a message.",
    "Wants the platform on a tablet; sent the guide.",
    "Compared spreads with another broker. Calls back on Friday.",
    "Trades gold in the evenings; interested in raw spreads.",
)
_LOST = ("Number does not exist.", "Wants a bonus that we do not give.", "Under 18.")


@dataclass(frozen=True)
class Volume:
    """How much demo data a run makes."""

    leads: int
    clients: int
    scale: float

    @classmethod
    def of(cls, context: Context) -> Volume:
        """Return the volume by the run's `scale` option; 1 is the whole sample brokerage."""
        scale = min(1.0, max(0.002, float(context.options.get("scale", "0.05"))))
        return cls(
            leads=max(40, round(_WHOLE_LEADS * scale)),
            clients=max(16, round(_WHOLE_CLIENTS * scale)),
            scale=scale,
        )


def cast(context: Context) -> list[Person]:
    """Return everybody of the demo; the first of them become clients."""
    run_at = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return people(context.tenant.slug, count=Volume.of(context).leads, until=run_at, days=DAYS)


def is_client(person_number: int, volume: Volume) -> bool:
    """Say whether the person of that number became a client: evenly spread over the quarter."""
    return person_number * volume.clients // volume.leads != (
        (person_number + 1) * volume.clients // volume.leads
    )


async def leads(context: Context) -> str:
    """Write the leads, all in one transaction; nothing when they are there already."""
    if not context.options.get("demo"):
        return "no demo"
    persons, volume = cast(context), Volume.of(context)
    dice = Random(f"{context.tenant.slug}:leads")  # noqa: S311 - invented data, no secret
    async with context.ports.database.tenant(context.tenant) as session:
        if await is_written(session, persons):
            return "there already"
        agents = await queries.sales_people(session, roles=("sales_agent",))
        [rule] = (await queries.routing_rules(session))[:1]
        rows: list[Lead] = []
        story: list[TimelineEntry] = []
        for number, person in enumerate(persons):
            lead = _lead(dice, person, rule, agents, became=is_client(number, volume))
            rows.append(lead)
            story.extend(_story(dice, lead, agents))
        session.add_all(rows)
        session.add_all(story)
        audit.record(
            session,
            "demo.leads",
            subject=("tenant", context.tenant.id),
            after={"leads": len(rows)},
        )
    return f"{len(rows)} leads"


async def is_written(session: TenantSession, persons: Sequence[Person]) -> bool:
    """Say whether an earlier run has written these people."""
    first = persons[0]
    return (
        await queries.lead_like(
            session, email=first.email, phone_digits=client_rules.digits(first.phone)
        )
        is not None
    )


def _lead(
    dice: Random,
    person: Person,
    rule: RoutingRule,
    agents: Sequence[Colleague],
    *,
    became: bool,
) -> Lead:
    source = pick(dice, _SOURCES)
    campaign = dice.choice(CAMPAIGNS) if source in ("form", "embed", "api") else None
    choice = rules.next_in_turn(rule, agents, country=person.country, language=person.language)
    rule.last_index = choice.index
    parts = rules.worth(source=source, campaign=campaign, referral_code=None, phone=person.phone)
    stage = "qualified" if became else pick(dice, _STAGES)
    touched = person.came_at + timedelta(hours=dice.randrange(1, 60))
    return Lead(
        id=uuid7(),
        reference=reference("LD"),
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        phone=person.phone,
        phone_digits=client_rules.digits(person.phone),
        country=person.country,
        language=person.language,
        source=source,
        campaign=campaign,
        utm={"utm_source": "search", "utm_campaign": campaign} if campaign else {},
        stage=stage,
        owner_id=choice.owner.id,
        assigned_reason=choice.reason[:300],
        score=min(100, sum(points for _, points in parts) + dice.randrange(0, 12)),
        created_at=person.came_at,
        updated_at=person.came_at if stage == "new" else min(touched, now()),
    )


def _story(dice: Random, lead: Lead, agents: Sequence[Colleague]) -> list[TimelineEntry]:
    owner = next(agent.name for agent in agents if agent.id == lead.owner_id)
    source = f"Source: {lead.source}" + (f", campaign: {lead.campaign}" if lead.campaign else "")
    subject, came_at, moment = ("lead", lead.id), lead.created_at, lead.updated_at
    told = [
        entry(subject, came_at, "sales", ("user-plus", "Lead captured", source)),
        entry(subject, came_at, "sales", ("route", "Assigned", lead.assigned_reason)),
    ]
    if lead.stage == "new":
        return told
    told.append(entry(subject, moment, "call", ("phone", "Call", dice.choice(_CALLS)), by=owner))
    detail = dice.choice(_LOST) if lead.stage == "lost" else "Was new."
    step = ("progress", f"Stage: {lead.stage}", detail)
    told.append(entry(subject, moment, "sales", step, by=owner))
    return told


def entry(
    subject: tuple[str, UUID],
    moment: datetime,
    kind: str,
    told: tuple[str, str, str],
    *,
    by: str = "System",
) -> TimelineEntry:
    """Return a line of a timeline at a moment of the past; told are its icon, fact and detail."""
    icon, fact, detail = told
    return TimelineEntry(
        id=uuid7(),
        subject_kind=subject[0],
        subject_id=subject[1],
        at=moment,
        kind=kind,
        icon=icon,
        fact=fact,
        detail=detail,
        actor_label=by,
    )
