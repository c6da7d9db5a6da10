"""Changes to many rows: what the dry run says is what happens, once, and can be set back."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from crm import bulk_actions, leads
from crm.models import Lead
from identity.events import BulkStarted
from identity.listings import bulk, queries
from identity.models import RolePermission, UserAccount
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from kernel.settings import Settings
from kernel.viewer import Viewer
from tests.factories import leads as build
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")
LIST = "/crm/leads"
ACTIONS = {("leads", "assign"): bulk_actions.ASSIGN_LEADS}


async def _enter(
    browser: Browser, database: Database, tenant: TenantRef, role: str, place: str = TEAM
) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(place, user.email, people.PASSWORD)
    await browser.get(place, LIST)
    return user


async def _leads(session: TenantSession, count: int) -> list[UUID]:
    """Write leads that nobody owns."""
    made = [await build.lead(session, last_name=f"Person{number:03d}") for number in range(count)]
    for lead in made:
        lead.owner_id = None
    await session.flush()
    return [lead.id for lead in made]


async def _many(superuser: asyncpg.Connection[Any], count: int) -> list[UUID]:
    """Write many leads that nobody owns, past the verbs."""
    rows = await superuser.fetch(
        "INSERT INTO t_alpha.lead (reference, first_name, last_name, email, phone, phone_digits,"
        " country, language, source, utm, stage, assigned_reason, score)"
        " SELECT 'LD-M' || n, 'Many', 'Person' || n, n || '@many.example', '+4915' || n,"
        " '4915' || n, 'DE', 'en', 'form', '{}', 'new', '', 1"
        " FROM generate_series(100000, 99999 + $1::int) n RETURNING id",
        count,
    )
    return [row["id"] for row in rows]


def _words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def _owners(superuser: asyncpg.Connection[Any], ids: Sequence[UUID]) -> list[UUID | None]:
    rows = await superuser.fetch("SELECT id, owner_id FROM t_alpha.lead")
    found = {row["id"]: row["owner_id"] for row in rows}
    return [found[one] for one in ids]


async def _audited(superuser: asyncpg.Connection[Any], action: str) -> int:
    counting = "SELECT count(*) FROM t_alpha.audit_entry WHERE action = $1"
    return int(await superuser.fetchval(counting, action))


async def _viewer(database: Database, tenant: TenantRef, user: UserAccount) -> Viewer:
    async with database.tenant(tenant) as session:
        viewer = await queries.viewer(session, user.id)
    assert viewer is not None
    return viewer


async def _checked(
    database: Database, tenant: TenantRef, viewer: Viewer, ids: Sequence[UUID], owner: UUID
) -> UUID:
    """Choose leads and try dry to give them to somebody; return the change's id."""
    action = bulk_actions.ASSIGN_LEADS
    async with database.tenant(tenant, actor=viewer.actor) as session:
        run = await bulk.choose(session, viewer=viewer, list_name="leads", action=action, ids=ids)
        values = {"owner_id": str(owner)}
        await bulk.check(session, viewer=viewer, run_id=run.id, action=action, values=values)
    return run.id


async def _start(database: Database, tenant: TenantRef, viewer: Viewer, run_id: UUID) -> None:
    async with database.tenant(tenant, actor=viewer.actor) as session:
        await bulk.start(session, viewer=viewer, run_id=run_id, action=bulk_actions.ASSIGN_LEADS)


async def _outcomes(database: Database, tenant: TenantRef, run_id: UUID) -> dict[str, int]:
    async with database.tenant(tenant) as session:
        return await queries.bulk_outcomes(session, run_id)


async def _reasons(database: Database, tenant: TenantRef, run_id: UUID) -> list[tuple[str, int]]:
    async with database.tenant(tenant) as session:
        return await queries.bulk_reasons(session, run_id)


