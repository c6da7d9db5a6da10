"""Routing: gives a new lead to whoever's turn it is, and writes down why."""

from __future__ import annotations

from uuid import UUID

from crm import queries, rules
from crm.models import Lead, RoutingRule
from identity import audit
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.ids import uuid7

# Rules that take every lead stand behind this place, all others before it.
_GENERAL = 1000


async def assign(session: TenantSession, *, lead: Lead) -> None:
    """Give a lead an owner by the first rule that takes it and has somebody free.

    The rule's row stays locked to the end of the transaction, so that the turn is exact however
    many leads arrive at once; a capture that rolls back gives its turn back.
    """
    staff = await queries.active_staff(session)
    agents = await queries.sales_people(session, roles=("sales_agent",))
    for known in await queries.routing_rules(session):
        if not known.active or not rules.matches(
            known, country=lead.country, language=lead.language
        ):
            continue
        rule = await queries.routing_rule_for_update(session, known.id)
        if rule is None or not rule.active:
            continue
        pool = rules.available(rule, staff if rule.pool else agents)
        if not pool:
            continue
        choice = rules.next_in_turn(rule, pool, country=lead.country, language=lead.language)
        rule.last_index = choice.index
        lead.owner_id, lead.assigned_reason = choice.owner.id, choice.reason[:300]
        return
    lead.assigned_reason = rules.nobody(country=lead.country, language=lead.language)


async def add_rule(
    session: TenantSession,
    *,
    name: str,
    countries: list[str],
    languages: list[str],
    pool: list[UUID],
) -> RoutingRule:
    """Add a rule behind its like: those with conditions are tried before those without."""
    known = await queries.routing_rules(session)
    if countries or languages:
        place = max((r.position for r in known if r.countries or r.languages), default=0) + 1
    else:
        place = max((rule.position for rule in known), default=0)
        place = max(place, _GENERAL) + 1
    rule = RoutingRule(
        id=uuid7(),
        position=place,
        name=name,
        countries=countries,
        languages=languages,
        pool=[str(member) for member in pool],
        last_index=-1,
        active=True,
    )
    session.add(rule)
    await session.flush()
    audit.record(
        session,
        "crm.rule.create",
        subject=("routing_rule", rule.id),
        after={"name": name, "countries": countries, "languages": languages, "pool": len(pool)},
    )
    return rule


async def switch(session: TenantSession, *, rule_id: UUID) -> RoutingRule:
    """Pause a rule that takes leads, or let a paused one take them again."""
    rule = await queries.routing_rule_for_update(session, rule_id)
    if rule is None:
        raise NotFound
    rule.active = not rule.active
    audit.record(
        session,
        "crm.rule.switch",
        subject=("routing_rule", rule.id),
        before={"active": not rule.active},
        after={"active": rule.active},
    )
    return rule
