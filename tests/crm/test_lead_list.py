"""The list of leads as sales use it: typed filters, columns, saved views and files."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from uuid import UUID

import asyncpg
import pytest

from identity.models import RolePermission, UserAccount
from kernel.actor import TenantRef
from kernel.database import Database, TenantSession
from tests.factories import leads as build
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")
LIST = "/crm/leads"


async def _enter(
    browser: Browser, database: Database, tenant: TenantRef, role: str, place: str = TEAM
) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(place, user.email, people.PASSWORD)
    await browser.get(place, LIST)
    return user


async def _lead(session: TenantSession, owner: UUID | None = None, **fields: str) -> UUID:
    lead = await build.lead(session, **fields)
    lead.owner_id = owner
    await session.flush()
    return lead.id


def _people(text: str) -> list[str]:
    return re.findall(r'href="/crm/leads/[0-9a-f-]{36}">[^<]*?(\w+)</a>', text)


def _link(text: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*rel="{rel}"', text)
    assert found
    return html.unescape(found.group(1))


def _table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


async def test_filters_narrow_by_the_kind_of_their_column(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Numbers and days include both ends; texts are contained; all of them hold together."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        for number in range(6):
            await _lead(session, last_name=f"Person{number}", campaign=f"Spring_{number}")
    await superuser.execute(
        "UPDATE t_alpha.lead SET score = right(last_name, 1)::int * 10,"
        " created_at = TIMESTAMPTZ '2026-03-01 00:00Z'"
        " + right(last_name, 1)::int * INTERVAL '1 day'"
    )

    async def found(query: str) -> list[str]:
        return sorted(_people((await browser.get(TEAM, f"{LIST}?{query}")).text))

    assert await found("score_min=20&score_max=30") == ["Person2", "Person3"]
    assert await found("created_from=2026-03-05") == ["Person4", "Person5"]
    assert await found("created_to=2026-03-02") == ["Person0", "Person1"]
    assert await found("campaign=G_4") == ["Person4"]
    assert await found("score_min=20&created_to=2026-03-04&campaign=spring") == [
        "Person2",
        "Person3",
    ]


async def test_a_wrong_value_is_told_and_the_rest_of_the_address_holds(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The page answers, says what to do beside the field, and still searches."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        await _lead(session, last_name="Wanted")
        await _lead(session, last_name="Other")

    answer = await browser.get(TEAM, f"{LIST}?q=Wanted&score_min=many&created_from=31.12.2026")

    assert answer.status_code == 200
    assert _people(answer.text) == ["Wanted"]
    assert "Score: write a whole number" in answer.text
    assert "Created: write a day" in answer.text
    assert 'value="many"' in answer.text
    assert 'value="31.12.2026"' in answer.text


@pytest.mark.parametrize("sort", ["-score", "stage", "-source", "country", "name", "-updated"])
async def test_pages_by_key_hold_still_under_equal_values_and_arrivals(
    browser: Browser, database: Database, tenant: TenantRef, sort: str
) -> None:
    """Every lead is on one page, in one place, though new ones come in between."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        for number in range(55):
            await _lead(session, first_name="Same", last_name=f"Person{number:02d}")
    first = await browser.get(TEAM, f"{LIST}?sort={sort}")
    async with database.tenant(tenant) as session:
        for _ in range(3):
            await _lead(session, first_name="Same", last_name="Late")

    second = await browser.get(TEAM, _link(first.text, "next"))
    seen = [name for name in _people(first.text) + _people(second.text) if name != "Late"]

    assert sorted(seen) == [f"Person{number:02d}" for number in range(55)]
    back = await browser.get(TEAM, _link(second.text, "prev"))
    assert set(_people(first.text)) <= {*_people(back.text), *seen}


