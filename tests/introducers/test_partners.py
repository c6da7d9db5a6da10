"""Partners, their tree and who brought whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clients import queries as clients_queries
from clients.events import ClientCreated, ClientRegistered, LeadCaptured, LeadConverted
from identity import users
from introducers import attributions, partners, queries, rules, subscribers, tree
from introducers.provisioning import add_plans
from introducers.tree import LoopRefused
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database
from kernel.errors import InvalidInput
from kernel.ids import uuid7
from tests.factories import people
from tests.factories.introducers import partner


async def test_a_partner_registers_below_a_code_and_is_approved(
    database: Database, tenant: TenantRef
) -> None:
    """Somebody who joins by a link stands below its owner, applied, then active with terms."""
    async with database.tenant(tenant) as session:
        top = await partner(session, "Atlas", plan="MASTER")
        user = await users.create(
            session, kind="partner", email="new@partner.example", name="New", password=None
        )
        made = await partners.register(
            session,
            user_id=user.id,
            name="New",
            email="new@partner.example",
            country="ae",
            sponsor_code=top.code.lower(),
        )
        assert (made.state, made.parent_id, made.plan_code) == ("applied", top.id, "SILVER")
        await partners.approve(session, partner_id=made.id)
        assert [row.ancestor_id for row in await queries.ancestors(session, made.id)] == [
            made.id,
            top.id,
        ]
        with pytest.raises(partners.NotApplied):
            await partners.approve(session, partner_id=made.id)


async def test_private_plans_and_dead_codes_are_refused(
    database: Database, tenant: TenantRef
) -> None:
    """Nobody gets on a private plan, or below somebody suspended, by themselves."""
    async with database.tenant(tenant) as session:
        top = await partner(session, "Atlas")
        await partners.suspend(session, partner_id=top.id, reason="Checks are under way")
        for plan, code in (("MASTER", None), ("SILVER", top.code)):
            with pytest.raises(InvalidInput):
                await partners.register(
                    session,
                    user_id=uuid7(),
                    name="New",
                    email="new@partner.example",
                    country="AE",
                    plan_code=plan,
                    sponsor_code=code,
                )


async def test_a_loop_in_the_tree_is_refused(database: Database, tenant: TenantRef) -> None:
    """Nobody is moved below themselves or below somebody of their own branch."""
    async with database.tenant(tenant) as session:
        top = await partner(session, "Top")
        middle = await partner(session, "Middle", parent=top)
        low = await partner(session, "Low", parent=middle)
        for below in (top, middle, low):
            with pytest.raises(LoopRefused):
                await tree.move(session, partner_id=top.id, parent_id=below.id)
        assert top.parent_id is None


async def test_a_move_takes_the_branch_along_and_keeps_history(
    database: Database, tenant: TenantRef
) -> None:
    """The whole branch gets the new upline; the old links end, they are not erased."""
    async with database.tenant(tenant) as session:
        old, new = await partner(session, "Old"), await partner(session, "New")
        middle = await partner(session, "Middle", parent=old)
        low = await partner(session, "Low", parent=middle)

        await tree.move(session, partner_id=middle.id, parent_id=new.id)

        above = [(row.ancestor_id, row.depth) for row in await queries.ancestors(session, low.id)]
        assert above == [(low.id, 0), (middle.id, 1), (new.id, 2)]
        below = {row.descendant_id for row in await queries.descendants(session, old.id)}
        assert below == {old.id}


async def test_the_database_itself_refuses_a_loop(database: Database, tenant: TenantRef) -> None:
    """A row that makes somebody their own ancestor can't be written."""
    from sqlalchemy.exc import IntegrityError

    async with database.tenant(tenant) as session:
        top = await partner(session, "Top")
    with pytest.raises(IntegrityError):
        async with database.tenant(tenant) as session:
            session.add(tree._row(top.id, top.id, 1, now()))


async def test_a_clients_first_partner_stays(database: Database, tenant: TenantRef) -> None:
    """The lead's first code counts, also when the conversion brings another one."""
    async with database.tenant(tenant) as session:
        first, second = await partner(session, "First"), await partner(session, "Second")
        lead_id = uuid7()
        await subscribers.on_lead_captured(session, LeadCaptured(lead_id, first.code))
        await subscribers.on_lead_captured(session, LeadCaptured(lead_id, second.code))
        client = await people.client(session)
        await subscribers.on_client_created(session, ClientCreated(client.id, lead_id))
        await subscribers.on_lead_converted(session, LeadConverted(lead_id, client.id, second.code))
        found = await queries.attribution(session, client.id)

    assert found is not None
    assert found.partner_id == first.id


async def test_the_first_visit_counts_for_ninety_days() -> None:
    """On day 90 the first touch wins, a day later the newer code does."""
    first, latest, moment = uuid7(), uuid7(), now()
    assert rules.first_touch([(first, moment - timedelta(days=90))], latest, moment) == first
    assert rules.first_touch([(first, moment - timedelta(days=91))], latest, moment) == latest
    assert rules.first_touch([], None, moment) is None


async def test_who_registers_alone_is_found_by_their_first_visit(
    database: Database, tenant: TenantRef
) -> None:
    """The visitor's cookie names the first link; the code of the form is the second."""
    async with database.tenant(tenant) as session:
        first, second = await partner(session, "First"), await partner(session, "Second")
        assert await attributions.visited(session, code=first.code, visitor="visitor-1")
        assert not await attributions.visited(session, code="NOBODY", visitor="visitor-1")
        client = await people.client(session)
        await subscribers.on_client_registered(
            session,
            ClientRegistered(client.id, client.email, client.phone, second.code, "visitor-1"),
        )
        found = await queries.attribution(session, client.id)

    assert found is not None
    assert found.partner_id == first.id


async def test_a_partner_does_not_refer_themselves(database: Database, tenant: TenantRef) -> None:
    """With the partner's own address the client is nobody's, and both timelines say why."""
    async with database.tenant(tenant) as session:
        own = await partner(session, "Own", email="Own@Mail.example")
        client = await people.client(session, email="own@mail.example")

        assert not await attributions.client_came(session, client_id=client.id, code=own.code)

        assert await queries.attribution(session, client.id) is None
        for subject in (("client", client.id), ("partner", own.id)):
            facts = await clients_queries.timeline(session, subject)
            assert facts[0].fact == "Own link used: not attributed"


async def test_plans_are_added_once(database: Database, tenant: TenantRef) -> None:
    """The provisioning step can run again; a version in force keeps its terms."""
    from introducers import plans

    async with database.tenant(tenant) as session:
        assert await add_plans(session) == await add_plans(session)
        assert len(await queries.plans(session)) == 3
        with pytest.raises(InvalidInput):
            await plans.add(
                session,
                code="SILVER",
                name="Silver",
                version=3,
                structure="rank",
                joining="public",
                auto_approve=True,
                terms=rules.terms(rates={"FX Majors": ["9"]}, percents=["30"]),
            )