async def _choose(browser: Browser, ids: Sequence[UUID], action: str = "assign") -> str:
    """Choose rows on the page and return the address of the change."""
    form = {"action": action, "query": "", "id": [str(one) for one in ids]}
    answer = await browser.post(TEAM, f"{LIST}/bulk", form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_the_dry_run_tells_what_the_run_does_and_the_run_does_it(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection[Any]
) -> None:
    """Five chosen, three change, two stay for reasons; trail, timeline and file agree."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        ids = await _leads(session, 5)
        owned = await session.get_one(Lead, ids[3])
        owned.owner_id = agent.id
        converted = await session.get_one(Lead, ids[4])
        converted.client_id, converted.stage = ids[4], "converted"

    place = await _choose(browser, ids)
    refused = await browser.post(TEAM, f"{place}/check", {"owner_id": ""})
    await browser.post(TEAM, f"{place}/check", {"owner_id": str(agent.id)})
    dry = _words((await browser.get(TEAM, place)).text)
    untouched = await _owners(superuser, ids)
    await browser.post(TEAM, f"{place}/start")
    after = _words((await browser.get(TEAM, place)).text)
    again = await browser.post(TEAM, f"{place}/start")
    file = await browser.get(TEAM, f"{place}/skipped.csv")

    assert refused.status_code == 422
    assert "Choose somebody of the sales desk." in refused.text
    assert "5 chosen, 3 will change, 2 would be left as they are" in dry
    assert "1 Is so already" in dry
    assert "1 A client already" in dry
    assert untouched == [None, None, None, agent.id, None]
    assert "3 changed, 2 left as they are" in " ".join(after.split())
    assert again.status_code == 409
    assert await _owners(superuser, ids) == [*[agent.id] * 4, None]
    assert await _audited(superuser, "crm.lead.assign") == 3
    assert await _audited(superuser, "identity.bulk.run") == 1
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == [
        "Is so already",
        "A client already: go on on the client's page",
    ]


async def test_all_that_match_are_frozen_when_they_are_chosen(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection[Any]
) -> None:
    """The filter holds at that moment; who arrives later is not meant, who changed is skipped."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        other = await people.staff(session, "sales_agent")
        ids = await _leads(session, 3)
        out = await session.get_one(Lead, ids[2])
        out.country = "FR"
    query = f"country={(await superuser.fetchval('SELECT country FROM t_alpha.lead LIMIT 1'))}"
    form = {"action": "assign", "all": "yes", "query": query}
    place = (await browser.post(TEAM, f"{LIST}/bulk", form)).headers["location"]
    await browser.post(TEAM, f"{place}/check", {"owner_id": str(agent.id)})
    async with database.tenant(tenant) as session:
        late = (await build.lead(session, last_name="Late")).id
        await leads.assign(session, lead_id=ids[1], owner_id=other.id)
    await browser.post(TEAM, f"{place}/start")
    page = _words((await browser.get(TEAM, place)).text)

    found = await _owners(superuser, [*ids, late])
    assert found[:2] == [agent.id, other.id]
    assert found[2] is None
    assert found[3] != agent.id
    assert "1 Changed since the dry run" in page


async def test_two_at_once_on_the_same_rows_change_each_row_once(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection[Any]
) -> None:
    """Whoever is second leaves what the first has changed, and says so."""
    async with database.tenant(tenant) as session:
        head = await people.staff(session, "sales_head")
        agents = [await people.staff(session, "sales_agent") for _ in range(2)]
        ids = await _leads(session, 30)
    viewer = await _viewer(database, tenant, head)
    runs = [
        await _checked(database, tenant, viewer, ids, agents[0].id),
        await _checked(database, tenant, viewer, ids[::-1], agents[1].id),
    ]

    await asyncio.gather(*(_start(database, tenant, viewer, run) for run in runs))

    done = [(await _outcomes(database, tenant, run)).get("done", 0) for run in runs]
    assert sorted(done) == [0, 30]
    loser = runs[done.index(0)]
    assert await _reasons(database, tenant, loser) == [("Changed since the dry run", 30)]
    assert await _audited(superuser, "crm.lead.assign") == 30


@pytest.mark.parametrize(
    ("point", "done"),
    [("identity.bulk_before_commit:2", 100), ("identity.bulk_after_commit:2", 200)],
)
async def test_a_process_killed_in_the_middle_leaves_no_row_half_changed(  # noqa: PLR0917 - fixtures
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection[Any],
    settings: Settings,
    point: str,
    done: int,
) -> None:
    """Whole steps are there; the next process does the rest, each row once."""
    async with database.tenant(tenant) as session:
        head = await people.staff(session, "sales_head")
        agent = await people.staff(session, "sales_agent")
    ids = await _many(superuser, 250)
    viewer = await _viewer(database, tenant, head)
    run = await _checked(database, tenant, viewer, ids, agent.id)
    await _start(database, tenant, viewer, run)
    waiting = await _outcomes(database, tenant, run)
    told = {"database": settings.database_url, "run": str(run)}
    dying = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crm.dying_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "MARQUE_FAILPOINT": point},
    )
    await dying.communicate(json.dumps(told).encode())
    killed = await _outcomes(database, tenant, run)

    for _ in range(2):  # the second delivery of the same event does nothing more
        await bulk.work(database, tenant, BulkStarted(run), actions=ACTIONS)

    assert dying.returncode == 137
    assert waiting == {"will": 250}
    assert killed == {"will": 250 - done, "done": done}
    assert await _outcomes(database, tenant, run) == {"done": 250}
    assert await _owners(superuser, ids) == [agent.id] * 250
    assert await _audited(superuser, "crm.lead.assign") == 250
    assert await _audited(superuser, "identity.bulk.run") == 1


