"""Leads are captured once, worked on, and become clients with their history."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from clients import queries as clients_queries
from clients import restrictions
from clients.events import ClientRegistered
from clients.restrictions import ClientRestricted
from crm import leads
from crm.leads import LeadConvertedAlready
from crm.subscribers import on_client_registered
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import InvalidInput
from tests.factories import leads as build
from tests.factories import people

ORIGIN = "http://my.alpha.localhost"


async def test_the_same_address_is_the_same_lead(database: Database, tenant: TenantRef) -> None:
    """Letter case does not make a second person; the second visit is on the timeline."""
    async with database.tenant(tenant) as session:
        first = await build.lead(session, email="omar@mail.example")
    async with database.tenant(tenant) as session:
        again = await build.lead(session, email="Omar@Mail.Example", campaign="gold")
        facts = await clients_queries.timeline(session, ("lead", first.id))

    assert again.id == first.id
    assert facts[0].fact == "Came again"
    assert "campaign: gold" in facts[0].detail


async def test_the_same_number_is_the_same_lead(database: Database, tenant: TenantRef) -> None:
    """Blanks and the two zeros of an international prefix do not make a second person."""
    async with database.tenant(tenant) as session:
        first = await build.lead(session, phone="+971 50 123 4567")
        again = await build.lead(session, phone="00971-50-1234567")

    assert again.id == first.id


async def test_one_address_sent_many_times_at_once_is_one_lead(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The database's uniqueness decides, and nobody who sends gets an error."""

    async def send() -> str:
        async with database.tenant(tenant) as session:
            return str(
                (await build.lead(session, email="rush@mail.example", phone="+97150111222")).id
            )

    found = await asyncio.gather(*(send() for _ in range(20)))

    assert len(set(found)) == 1
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.lead") == 1


async def test_the_first_partner_code_is_kept_and_counts(
    database: Database, tenant: TenantRef
) -> None:
    """A code at a later visit raises the score once; another partner's code changes nothing."""
    async with database.tenant(tenant) as session:
        lead = await build.lead(session, email="omar@mail.example")
        before = lead.score
        for code in ("atlas", "dubai"):
            await build.lead(session, email="omar@mail.example", referral_code=code)

    assert (lead.referral_code, lead.score) == ("ATLAS", before + 30)


async def test_every_wrong_field_is_named_at_once(database: Database, tenant: TenantRef) -> None:
    """One answer names them all; nothing is stored."""
    with pytest.raises(InvalidInput) as refused:
        async with database.tenant(tenant) as session:
            await build.lead(session, email="nobody", first_name="x" * 10_000, phone="abc")

    assert set(refused.value.fields) == {"email", "first_name", "phone"}


@pytest.mark.parametrize("name", ["Ann\r\nBcc: all@x.example", "Ann\x00", "Ann\u2028x"])
async def test_control_characters_are_refused(
    database: Database, tenant: TenantRef, name: str
) -> None:
    """A line break in a name would end up in a mail's header."""
    with pytest.raises(InvalidInput, match="attention"):
        async with database.tenant(tenant) as session:
            await build.lead(session, first_name=name)


async def test_a_call_makes_a_new_lead_contacted(database: Database, tenant: TenantRef) -> None:
    """The stage follows from what was done; a plain note changes nothing."""
    async with database.tenant(tenant) as session:
        lead = await build.lead(session)
        await leads.add_note(session, lead_id=lead.id, text="Left a message", kind="note")
        noted = lead.stage
        await leads.add_note(session, lead_id=lead.id, text="Wants gold", kind="call")

    assert (noted, lead.stage) == ("new", "contacted")


async def test_lost_needs_a_reason(database: Database, tenant: TenantRef) -> None:
    """Why a lead was lost is the one thing that can be learnt from it."""
    with pytest.raises(InvalidInput):
        async with database.tenant(tenant) as session:
            lead = await build.lead(session)
            await leads.set_stage(session, lead_id=lead.id, stage="lost")


async def test_conversion_keeps_owner_history_and_partner(
    database: Database, tenant: TenantRef, vault: Vault, superuser: asyncpg.Connection
) -> None:
    """The client's page shows the lead's story, and the partner's code goes on in an event."""
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        await build.sales_desk(session)
        lead = await build.lead(session, referral_code="atlas", source="referral")
        await leads.add_note(session, lead_id=lead.id, text="Wants gold", kind="call")

        client = await leads.convert(session, lead_id=lead.id, vault=vault, origin=ORIGIN)
        again = await leads.convert(session, lead_id=lead.id, vault=vault, origin=ORIGIN)
        story = await clients_queries.timeline_of_client(session, client)

    assert again.id == client.id
    assert (client.owner_id, client.lead_id, client.email) == (agent.id, lead.id, lead.email)
    assert "Wants gold" in [entry.detail for entry in story]
    event = await superuser.fetchrow(
        "SELECT payload::text FROM t_alpha.outbox WHERE topic = 'crm.lead_converted'"
    )
    assert '"referral_code": "ATLAS"' in event[0]
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.message") == 1


async def test_a_converted_lead_takes_no_stage_and_no_owner(
    database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Work goes on on the client's page."""
    async with database.tenant(tenant) as session:
        lead = await build.lead(session)
        await leads.convert(session, lead_id=lead.id, vault=vault, origin=ORIGIN)
    with pytest.raises(LeadConvertedAlready):
        async with database.tenant(tenant) as session:
            await leads.set_stage(session, lead_id=lead.id, stage="lost", reason="x")


async def test_a_converted_client_waits_for_verification(
    database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Nobody opens an account or withdraws before their identity is known."""
    async with database.tenant(tenant) as session:
        lead = await build.lead(session)
        client = await leads.convert(session, lead_id=lead.id, vault=vault, origin=ORIGIN)

        with pytest.raises(ClientRestricted, match="not verified"):
            await restrictions.require_free(session, client_id=client.id, kind="open_account")
        await restrictions.require_free(session, client_id=client.id, kind="deposit")


async def test_who_registers_alone_is_tied_to_their_lead(
    database: Database, tenant: TenantRef
) -> None:
    """The lead's owner keeps them; a stranger who registers becomes a lead and gets an owner."""
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        await build.sales_desk(session)
        lead = await build.lead(session, email="known@mail.example")
        known = await people.client(session, email="known@mail.example")
        stranger = await people.client(session)

        for client in (known, stranger):
            await on_client_registered(
                session, ClientRegistered(client.id, client.email, client.phone, None, None)
            )

    assert (known.lead_id, known.owner_id) == (lead.id, agent.id)
    assert lead.stage == "converted"
    assert stranger.owner_id == agent.id
    assert stranger.lead_id not in (None, lead.id)
