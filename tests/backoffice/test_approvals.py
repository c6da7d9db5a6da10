"""The inbox of requests: what waits for me, what I asked for, and my word on it."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from approvals import requests
from approvals.events import ApprovalGranted, ApprovalWaiting
from approvals.models import Approval
from backoffice import notices
from identity.models import UserAccount
from kernel.actor import Actor, TenantRef
from kernel.database import Database
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")
PASSWORD = "quiet-harbour-lantern"
PERMISSION = "treasury.deposit.approve"
SUBJECT = ("thing", UUID("01890000-0000-7000-8000-000000000007"))


async def staff(database: Database, tenant: TenantRef, role: str) -> UserAccount:
    """Add a member of staff who can sign in."""
    async with database.tenant(tenant) as session:
        return await people.staff(session, role, password=PASSWORD)


async def asked_by(database: Database, tenant: TenantRef, user: UserAccount) -> Approval:
    """Let somebody ask for something that finance decides."""
    actor = Actor("staff", user.id, user.name)
    async with database.tenant(tenant, actor=actor) as session:
        return await requests.open(
            session,
            kind="manual_thing",
            subject=SUBJECT,
            content={"amount": "250.00 USD", "why": "Goodwill"},
            summary="Credit 250.00 USD to CL-1",
            permission=PERMISSION,
        )


async def test_a_request_waits_for_whoever_may_decide_and_is_decided(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """From the counter beside the link to the list, the request and the decision."""
    maker = await staff(database, tenant, "payments_officer")
    asked = await asked_by(database, tenant, maker)
    checker = await staff(database, tenant, "finance_head")
    await browser.log_in(TEAM, checker.email, PASSWORD)

    listed = await browser.get(TEAM, "/approvals?place=waiting")
    shown = await browser.get(TEAM, f"/approvals/{asked.id}")
    answer = await browser.post(
        TEAM, f"/approvals/{asked.id}/decision", {"verdict": "approve", "reason": "Seen."}
    )

    assert "Credit 250.00 USD to CL-1" in listed.text
    assert "Goodwill" in shown.text
    assert maker.name in shown.text
    assert answer.status_code == 303
    assert await superuser.fetchval("SELECT state FROM t_alpha.approval") == "granted"
    assert str(asked.id) not in (await browser.get(TEAM, "/approvals?place=waiting")).text


async def test_the_maker_sees_the_request_and_can_not_decide_it(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """It stands under what they asked for; a decision sent anyway is refused in words."""
    maker = await staff(database, tenant, "finance_head")
    asked = await asked_by(database, tenant, maker)
    await browser.log_in(TEAM, maker.email, PASSWORD)

    waiting = await browser.get(TEAM, "/approvals?place=waiting")
    mine = await browser.get(TEAM, "/approvals?place=asked")
    shown = await browser.get(TEAM, f"/approvals/{asked.id}")
    answer = await browser.post(TEAM, f"/approvals/{asked.id}/decision", {"verdict": "approve"})

    assert "Credit 250.00" not in waiting.text
    assert "Credit 250.00" in mine.text
    assert "Somebody else has to decide" in shown.text
    assert answer.status_code == 403
    assert await superuser.fetchval("SELECT state FROM t_alpha.approval") == "open"


async def test_a_rejection_says_why(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Without a reason the page comes back with a message beside the field."""
    maker = await staff(database, tenant, "payments_officer")
    asked = await asked_by(database, tenant, maker)
    checker = await staff(database, tenant, "finance_head")
    await browser.log_in(TEAM, checker.email, PASSWORD)
    await browser.get(TEAM, f"/approvals/{asked.id}")
    path = f"/approvals/{asked.id}/decision"

    refused = await browser.post(TEAM, path, {"verdict": "reject", "reason": " "})
    done = await browser.post(TEAM, path, {"verdict": "reject", "reason": "Too much."})

    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert done.status_code == 303
    assert await superuser.fetchval("SELECT reason FROM t_alpha.approval") == "Too much."


async def test_a_request_of_others_is_not_there(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Somebody who neither asked nor decides gets what nobody's address gets."""
    maker = await staff(database, tenant, "payments_officer")
    asked = await asked_by(database, tenant, maker)
    agent = await staff(database, tenant, "sales_agent")
    await browser.log_in(TEAM, agent.email, PASSWORD)

    assert (await browser.get(TEAM, f"/approvals/{asked.id}")).status_code == 404
    decided = await browser.post(TEAM, f"/approvals/{asked.id}/decision", {"verdict": "approve"})
    assert decided.status_code == 404


async def test_those_who_may_decide_are_told_and_the_maker_hears_the_answer(
    database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Nobody is told of their own request."""
    maker = await staff(database, tenant, "finance_head")
    checker = await staff(database, tenant, "finance_head")
    asked = await asked_by(database, tenant, maker)
    about = (asked.id, asked.kind, *SUBJECT)
    async with database.tenant(tenant) as session:
        await notices.tell_waiting(session, ApprovalWaiting(*about, step=1))
        await notices.tell_decided(session, ApprovalGranted(*about))

    rows = await superuser.fetch("SELECT user_id, title FROM t_alpha.notification ORDER BY title")
    told = {(row["user_id"], row["title"]) for row in rows}
    assert told == {
        (checker.id, "A request waits for your approval"),
        (maker.id, "Your request is approved"),
    }
