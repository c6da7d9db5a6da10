"""A case from its opening to the decision, and the files in it."""

from __future__ import annotations

import hashlib
from uuid import UUID

import asyncpg
import pytest

from clients import profiles, restrictions
from clients.restrictions import ClientRestricted
from compliance import cases, documents, queries
from kernel.actor import Actor, TenantRef
from kernel.crypto import Vault
from kernel.database import Database, TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.ids import uuid7
from kernel.storage import ObjectMissing
from tenants.ports import Ports
from tests.factories import documents as files
from tests.factories import people

REVIEWER = Actor("staff", uuid7(), "Ines Duarte")


async def _client(session: TenantSession, **fields: str) -> UUID:
    client = await people.client(session, **fields)
    await cases.open_for(session, client_id=client.id)
    return client.id


async def _send(session: TenantSession, ports: Ports, client_id: UUID, *kinds: str) -> None:
    for kind in kinds:
        await documents.add(
            session,
            client_id=client_id,
            kind=kind,
            data=files.jpeg(),
            store=ports.store,
            vault=ports.vault,
        )


async def _submitted(session: TenantSession, ports: Ports) -> tuple[UUID, UUID]:
    client_id = await _client(session)
    await cases.describe(
        session,
        client_id=client_id,
        born_on="1990-04-02",
        address="Marina Walk 12, Dubai",
        document_number="X4471902K",
    )
    await _send(session, ports, client_id, "passport", "proof_of_address", "selfie")
    case = await cases.submit(session, client_id=client_id)
    return client_id, case.id


async def test_a_new_case_pauses_accounts_and_withdrawals(tenant_session: TenantSession) -> None:
    """Once, however often it is opened."""
    client_id = await _client(tenant_session)
    await cases.open_for(tenant_session, client_id=client_id)

    for kind in ("open_account", "withdraw"):
        with pytest.raises(ClientRestricted):
            await restrictions.require_free(tenant_session, client_id=client_id, kind=kind)
    await restrictions.require_free(tenant_session, client_id=client_id, kind="deposit")


async def test_a_document_is_ciphertext_in_the_store(
    tenant_session: TenantSession, ports: Ports, tenant: TenantRef
) -> None:
    """No byte of the picture stands there, and the vault gives it back whole."""
    client_id = await _client(tenant_session)
    sent = files.jpeg()
    row = await documents.add(
        tenant_session,
        client_id=client_id,
        kind="selfie",
        data=sent,
        store=ports.store,
        vault=ports.vault,
    )
    stored = await ports.store.get(tenant, row.object_key)
    opened = await documents.own(
        tenant_session,
        client_id=client_id,
        document_id=row.id,
        store=ports.store,
        vault=ports.vault,
    )

    assert b"JFIF" not in stored
    assert b"\xff\xd8\xff" not in stored[:64]
    assert opened.data.startswith(b"\xff\xd8\xff")
    assert row.sha256 == hashlib.sha256(sent).hexdigest()


async def test_a_document_is_nobody_elses(
    tenant_session: TenantSession,
    ports: Ports,
    other_tenant: TenantRef,
    vault: Vault,
) -> None:
    """Neither another client's nor another brokerage's, whoever has the key."""
    first, second = await _client(tenant_session), await _client(tenant_session)
    await _send(tenant_session, ports, first, "selfie")
    case = await queries.case_of_client(tenant_session, first)
    assert case is not None
    [row] = await queries.documents_of(tenant_session, case.id)

    with pytest.raises(NotFound):
        await documents.own(
            tenant_session, client_id=second, document_id=row.id, store=ports.store, vault=vault
        )
    with pytest.raises(ObjectMissing):
        await ports.store.get(other_tenant, row.object_key)


async def test_a_later_file_replaces_the_earlier_one(
    tenant_session: TenantSession, ports: Ports
) -> None:
    """The earlier row stays, as replaced."""
    client_id = await _client(tenant_session)
    await _send(tenant_session, ports, client_id, "selfie", "selfie")
    case = await queries.case_of_client(tenant_session, client_id)
    assert case is not None

    assert len(await queries.documents_of(tenant_session, case.id)) == 1
    assert await queries.replaced_count(tenant_session, case.id) == 1


async def test_an_incomplete_case_says_what_is_missing(
    tenant_session: TenantSession, ports: Ports
) -> None:
    """One side of a card is not enough."""
    client_id = await _client(tenant_session)
    await _send(tenant_session, ports, client_id, "id_front", "selfie")
    with pytest.raises(InvalidInput) as raised:
        await cases.submit(tenant_session, client_id=client_id)

    words = raised.value.fields["documents"]
    assert "the back of your identity card" in words
    assert "proof of your address" in words
    assert "date of birth" in words