async def test_columns_are_chosen_in_the_address(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The form's boxes become one value; an added column has its cells, a hidden one its class."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        await _lead(session, email="shown@mail.example", campaign="Spring")

    sent = await browser.get(TEAM, f"{LIST}?q=mail&col=score&col=email&col=campaign")
    shown = await browser.get(TEAM, sent.headers["location"])

    assert sent.headers["location"] == "/crm/leads?q=mail&cols=name%2Cscore%2Ccampaign%2Cemail"
    assert 'class="tb  chosen x3 x4 x5 x6 x7 x8"' in shown.text
    assert '<td class="ink2">Spring</td><td class="ink2">shown@mail.example</td>' in shown.text


async def test_contacts_are_no_column_where_they_are_masked(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Marketing cannot list or choose addresses."""
    await _enter(browser, database, tenant, "marketing")
    async with database.tenant(tenant) as session:
        await _lead(session, email="secret@mail.example")

    answer = await browser.get(TEAM, f"{LIST}?cols=name,email,phone")

    assert "secret@mail" not in answer.text
    assert "Some of these columns do not exist here" in answer.text
    assert 'value="email"' not in answer.text


async def test_a_view_is_private_until_it_is_shared(
    browser: Browser, database: Database, tenant: TenantRef, web: object
) -> None:
    """Its owner sees it at once, a colleague when it is shared, and only the owner deletes it."""
    await _enter(browser, database, tenant, "sales_head")
    colleague = Browser(web)  # type: ignore[arg-type]
    await _enter(colleague, database, tenant, "sales_agent")

    async def save(shared: str) -> None:
        form = {"query": "score_min=3&country=AE", "name": "Gulf", "shared": shared}
        answer = await browser.post(TEAM, f"{LIST}/views", form)
        assert answer.headers["location"] == "/crm/leads?score_min=3&country=AE"

    await save("")
    own = (await browser.get(TEAM, f"{LIST}?panel=view")).text
    hidden = (await colleague.get(TEAM, f"{LIST}?panel=view")).text
    await save("yes")
    offered = (await colleague.get(TEAM, f"{LIST}?panel=view")).text
    view = re.search(r"/crm/leads/views/([0-9a-f-]{36})/delete", own)
    assert view
    refused = await colleague.post(TEAM, f"{LIST}/views/{view.group(1)}/delete")
    deleted = await browser.post(TEAM, f"{LIST}/views/{view.group(1)}/delete")
    gone = (await colleague.get(TEAM, f"{LIST}?panel=view")).text
    await colleague.close()

    assert 'href="/crm/leads?score_min=3&amp;country=AE"' in own
    assert "Gulf" not in hidden
    assert "Gulf</a>" in offered
    assert f"views/{view.group(1)}/delete" not in offered
    assert refused.status_code == 404
    assert deleted.status_code == 303
    assert "Gulf" not in gone


async def test_a_shared_view_stays_within_its_brokerage(
    browser: Browser, database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Beta's staff are not offered alpha's view, and its id leads nowhere there."""
    await _enter(browser, database, tenant, "sales_head")
    await browser.post(TEAM, f"{LIST}/views", {"query": "", "name": "Ours", "shared": "yes"})
    here = (await browser.get(TEAM, f"{LIST}?panel=view")).text
    view = re.search(r"/crm/leads/views/([0-9a-f-]{36})/delete", here)
    assert view
    place = host("team", other_tenant.slug)
    await _enter(browser, database, other_tenant, "sales_head", place)

    there = await browser.get(place, f"{LIST}?panel=view")
    refused = await browser.post(place, f"{LIST}/views/{view.group(1)}/delete")

    assert "Ours" not in there.text
    assert refused.status_code == 404


async def test_a_view_without_a_name_is_told_and_nothing_is_lost(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The list comes back as it was, with the form open and its boxes as they were."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        await _lead(session, last_name="Wanted")
        await _lead(session, last_name="Other")

    answer = await browser.post(
        TEAM, f"{LIST}/views", {"query": "q=Wanted", "name": "x" * 41, "shared": "yes"}
    )

    assert answer.status_code == 422
    assert _people(answer.text) == ["Wanted"]
    assert "Give the view a name" in answer.text
    assert "x" * 41 in answer.text
    assert 'name="shared" value="yes" checked' in answer.text


async def test_an_export_holds_the_list_as_shown_and_stays_in_the_trail(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Filters, order and columns are the list's; the trail has the reason, not the words."""
    user = await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        for number in range(60):
            await _lead(session, last_name=f"Person{number:02d}", email=f"p{number}@mail.example")
        await _lead(session, first_name="=1+1", last_name="Evil", email="evil@mail.example")
    query = "q=person&sort=name&cols=name,email"
    form = {"query": query, "format": "csv", "reason": "For the call centre"}

    answer = await browser.post(TEAM, f"{LIST}/export", form)
    book = await browser.post(TEAM, f"{LIST}/export", {**form, "format": "xlsx"})
    hostile = await browser.post(TEAM, f"{LIST}/export", {**form, "query": "q=evil"})
    rows = _table(answer.content)
    entry = await superuser.fetchrow(
        "SELECT * FROM t_alpha.audit_entry WHERE action = 'crm.lead.export' ORDER BY id LIMIT 1"
    )

    assert answer.headers["content-disposition"] == 'attachment; filename="leads.csv"'
    assert rows[0] == ["Reference", "Lead", "E-mail"]
    assert len(rows) == 61
    names = [row[1] for row in rows[1:]]
    assert names == sorted(names)
    assert zipfile.ZipFile(io.BytesIO(book.content)).testzip() is None
    assert _table(hostile.content)[1][1] == "'=1+1 Evil"
    assert entry
    assert (entry["reason"], entry["actor_id"]) == ("For the call centre", user.id)
    kept = json.loads(entry["after"])
    assert (kept["rows"], kept["format"], kept["filters"]) == (60, "csv", ["search"])
    assert "person" not in entry["after"]


async def test_an_export_without_a_reason_is_refused_with_nothing_lost(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The list stays as it was, the form is open and keeps the chosen format."""
    await _enter(browser, database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        await _lead(session, last_name="Wanted")
        await _lead(session, last_name="Other")

    answer = await browser.post(
        TEAM, f"{LIST}/export", {"query": "q=Wanted", "format": "xlsx", "reason": "x"}
    )

    assert answer.status_code == 422
    assert "Say in 5 to 400 characters" in answer.text
    assert 'value="xlsx" checked' in answer.text
    assert _people(answer.text) == ["Wanted"]
    assert not await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.audit_entry WHERE action = 'crm.lead.export'"
    )


async def test_an_export_is_a_permission_of_its_own_and_respects_the_scope(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """An agent may not; one who is allowed to still gets no colleague's lead."""
    agent = await _enter(browser, database, tenant, "sales_agent")
    async with database.tenant(tenant) as session:
        await _lead(session, agent.id, last_name="Mine")
        await _lead(session, last_name="Theirs")
    form = {"query": "", "format": "csv", "reason": "For the auditor"}

    listed = await browser.get(TEAM, f"{LIST}?panel=export")
    refused = await browser.post(TEAM, f"{LIST}/export", form)
    async with database.tenant(tenant) as session:
        session.add(RolePermission(role="sales_agent", permission="crm.lead.export", scope="all"))
    allowed = await browser.post(TEAM, f"{LIST}/export", form)

    assert f"{LIST}/export" not in listed.text
    assert "panel=export" not in listed.text
    assert refused.status_code == 403
    assert [row[1].split()[-1] for row in _table(allowed.content)[1:]] == ["Mine"]


async def test_a_list_longer_than_a_file_may_be_is_not_cut_in_silence(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """50,001 leads: the answer says how to narrow, and the reason is still there."""
    await _enter(browser, database, tenant, "sales_head")
    await superuser.execute(
        "INSERT INTO t_alpha.lead (reference, first_name, last_name, email, phone, phone_digits,"
        " country, language, source, utm) SELECT 'X' || n, 'A', 'B', n || '@x.example', '+' || n,"
        " n::text, 'DE', 'en', 'form', '{}' FROM generate_series(1, 50001) n"
    )
    form = {"query": "", "format": "csv", "reason": "Everything there is"}

    answer = await browser.post(TEAM, f"{LIST}/export", form)
    await superuser.execute("DELETE FROM t_alpha.lead WHERE reference = 'X1'")
    whole = await browser.post(TEAM, f"{LIST}/export", form)

    assert answer.status_code == 422
    assert "A file holds at most 50,000 rows" in answer.text
    assert "Everything there is" in answer.text
    assert whole.status_code == 200
    assert whole.content.count(b"\r\n") == 50_001
