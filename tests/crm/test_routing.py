"""Leads go to the right person, in exact turns, with a reason that can be read."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from crm import provisioning, queries, routing, rules
from crm.models import RoutingRule
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.ids import uuid7
from tenants.ports import Ports
from tenants.provisioning import Context
from tests.factories import leads as build
from tests.factories import people


async def test_fifty_leads_at_once_are_shared_out_exactly(
    database: Database, tenant: TenantRef
) -> None:
    """Five agents get ten leads each, although fifty requests arrive together."""
    async with database.tenant(tenant) as session:
        for _ in range(5):
            await people.staff(session, "sales_agent")
        await build.sales_desk(session)

    async def arrive() -> str:
        async with database.tenant(tenant) as session:
            lead = await build.lead(session)
            return str(lead.owner_id)

    owners = await asyncio.gather(*(arrive() for _ in range(50)))

    assert sorted(Counter(owners).values()) == [10] * 5


async def test_a_capture_that_fails_gives_its_turn_back(
    database: Database, tenant: TenantRef
) -> None:
    """The turn is part of the capture's transaction."""
    async with database.tenant(tenant) as session:
        first = await people.staff(session, "sales_agent")
        await people.staff(session, "sales_agent")
        await build.sales_desk(session)
    with pytest.raises(RuntimeError, match="the request died"):
        async with database.tenant(tenant) as session:
            await build.lead(session)
            raise RuntimeError("the request died")

    async with database.tenant(tenant) as session:
        lead = await build.lead(session)

    assert lead.owner_id == first.id


async def test_the_reason_names_rule_condition_turn_and_person(
    database: Database, tenant: TenantRef
) -> None:
    """Whoever asks why a lead is theirs reads it on the lead."""
    async with database.tenant(tenant) as session:
        gulf = [
            await people.staff(session, "sales_agent", name=name)
            for name in ("Aisha Rahman", "Yusuf Karim", "Sara Aziz")
        ]
        await routing.add_rule(
            session,
            name="Gulf desk",
            countries=["AE", "SA"],
            languages=[],
            pool=[person.id for person in gulf],
        )
        await build.sales_desk(session)

        lead = await build.lead(session, country="AE")

    assert lead.owner_id == gulf[0].id
    assert lead.assigned_reason == "Rule 'Gulf desk': country AE; next of 3: Aisha Rahman"


async def test_a_lead_outside_a_rule_falls_to_the_next_rule(
    database: Database, tenant: TenantRef
) -> None:
    """The first rule that fits decides; one without conditions takes the rest."""
    async with database.tenant(tenant) as session:
        gulf = await people.staff(session, "sales_agent", name="Aisha Rahman")
        await routing.add_rule(
            session, name="Gulf desk", countries=["AE"], languages=["ar"], pool=[gulf.id]
        )
        await build.sales_desk(session)

        german = await build.lead(session, country="DE", language="de")
        english = await build.lead(session, country="AE", language="en")
        arabic = await build.lead(session, country="AE", language="ar")

    assert german.assigned_reason.startswith("Rule 'Sales desk': takes every lead")
    assert english.assigned_reason.startswith("Rule 'Sales desk'")
    assert arabic.assigned_reason.startswith("Rule 'Gulf desk': country AE and language ar")


async def test_somebody_disabled_gets_no_lead(database: Database, tenant: TenantRef) -> None:
    """A rule skips whoever has left; when nobody is left, the lead says that it waits."""
    async with database.tenant(tenant) as session:
        gone = await people.staff(session, "sales_agent")
        await routing.add_rule(session, name="One desk", countries=[], languages=[], pool=[gone.id])
        gone.state = "disabled"
        await session.flush()

        lead = await build.lead(session)

    assert lead.owner_id is None
    assert "assign it by hand" in lead.assigned_reason


def test_turns_go_round_the_pool() -> None:
    """After the last of the pool comes the first."""
    pool = [rules.Colleague(uuid7(), name) for name in ("A", "B", "C")]
    rule = RoutingRule(name="R", countries=[], languages=[], pool=[], last_index=2)

    choice = rules.next_in_turn(rule, pool, country="AE", language="en")

    assert (choice.index, choice.owner.name) == (0, "A")


async def test_the_first_rule_is_provisioned_once(ports: Ports, tenant: TenantRef) -> None:
    """Repeating the step keeps what the brokerage has made of its rules."""
    context = Context(tenant=tenant, ports=ports, options={})

    details = [await provisioning.sales_desk(context) for _ in range(2)]

    async with ports.database.tenant(tenant) as session:
        known = await queries.routing_rules(session)
    assert details == [
        "every lead goes to the sales agents in turn",
        "routing rules that are there: 1",
    ]
    assert [rule.name for rule in known] == ["Sales desk"]


async def test_a_rule_with_conditions_stands_before_one_without(
    database: Database, tenant: TenantRef
) -> None:
    """Whatever the order in which they were written, the general rule is tried last."""
    async with database.tenant(tenant) as session:
        await build.sales_desk(session)
        for name, country in (("Gulf", "AE"), ("Germany", "DE")):
            await routing.add_rule(session, name=name, countries=[country], languages=[], pool=[])
        known = await queries.routing_rules(session)

    assert [rule.name for rule in known] == ["Gulf", "Germany", "Sales desk"]
