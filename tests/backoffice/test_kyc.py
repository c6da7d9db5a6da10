"""Compliance at its desk: the queue, the documents, the decision by other eyes."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from clients import profiles
from compliance import cases, documents, queries
from compliance.events import KycApproved, KycRejected
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from messaging import queries as mail_queries
from tenants.ports import Ports
from tests.factories import documents as files
from tests.factories import people
from tests.fixtures.web import Browser, host
from tradersroom import subscribers

TEAM = host("team")
PASSWORD = "quiet-harbour-lantern"


async def submitted(session: TenantSession, ports: Ports, **fields: str) -> UUID:
    """Bring a new client's case into review and return its id."""
    client = await people.client(session, **fields)
    await cases.open_for(session, client_id=client.id)
    await cases.describe(
        session,
        client_id=client.id,
        born_on="1990-04-02",
        address="Marina Walk 12, Dubai",
        document_number="X4471902K",
    )
    for kind in ("passport", "proof_of_address", "selfie"):
        await documents.add(
            session,
            client_id=client.id,
            kind=kind,
            data=files.jpeg(),
            store=ports.store,
            vault=ports.vault,
        )
    return (await cases.submit(session, client_id=client.id)).id


@pytest.fixture
async def case_id(database: Database, tenant: TenantRef, ports: Ports) -> UUID:
    """A case in review at alpha."""
    async with database.tenant(tenant) as session:
        return await submitted(session, ports)


async def sign_in(browser: Browser, database: Database, tenant: TenantRef, role: str) -> UUID:
    """Sign a new member of staff of a role in and return who it is."""
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=PASSWORD)
    answer = await browser.log_in(TEAM, user.email, PASSWORD)
    assert answer.status_code in (200, 303)  # recovery codes are shown once
    return user.id


async def test_an_approval_at_the_desk_verifies_the_client(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    case_id: UUID,
) -> None:
    """From the queue to the desk to the decision, and the event for whoever opens accounts."""
    await sign_in(browser, database, tenant, "compliance_head")
    queue = await browser.get(TEAM, "/backoffice/kyc")
    desk = await browser.get(TEAM, f"/backoffice/kyc/{case_id}")
    answer = await browser.post(
        TEAM, f"/backoffice/kyc/{case_id}/approve", {"level": "2", "reason": "All clear."}
    )

    assert str(case_id) in queue.text
    assert "X4471902K" in desk.text
    assert answer.status_code == 303
    assert answer.headers["location"] == "/backoffice/kyc"
    assert await superuser.fetchval("SELECT state FROM t_alpha.kyc_case") == "approved"
    assert await superuser.fetchval("SELECT status FROM t_alpha.client") == "verified"
    told = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.outbox WHERE topic = 'compliance.kyc_approved'"
    )
    assert told == 1


async def test_a_decision_without_a_reason_is_refused(
    browser: Browser, database: Database, tenant: TenantRef, case_id: UUID
) -> None:
    """The level chosen stays."""
    await sign_in(browser, database, tenant, "compliance_head")
    await browser.get(TEAM, f"/backoffice/kyc/{case_id}")
    answer = await browser.post(
        TEAM, f"/backoffice/kyc/{case_id}/approve", {"level": "3", "reason": " "}
    )

    assert answer.status_code == 422
    assert "Say why" in answer.text
    assert '<option value="3" selected' in answer.text


async def test_the_owner_of_the_client_can_not_decide(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    case_id: UUID,
) -> None:
    """The desk says so, and a request that is sent anyway changes nothing."""
    reviewer = await sign_in(browser, database, tenant, "compliance_head")
    async with database.tenant(tenant) as session:
        case = await queries.case(session, case_id)
        assert case is not None
        await profiles.set_owner(session, client_id=case.client_id, owner_id=reviewer)
    desk = await browser.get(TEAM, f"/backoffice/kyc/{case_id}")
    answer = await browser.post(
        TEAM, f"/backoffice/kyc/{case_id}/approve", {"level": "2", "reason": "Mine."}
    )

    assert "somebody else of compliance has to decide" in desk.text
    assert "Approve and open next" not in desk.text
    assert answer.status_code == 403
    assert await superuser.fetchval("SELECT state FROM t_alpha.kyc_case") == "in_review"


@pytest.mark.parametrize(
    ("role", "sees", "decides"),
    [
        ("kyc_officer", 200, 403),
        ("auditor", 200, 403),
        ("owner", 200, 403),
        ("sales_head", 403, 403),
        ("support", 403, 403),
        ("finance_head", 403, 403),
    ],
)
async def test_only_compliance_decides_and_few_may_look(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    case_id: UUID,
    *,
    role: str,
    sees: int,
    decides: int,
) -> None:
    """Sales and support see no identity document."""
    await sign_in(browser, database, tenant, role)
    desk = await browser.get(TEAM, f"/backoffice/kyc/{case_id}")
    answer = await browser.post(
        TEAM, f"/backoffice/kyc/{case_id}/approve", {"level": "2", "reason": "All clear."}
    )

    assert (desk.status_code, answer.status_code) == (sees, decides)


async def test_opening_a_document_is_recorded(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
    case_id: UUID,
) -> None:
    """Under the name of whoever opened it; the bytes come sealed against running anything."""
    viewer = await sign_in(browser, database, tenant, "kyc_officer")
    document_id = await superuser.fetchval("SELECT id FROM t_alpha.kyc_document LIMIT 1")
    answer = await browser.get(TEAM, f"/backoffice/kyc/documents/{document_id}")
    desk = await browser.get(TEAM, f"/backoffice/kyc/{case_id}")
    views = await superuser.fetch("SELECT viewer_id, document_id FROM t_alpha.document_view")

    assert answer.content.startswith(b"\xff\xd8\xff")
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "sandbox" in ",".join(answer.headers.get_list("content-security-policy"))
    assert [tuple(row) for row in views] == [(viewer, document_id)]
    assert "Kyc Officer" in desk.text


