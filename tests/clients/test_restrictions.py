"""What a client may not do for now: per source, once, and with its reason."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from clients import profiles, queries, restrictions
from clients.restrictions import ClientRestricted
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from tests.factories import people


async def test_a_restriction_names_its_reason(database: Database, tenant: TenantRef) -> None:
    """Whoever is stopped reads why; other acts stay free."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        await restrictions.impose(
            session, client_id=client.id, kind="withdraw", reason="Documents are missing."
        )

        with pytest.raises(ClientRestricted, match="Documents are missing"):
            await restrictions.require_free(session, client_id=client.id, kind="withdraw")
        await restrictions.require_free(session, client_id=client.id, kind="deposit")


async def test_what_one_source_imposed_another_does_not_lift(
    database: Database, tenant: TenantRef
) -> None:
    """Accepted documents do not undo what an investigation ordered."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        for source in ("onboarding", "aml"):
            await restrictions.impose(
                session, client_id=client.id, kind="withdraw", reason="R", source=source
            )
        lifted = await restrictions.lift(
            session, client_id=client.id, kind="withdraw", reason="Verified"
        )

        assert lifted
        with pytest.raises(ClientRestricted):
            await restrictions.require_free(session, client_id=client.id, kind="withdraw")


async def test_a_restriction_imposed_many_times_at_once_stands_once(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Ten requests leave one row, one audit entry and one line of the timeline."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)

    async def impose() -> None:
        async with database.tenant(tenant) as session:
            await restrictions.impose(session, client_id=client.id, kind="trade", reason="R")

    await asyncio.gather(*(impose() for _ in range(10)))

    for table, condition in (
        ("restriction", "true"),
        ("audit_entry", "action = 'clients.restriction.impose'"),
        ("timeline_entry", "fact = 'Trading paused'"),
    ):
        count = await superuser.fetchval(f"SELECT count(*) FROM t_alpha.{table} WHERE {condition}")
        assert (table, count) == (table, 1)


async def test_a_lifted_restriction_can_be_imposed_again(
    database: Database, tenant: TenantRef
) -> None:
    """The history keeps both."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        for _ in range(2):
            await restrictions.impose(session, client_id=client.id, kind="trade", reason="R")
            await restrictions.lift(session, client_id=client.id, kind="trade", reason="ok")
        again = await restrictions.lift(session, client_id=client.id, kind="trade", reason="ok")

        assert not again
        assert not await queries.restrictions(session, client.id)


async def test_a_status_change_is_audited_and_told(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Before and after are in the trail, an event goes out, and a repetition does nothing."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        for _ in range(2):
            await profiles.set_status(session, client_id=client.id, status="verified", kyc_level=2)

    row = await superuser.fetch(
        "SELECT before::text, after::text FROM t_alpha.audit_entry"
        " WHERE action = 'clients.client.set_status'"
    )
    events = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.outbox WHERE topic = 'clients.client_status_changed'"
    )
    assert len(row) == 1
    assert '"kyc_level": 0' in row[0]["before"]
    assert '"kyc_level": 2' in row[0]["after"]
    assert events == 1


async def test_an_unknown_client_is_not_found(database: Database, tenant: TenantRef) -> None:
    """Nothing is made up."""
    with pytest.raises(NotFound):
        async with database.tenant(tenant) as session:
            await profiles.set_status(session, client_id=uuid7(), status="active")


async def test_a_profile_in_an_unknown_country_is_refused(
    database: Database, tenant: TenantRef
) -> None:
    """The European Union is no country to live in."""
    with pytest.raises(InvalidInput) as refused:
        async with database.tenant(tenant) as session:
            await people.client(session, country="EU")

    assert refused.value.fields == {"country": "Choose your country."}


async def test_a_timeline_is_appended_and_never_changed(
    database: Database, tenant: TenantRef
) -> None:
    """The tenant's own role may not rewrite what happened."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        [entry] = await queries.timeline(session, ("client", client.id))

    with pytest.raises(Exception, match="permission denied"):
        async with database.tenant(tenant) as session:
            kept = await session.merge(entry)
            kept.fact = "Something else"
            await session.flush()