async def test_an_approval_lifts_what_waited_for_it(
    database: Database, tenant: TenantRef, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """The client is verified, the restrictions are gone, and one event tells of it."""
    async with database.tenant(tenant) as session:
        client_id, case_id = await _submitted(session, ports)
        await cases.choose_account_type(session, client_id=client_id, code="RAW")
    async with database.tenant(tenant, actor=REVIEWER) as session:
        await cases.approve(session, case_id=case_id, level=2, reason="All clear.")
        for kind in ("open_account", "withdraw"):
            await restrictions.require_free(session, client_id=client_id, kind=kind)
    client = await superuser.fetchrow("SELECT status, kyc_level FROM t_alpha.client")
    events = await superuser.fetch(
        "SELECT payload::text FROM t_alpha.outbox WHERE topic = 'compliance.kyc_approved'"
    )

    assert tuple(client) == ("verified", 2)
    assert len(events) == 1
    assert '"account_type_code": "RAW"' in events[0]["payload"]


async def test_the_owner_of_a_client_may_not_decide(
    database: Database, tenant: TenantRef, ports: Ports
) -> None:
    """Neither approve nor reject; the case stays in review."""
    async with database.tenant(tenant) as session:
        client_id, case_id = await _submitted(session, ports)
        await profiles.set_owner(session, client_id=client_id, owner_id=REVIEWER.id)
    with pytest.raises(cases.ReviewerIsOwner):
        async with database.tenant(tenant, actor=REVIEWER) as session:
            await cases.approve(session, case_id=case_id, level=2, reason="My own client.")
    with pytest.raises(cases.ReviewerIsOwner):
        async with database.tenant(tenant, actor=REVIEWER) as session:
            await cases.reject(session, case_id=case_id, reason="My own.", documents={})
    async with database.tenant(tenant) as session:
        case = await queries.case(session, case_id)
        assert case is not None
        assert case.state == "in_review"


async def test_a_case_is_decided_once(database: Database, tenant: TenantRef, ports: Ports) -> None:
    """The second decision is told that it comes too late."""
    async with database.tenant(tenant) as session:
        _, case_id = await _submitted(session, ports)
    async with database.tenant(tenant, actor=REVIEWER) as session:
        await cases.approve(session, case_id=case_id, level=2, reason="All clear.")
    with pytest.raises(cases.CaseNotInReview):
        async with database.tenant(tenant, actor=REVIEWER) as session:
            await cases.reject(session, case_id=case_id, reason="On second thought", documents={})


async def test_a_rejected_document_is_sent_again_and_the_case_resubmitted(
    database: Database, tenant: TenantRef, ports: Ports
) -> None:
    """What was not named counts as accepted and can't be replaced."""
    async with database.tenant(tenant) as session:
        client_id, case_id = await _submitted(session, ports)
        by_kind = {row.kind: row.id for row in await queries.documents_of(session, case_id)}
    async with database.tenant(tenant, actor=REVIEWER) as session:
        await cases.reject(
            session,
            case_id=case_id,
            reason="The bill is too old.",
            documents={by_kind["proof_of_address"]: "Older than three months"},
        )
    async with database.tenant(tenant) as session:
        with pytest.raises(cases.CaseIncomplete):
            await cases.submit(session, client_id=client_id)
        with pytest.raises(InvalidInput):
            await _send(session, ports, client_id, "selfie")
        await _send(session, ports, client_id, "proof_of_address")
        case = await cases.submit(session, client_id=client_id)

    assert case.state == "in_review"


async def test_nothing_is_added_while_a_case_is_in_review(
    tenant_session: TenantSession, ports: Ports
) -> None:
    """What the reviewer sees is what was submitted."""
    client_id, _ = await _submitted(tenant_session, ports)

    with pytest.raises(cases.CaseNotOpen):
        await _send(tenant_session, ports, client_id, "id_front")


async def test_every_view_is_written_down_for_ever(
    database: Database, tenant: TenantRef, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """The row can't be removed by the brokerage's own role, and the audit trail has it too."""
    async with database.tenant(tenant) as session:
        _, case_id = await _submitted(session, ports)
        [first, *_] = await queries.documents_of(session, case_id)
    async with database.tenant(tenant, actor=REVIEWER) as session:
        await documents.view(session, document_id=first.id, store=ports.store, vault=ports.vault)
    views = await superuser.fetch("SELECT viewer_id, document_id FROM t_alpha.document_view")
    audited = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.audit_entry WHERE action = 'compliance.document.view'"
    )
    allowed = await superuser.fetchval(
        "SELECT has_table_privilege('t_alpha', 't_alpha.document_view', 'DELETE, UPDATE')"
    )

    assert [tuple(row) for row in views] == [(REVIEWER.id, first.id)]
    assert audited == 1
    assert not allowed
