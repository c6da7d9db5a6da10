"""Tasks of staff: who sees, gives and finishes them, and what their subjects tell."""

from __future__ import annotations

import re
from datetime import timedelta

from identity import queries
from identity.models import StaffTask, UserAccount
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.database import Database
from tests.factories import people
from tests.factories.leads import lead
from tests.fixtures.web import Browser, host

TEAM = host("team")
DUE = (now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")


async def _enter(browser: Browser, database: Database, tenant: TenantRef, role: str) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, "/tasks")
    return user


async def _task(
    database: Database, tenant: TenantRef, of: UserAccount, title: str, *, days: float = 1
) -> StaffTask:
    async with database.tenant(tenant) as session:
        task = StaffTask(
            title=title,
            due_at=now() + timedelta(days=days),
            assignee_id=of.id,
            created_by=of.id,
        )
        session.add(task)
        await session.flush()
    return task


def _shown(text: str) -> list[str]:
    return re.findall(r'<span class="grow col-"><span class="m[^"]*">([^<]+)</span>', text)


async def test_open_tasks_come_overdue_first_and_the_counter_is_red_when_one_is_late(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Beside the link: how many; red only for the late."""
    me = await _enter(browser, database, tenant, "support")
    await _task(database, tenant, me, "Later", days=3)
    await _task(database, tenant, me, "Soon", days=1)
    calm = (await browser.get(TEAM, "/tasks")).text
    await _task(database, tenant, me, "Overdue", days=-1)
    late = (await browser.get(TEAM, "/tasks")).text

    assert _shown(calm) == ["Soon", "Later"]
    assert _shown(late) == ["Overdue", "Soon", "Later"]
    link = re.compile(r'<a href="/tasks"[^>]*>.*?<span class="cnt num( hot)?">(\d+)</span></a>')
    assert [found.groups() for found in link.finditer(calm)] == [(None, "2")]
    assert [found.groups() for found in link.finditer(late)] == [(" hot", "3")]
    assert _shown((await browser.get(TEAM, "/tasks?state=late")).text) == ["Overdue"]


async def test_a_task_is_done_taken_back_and_in_the_trail(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Done twice is done once; each change has an entry."""
    me = await _enter(browser, database, tenant, "support")
    task = await _task(database, tenant, me, "Call back")
    for verb in ("done", "done", "open", "done"):
        answer = await browser.post(TEAM, f"/tasks/{task.id}/{verb}", {"next": "/tasks"})
        assert answer.headers["location"] == "/tasks"

    assert _shown((await browser.get(TEAM, "/tasks?state=done")).text) == ["Call back"]
    async with database.tenant_read(tenant) as session:
        rows = await queries.audit_page(session, subject_kind="task")
    assert [row.action for row in rows] == [
        "identity.task.finish",
        "identity.task.reopen",
        "identity.task.finish",
    ]


async def test_a_desk_sees_its_own_people_and_no_other_desk(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Sales must not read that compliance looks into a client, nor an agent what others do."""
    async with database.tenant(tenant) as session:
        officer = await people.staff(session, "kyc_officer")
        agent = await people.staff(session, "sales_agent")
    secret = await _task(database, tenant, officer, "Ask about the source of funds")
    call = await _task(database, tenant, agent, "Call Mara")

    await _enter(browser, database, tenant, "sales_head")
    assert _shown((await browser.get(TEAM, "/tasks?of=team")).text) == ["Call Mara"]
    assert (await browser.post(TEAM, f"/tasks/{secret.id}/done")).status_code == 404
    assert (await browser.post(TEAM, f"/tasks/{call.id}/done")).status_code == 303
    await browser.post(TEAM, f"/tasks/{call.id}/open")
    await browser.post(TEAM, "/logout")

    await _enter(browser, database, tenant, "sales_agent")
    assert _shown((await browser.get(TEAM, "/tasks?of=team")).text) == []
    assert (await browser.post(TEAM, f"/tasks/{call.id}/done")).status_code == 404
    await browser.post(TEAM, "/logout")

    await _enter(browser, database, tenant, "compliance_head")
    shown = _shown((await browser.get(TEAM, "/tasks?of=team")).text)
    assert shown == ["Ask about the source of funds", "Call Mara"]


async def test_tasks_are_given_within_the_scope_only(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """An agent gives tasks to nobody else; a head gives them to the desk, not to compliance."""
    async with database.tenant(tenant) as session:
        officer = await people.staff(session, "kyc_officer")
        colleague = await people.staff(session, "retention_agent")
    await _enter(browser, database, tenant, "sales_agent")
    form = {"title": "Do it", "due": DUE, "assignee_id": str(colleague.id)}
    refused = await browser.post(TEAM, "/tasks", form)
    assert refused.status_code == 422
    assert 'value="Do it"' in refused.text
    await browser.post(TEAM, "/logout")

    await _enter(browser, database, tenant, "sales_head")
    assert (await browser.post(TEAM, "/tasks", form)).status_code == 303
    form["assignee_id"] = str(officer.id)
    assert (await browser.post(TEAM, "/tasks", form)).status_code == 422


async def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """No title, no day, a day in ten years."""
    me = await _enter(browser, database, tenant, "support")
    empty = await browser.post(TEAM, "/tasks", {"title": " ", "due": "", "assignee_id": str(me.id)})
    far = await browser.post(
        TEAM, "/tasks", {"title": "Call", "due": "2036-01-01T10:00", "assignee_id": str(me.id)}
    )
    assert empty.status_code == far.status_code == 422
    assert "Say what is to be done" in empty.text
    assert "Say by when" in empty.text
    assert "within a year" in far.text
    assert 'value="Call"' in far.text


async def test_a_task_about_a_record_is_written_from_its_page_and_names_it(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The record's page leads to the form; the list links back to the record."""
    me = await _enter(browser, database, tenant, "sales_agent")
    async with database.tenant(tenant) as session:
        mine = await lead(session, first_name="Nadia", last_name="Zorander")
        mine.owner_id = me.id
    page = await browser.get(TEAM, f"/crm/leads/{mine.id}")
    assert f'href="/tasks?about=lead:{mine.id}"' in page.text
    assert "Nadia Zorander" in (await browser.get(TEAM, f"/tasks?about=lead:{mine.id}")).text

    answer = await browser.post(
        TEAM,
        "/tasks",
        {"title": "Call", "due": DUE, "assignee_id": str(me.id), "about": f"lead:{mine.id}"},
    )

    assert answer.headers["location"] == f"/crm/leads/{mine.id}"
    shown = (await browser.get(TEAM, "/tasks")).text
    assert f'<a href="/crm/leads/{mine.id}">Nadia Zorander</a>' in shown


async def test_a_subject_out_of_reach_is_neither_written_about_nor_named(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """When the lead goes to somebody else, the task stays and its subject loses its name."""
    me = await _enter(browser, database, tenant, "sales_agent")
    async with database.tenant(tenant) as session:
        colleague = await people.staff(session, "sales_agent")
        theirs = await lead(session, first_name="Nadia", last_name="Zorander")
        theirs.owner_id = colleague.id
        session.add(
            StaffTask(
                title="Call",
                due_at=now() + timedelta(days=1),
                assignee_id=me.id,
                created_by=colleague.id,
                subject_kind="lead",
                subject_id=theirs.id,
            )
        )
    answer = await browser.post(
        TEAM,
        "/tasks",
        {"title": "Spy", "due": DUE, "assignee_id": str(me.id), "about": f"lead:{theirs.id}"},
    )
    shown = (await browser.get(TEAM, "/tasks")).text

    assert answer.status_code == 404
    assert _shown(shown) == ["Call"]
    assert "Zorander" not in shown
    assert str(theirs.id) not in shown
    assert "that you may not see" in shown
    assert "Zorander" not in (await browser.get(TEAM, f"/tasks?about=lead:{theirs.id}")).text


async def test_another_brokerages_task_does_not_exist(
    browser: Browser, database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Neither in the list nor by its id."""
    async with database.tenant(other_tenant) as session:
        stranger = await people.staff(session, "support")
    foreign = await _task(database, other_tenant, stranger, "Elsewhere")
    await _enter(browser, database, tenant, "compliance_head")

    assert _shown((await browser.get(TEAM, "/tasks?of=team")).text) == []
    assert (await browser.post(TEAM, f"/tasks/{foreign.id}/done")).status_code == 404


async def test_an_auditor_reads_tasks_and_changes_none(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Read only: no form, no tick, no answer but no."""
    async with database.tenant(tenant) as session:
        officer = await people.staff(session, "kyc_officer")
    task = await _task(database, tenant, officer, "Look")
    await _enter(browser, database, tenant, "auditor")

    shown = (await browser.get(TEAM, "/tasks?of=team")).text

    assert _shown(shown) == ["Look"]
    assert "New task" not in shown
    assert (await browser.post(TEAM, f"/tasks/{task.id}/done")).status_code == 403


async def test_a_long_list_goes_on_by_key(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Fifty a page, every task once."""
    me = await _enter(browser, database, tenant, "support")
    async with database.tenant(tenant) as session:
        due = now() + timedelta(days=1)
        session.add_all(
            StaffTask(title=f"Task {n}", due_at=due, assignee_id=me.id, created_by=me.id)
            for n in range(53)
        )
    first = (await browser.get(TEAM, "/tasks")).text
    found = re.search(r'href="([^"]+)" rel="next"', first)
    assert found
    second = (await browser.get(TEAM, found[1].replace("&amp;", "&"))).text

    shown = _shown(first) + _shown(second)
    assert len(_shown(first)) == 50
    assert sorted(shown) == sorted(f"Task {n}" for n in range(53))