async def test_another_brokerages_document_and_case_are_not_found(
    browser: Browser,
    database: Database,
    other_tenant: TenantRef,
    superuser: asyncpg.Connection,
    case_id: UUID,
) -> None:
    """Beta's head of compliance reaches nothing of alpha's."""
    beta = host("team", "beta")
    async with database.tenant(other_tenant) as session:
        user = await people.staff(session, "compliance_head", password=PASSWORD)
    await browser.log_in(beta, user.email, PASSWORD)
    document_id = await superuser.fetchval("SELECT id FROM t_alpha.kyc_document LIMIT 1")

    assert (await browser.get(beta, f"/backoffice/kyc/{case_id}")).status_code == 404
    document = await browser.get(beta, f"/backoffice/kyc/documents/{document_id}")
    assert document.status_code == 404


async def test_a_case_sent_back_names_each_document(
    browser: Browser,
    tenant: TenantRef,
    ports: Ports,
    superuser: asyncpg.Connection,
    case_id: UUID,
) -> None:
    """The client's mail says which and why; the other documents stay accepted."""
    await sign_in(browser, ports.database, tenant, "compliance_head")
    await browser.get(TEAM, f"/backoffice/kyc/{case_id}")
    bill = await superuser.fetchval(
        "SELECT id FROM t_alpha.kyc_document WHERE kind = 'proof_of_address'"
    )
    answer = await browser.post(
        TEAM,
        f"/backoffice/kyc/{case_id}/reject",
        {
            "reason": "Send a newer bill.",
            f"document-{bill}": "yes",
            f"why-{bill}": "Older than three months",
        },
    )
    states = dict(await superuser.fetch("SELECT kind::text, state::text FROM t_alpha.kyc_document"))
    async with ports.database.tenant(tenant) as session:
        case = await queries.case(session, case_id)
        assert case is not None
        event = KycRejected(case.client_id, case.id, case.reason)
        await subscribers.mail_rejection(session, event, ports=ports)
    async with ports.database.tenant(tenant) as session:
        [mail] = await mail_queries.messages(session)
        assert mail.body_sealed is not None
        text = ports.vault.open(tenant.id, mail.body_sealed, purpose="messaging.letter").decode()

    assert answer.status_code == 303
    assert states == {"passport": "accepted", "proof_of_address": "rejected", "selfie": "accepted"}
    assert "Proof of address – Older than three months" in text
    assert "http://my.alpha.localhost:8000/verification" in text


async def test_markup_typed_by_a_client_is_inert_at_the_desk(
    browser: Browser, database: Database, tenant: TenantRef, ports: Ports
) -> None:
    """Names come from strangers."""
    async with database.tenant(tenant) as session:
        case_id = await submitted(session, ports, first_name="<img src=x onerror=alert(1)>")
    await sign_in(browser, database, tenant, "compliance_head")
    queue = await browser.get(TEAM, "/backoffice/kyc")
    desk = await browser.get(TEAM, f"/backoffice/kyc/{case_id}")

    assert "<img src=x" not in queue.text + desk.text
    assert "&lt;img src=x" in desk.text


async def test_the_queue_is_searched_and_paged(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Longest waiting first; a page goes on where the last one ended; nobody is shown twice."""
    async with database.tenant(tenant) as session:
        for number in range(53):
            client = await people.client(session, last_name=f"Queue{number:02}")
            await cases.open_for(session, client_id=client.id)
    await sign_in(browser, database, tenant, "compliance_head")
    first = await browser.get(TEAM, "/backoffice/kyc?state=collecting")
    further = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = await browser.get(TEAM, further.replace("&amp;", "&"))
    found = await browser.get(TEAM, "/backoffice/kyc?q=queue13")

    shown = [f"Queue{number:02}" in first.text for number in range(53)]
    rest = [f"Queue{number:02}" in second.text for number in range(53)]
    assert (sum(shown), sum(rest)) == (50, 3)
    assert not any(a and b for a, b in zip(shown, rest, strict=True))
    assert "Queue13" in found.text
    assert "Queue12" not in found.text


async def test_nobody_gets_an_account_that_is_not_offered(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection, case_id: UUID
) -> None:
    """Without any offer the approval still stands, and the timeline says what is missing."""
    async with database.tenant(tenant) as session:
        case = await queries.case(session, case_id)
        assert case is not None
        event = KycApproved(case.client_id, case.id, 2, "RAW")
        await subscribers.open_first_account(session, event)
    facts = await superuser.fetch("SELECT fact FROM t_alpha.timeline_entry")

    assert "No account opened after the approval" in [row["fact"] for row in facts]


async def test_a_pdf_is_handed_over_as_a_file_when_asked(
    browser: Browser, database: Database, tenant: TenantRef, ports: Ports
) -> None:
    """Because browsers show none inside a sandbox; the view counts all the same."""
    async with database.tenant(tenant) as session:
        client = await people.client(session)
        case = await cases.open_for(session, client_id=client.id)
        row = await documents.add(
            session,
            client_id=client.id,
            kind="proof_of_address",
            data=files.pdf(),
            store=ports.store,
            vault=ports.vault,
        )
    await sign_in(browser, database, tenant, "kyc_officer")
    answer = await browser.get(TEAM, f"/backoffice/kyc/documents/{row.id}?download=1")
    desk = await browser.get(TEAM, f"/backoffice/kyc/{case.id}")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content == files.pdf()
    assert f"/backoffice/kyc/documents/{row.id}?download=1" in desk.text