async def test_an_undo_sets_back_what_was_not_changed_since(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection[Any]
) -> None:
    """Its own dry run says so; it is done once, and not after a day."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        ids = await _leads(session, 3)
    place = await _choose(browser, ids, "stage")
    await browser.post(TEAM, f"{place}/check", {"stage": "lost", "reason": "No answer"})
    await browser.post(TEAM, f"{place}/start")
    async with database.tenant(tenant) as session:
        await leads.set_stage(session, lead_id=ids[0], stage="nurture")
    back = (await browser.post(TEAM, f"{place}/undo")).headers["location"]
    dry = _words((await browser.get(TEAM, back)).text)
    await browser.post(TEAM, f"{back}/start")
    stages = await superuser.fetch("SELECT stage FROM t_alpha.lead ORDER BY last_name")
    twice = await browser.post(TEAM, f"{place}/undo")

    late = await _choose(browser, ids)
    await browser.post(TEAM, f"{late}/check", {"owner_id": str(agent.id)})
    await browser.post(TEAM, f"{late}/start")
    await superuser.execute(
        "UPDATE t_alpha.bulk_run SET finished_at = finished_at - INTERVAL '25 hours'"
    )
    gone = await browser.post(TEAM, f"{late}/undo")

    assert "3 chosen, 2 will change, 1 would be left as it is" in dry
    assert "1 Changed since then" in dry
    assert [row["stage"] for row in stages] == ["nurture", "new", "new"]
    assert twice.status_code == 409
    assert gone.status_code == 409


async def test_owners_are_set_back_to_nobody_too(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection[Any]
) -> None:
    """Leads and clients of nobody are nobody's again."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        ids = await _leads(session, 1)
        client = await people.client(session)
    for path, one in ((LIST, ids[0]), ("/crm/clients", client.id)):
        form = {"action": "assign", "query": "", "id": str(one)}
        place = (await browser.post(TEAM, f"{path}/bulk", form)).headers["location"]
        await browser.post(TEAM, f"{place}/check", {"owner_id": str(agent.id)})
        await browser.post(TEAM, f"{place}/start")
        table = "client" if "clients" in path else "lead"
        owner = f"SELECT owner_id FROM t_alpha.{table} WHERE id = $1"
        assert await superuser.fetchval(owner, one) == agent.id
        back = (await browser.post(TEAM, f"{place}/undo")).headers["location"]
        await browser.post(TEAM, f"{back}/start")
        assert await superuser.fetchval(owner, one) is None


async def test_scope_and_permission_count_at_the_time_of_the_run(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection[Any]
) -> None:
    """An agent reaches own leads only; who lost the permission changes nothing any more."""
    agent = await _enter(browser, database, tenant, "sales_agent")
    async with database.tenant(tenant) as session:
        ids = await _leads(session, 2)
        own = await session.get_one(Lead, ids[0])
        own.owner_id = agent.id
        head = await people.staff(session, "sales_head")
    place = await _choose(browser, ids, "stage")
    await browser.post(TEAM, f"{place}/check", {"stage": "contacted"})
    dry = _words((await browser.get(TEAM, place)).text)
    refused = await browser.post(
        TEAM, f"{LIST}/bulk", {"action": "assign", "query": "", "id": str(ids[0])}
    )
    viewer = await _viewer(database, tenant, head)
    many = await _many(superuser, 60)
    run = await _checked(database, tenant, viewer, many, agent.id)
    await _start(database, tenant, viewer, run)
    async with database.tenant(tenant) as session:
        grant = await session.get_one(RolePermission, ("sales_head", "crm.owner.change"))
        await session.delete(grant)
    await bulk.work(database, tenant, BulkStarted(run), actions=ACTIONS)

    assert "2 chosen, 1 will change, 1 would be left as it is" in dry
    assert "1 Gone, or not yours to change" in dry
    assert refused.status_code == 404
    assert await _reasons(database, tenant, run) == [("Not allowed any more", 60)]
    assert await _owners(superuser, many) == [None] * 60


async def test_a_change_is_its_owners_and_its_brokerages(  # noqa: PLR0917 - fixtures
    browser: Browser,
    web: object,
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    superuser: asyncpg.Connection[Any],
) -> None:
    """A colleague, another list and another brokerage do not find it; foreign ids are gone."""
    await _enter(browser, database, tenant, "sales_head")
    colleague, stranger = Browser(web), Browser(web)  # type: ignore[arg-type]
    await _enter(colleague, database, tenant, "sales_head")
    beta = host("team", other_tenant.slug)
    await _enter(stranger, database, other_tenant, "sales_head", beta)
    async with database.tenant(tenant) as session:
        agent = await people.staff(session, "sales_agent")
        ids = await _leads(session, 1)
    async with database.tenant(other_tenant) as session:
        foreign = await _leads(session, 1)
    place = await _choose(browser, [*ids, *foreign])
    await browser.post(TEAM, f"{place}/check", {"owner_id": str(agent.id)})
    dry = _words((await browser.get(TEAM, place)).text)

    assert "2 chosen, 1 will change, 1 would be left as it is" in dry
    for who, where, path in (
        (colleague, TEAM, place),
        (stranger, beta, place),
        (browser, TEAM, place.replace("leads", "clients")),
    ):
        assert (await who.get(where, path)).status_code == 404
        assert (await who.post(where, f"{path}/start")).status_code == 404
        assert (await who.get(where, f"{path}/skipped.csv")).status_code == 404
    await colleague.close()
    await stranger.close()


async def test_nothing_chosen_is_told_on_the_list_as_it_was(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The filter is still there, and the bar is offered only to who may change."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        await _leads(session, 1)
    form = {"action": "assign", "query": "q=person"}
    answer = await browser.post(TEAM, f"{LIST}/bulk", form)
    wrong = await browser.post(TEAM, f"{LIST}/bulk", {**form, "id": "x"})
    await _enter(browser, database, tenant, "auditor")
    reader = await browser.get(TEAM, LIST)

    assert answer.status_code == 422
    assert "Choose at least one row." in answer.text
    assert 'value="person"' in answer.text
    assert wrong.status_code == 422
    assert 'form="bulk"' in answer.text
    assert 'form="bulk"' not in reader.text
