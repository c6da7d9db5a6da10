"""The CRM's pages as a browser sees them: scope, masking, forms and the way to a client."""

from __future__ import annotations

import html
import re
from uuid import UUID

import asyncpg
import pytest

from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.database import Database
from tests.factories import leads as build
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")


async def _staff(database: Database, tenant: TenantRef, role: str) -> UserAccount:
    async with database.tenant(tenant) as session:
        return await people.staff(session, role, password=people.PASSWORD)


async def _lead(
    database: Database, tenant: TenantRef, owner: UserAccount | None = None, **fields: str
) -> UUID:
    async with database.tenant(tenant) as session:
        lead = await build.lead(session, **fields)
        lead.owner_id = owner.id if owner else None
        return lead.id


async def test_a_sales_agent_sees_own_leads_only(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Another agent's lead is neither listed nor opened nor changed: it is not there."""
    agent = await _staff(database, tenant, "sales_agent")
    colleague = await _staff(database, tenant, "sales_agent")
    own = await _lead(database, tenant, agent, last_name="Mine")
    other = await _lead(database, tenant, colleague, last_name="Theirs")
    await browser.log_in(TEAM, agent.email, people.PASSWORD)

    listed = await browser.get(TEAM, "/crm/leads")
    opened = await browser.get(TEAM, f"/crm/leads/{own}")
    refused = [
        await browser.get(TEAM, f"/crm/leads/{other}"),
        await browser.post(TEAM, f"/crm/leads/{other}/notes", {"kind": "note", "text": "x"}),
        await browser.post(TEAM, f"/crm/leads/{other}/stage", {"stage": "qualified"}),
        await browser.post(TEAM, f"/crm/leads/{other}/convert"),
    ]

    assert "Mine" in listed.text
    assert "Theirs" not in listed.text
    assert opened.status_code == 200
    assert [answer.status_code for answer in refused] == [404] * 4


async def test_the_leads_of_another_brokerage_are_not_there(
    browser: Browser, database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """The id of beta's lead leads nowhere on alpha's host."""
    head = await _staff(database, tenant, "sales_head")
    foreign = await _lead(database, other_tenant)
    await browser.log_in(TEAM, head.email, people.PASSWORD)

    answer = await browser.get(TEAM, f"/crm/leads/{foreign}")

    assert answer.status_code == 404


async def test_marketing_reads_masked_contacts_and_cannot_search_them(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Neither the page nor a search tells an address to whoever sees it masked."""
    reader = await _staff(database, tenant, "marketing")
    lead = await _lead(database, tenant, email="secret.person@mail.example", last_name="Khan")
    await browser.log_in(TEAM, reader.email, people.PASSWORD)

    opened = await browser.get(TEAM, f"/crm/leads/{lead}")
    searched = await browser.get(TEAM, "/crm/leads?q=secret.person")
    changed = await browser.post(TEAM, f"/crm/leads/{lead}/notes", {"kind": "note", "text": "x"})

    assert "secret.person" not in opened.text
    assert "s•••@mail.example" in opened.text
    assert "Khan" not in searched.text
    assert changed.status_code == 403


async def test_a_name_with_a_script_in_it_is_shown_as_text(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The hostile name is inert in the list and on the page."""
    head = await _staff(database, tenant, "sales_head")
    lead = await _lead(database, tenant, first_name="<script>alert(1)</script>")
    await browser.log_in(TEAM, head.email, people.PASSWORD)

    pages = [await browser.get(TEAM, path) for path in ("/crm/leads", f"/crm/leads/{lead}")]

    assert all("<script>alert(1)" not in page.text for page in pages)
    assert all("&lt;script&gt;alert(1)" in page.text for page in pages)


async def test_the_list_searches_filters_sorts_and_pages(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Fifty a page; every lead is on exactly one page, forwards and back."""
    head = await _staff(database, tenant, "sales_head")
    async with database.tenant(tenant) as session:
        for number in range(60):
            await build.lead(
                session,
                last_name=f"Person{number:02d}",
                country="DE" if number < 5 else "AE",
                email=f"p{number}@mail.example",
            )
    await browser.log_in(TEAM, head.email, people.PASSWORD)

    for sort in ("-created", "created", "name", "-score"):
        first = await browser.get(TEAM, f"/crm/leads?sort={sort}")
        following = _link(first.text, "next")
        second = await browser.get(TEAM, following)
        back = await browser.get(TEAM, _link(second.text, "prev"))
        seen = _people(first.text) + _people(second.text)
        assert (len(seen), len(set(seen))) == (60, 60)
        assert _people(back.text) == _people(first.text)
        assert "1–50 of 60" in _plain(first.text)
        assert "51–60 of 60" in _plain(second.text)
    german = await browser.get(TEAM, "/crm/leads?country=DE")
    found = await browser.get(TEAM, "/crm/leads?q=person59")
    by_mail = await browser.get(TEAM, "/crm/leads?q=p58@mail")
    nothing = await browser.get(TEAM, "/crm/leads?q=%25")

    assert len(_people(german.text)) == 5
    assert _people(found.text) == ["Person59"]
    assert _people(by_mail.text) == ["Person58"]
    assert _people(nothing.text) == []


@pytest.mark.parametrize(
    "query", ["after=zzz", "after=WzEsMl0", "before=AAAA", "owner=x", "sort=id", "q=%00", "stage=x"]
)
async def test_a_broken_address_shows_the_first_page(
    browser: Browser, database: Database, tenant: TenantRef, query: str
) -> None:
    """Whatever somebody makes of the address, the list answers."""
    head = await _staff(database, tenant, "sales_head")
    await _lead(database, tenant, last_name="Haddad")
    await browser.log_in(TEAM, head.email, people.PASSWORD)

    answer = await browser.get(TEAM, f"/crm/leads?{query}")

    assert answer.status_code == 200
    assert "Haddad" in answer.text


async def test_an_empty_note_is_refused_beside_its_field(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The page comes back with what is missing."""
    head = await _staff(database, tenant, "sales_head")
    lead = await _lead(database, tenant)
    await browser.log_in(TEAM, head.email, people.PASSWORD)
    await browser.get(TEAM, f"/crm/leads/{lead}")

    answer = await browser.post(TEAM, f"/crm/leads/{lead}/notes", {"kind": "call", "text": " "})

    assert answer.status_code == 422
    assert "Write what happened." in answer.text


async def test_a_lead_becomes_a_client_from_its_page(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """The answer leads to the client's page, which tells the lead's story."""
    head = await _staff(database, tenant, "sales_head")
    lead = await _lead(database, tenant, last_name="Khan")
    await browser.log_in(TEAM, head.email, people.PASSWORD)
    await browser.get(TEAM, f"/crm/leads/{lead}")
    await browser.post(TEAM, f"/crm/leads/{lead}/notes", {"kind": "call", "text": "Wants gold"})

    answer = await browser.post(TEAM, f"/crm/leads/{lead}/convert")
    shown = await browser.get(TEAM, answer.headers["location"])
    listed = await browser.get(TEAM, "/crm/clients")

    assert answer.status_code == 303
    assert "Wants gold" in shown.text
    assert "Opening accounts" in shown.text
    assert "Khan" in listed.text
    actions = await superuser.fetch("SELECT action FROM t_alpha.audit_entry")
    assert "crm.lead.convert" in {row["action"] for row in actions}


async def test_a_masked_client_is_revealed_with_a_reason_that_is_kept(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """A sales agent sees own clients masked; the reveal is in the audit trail."""
    agent = await _staff(database, tenant, "sales_agent")
    async with database.tenant(tenant) as session:
        client = await people.client(session, email="own.client@mail.example")
        client.owner_id = agent.id
    await browser.log_in(TEAM, agent.email, people.PASSWORD)
    path = f"/crm/clients/{client.id}"

    masked = await browser.get(TEAM, path)
    without = await browser.post(TEAM, f"{path}/reveal", {"reason": ""})
    shown = await browser.post(TEAM, f"{path}/reveal", {"reason": "Calls back"})

    assert "own.client@" not in masked.text
    assert without.status_code == 422
    assert "own.client@" not in without.text
    assert "own.client@mail.example" in shown.text
    kept = await superuser.fetchval(
        "SELECT reason FROM t_alpha.audit_entry WHERE action = 'crm.client.reveal'"
    )
    assert kept == "Calls back"


async def test_a_rule_is_added_and_paused_from_the_page(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """A wrong country is said beside its field; a paused rule takes no lead."""
    head = await _staff(database, tenant, "sales_head")
    await browser.log_in(TEAM, head.email, people.PASSWORD)
    await browser.get(TEAM, "/crm/rules")
    rule = {"name": "Gulf desk", "countries": "AE, SA", "pool": str(head.id)}

    wrong = await browser.post(TEAM, "/crm/rules", {**rule, "countries": "XX"})
    added = await browser.post(TEAM, "/crm/rules", rule)
    shown = await browser.get(TEAM, "/crm/rules")

    assert wrong.status_code == 422
    assert "Not a country: XX" in wrong.text
    assert 'value="Gulf desk"' in wrong.text
    assert added.status_code == 303
    assert "from United Arab Emirates, Saudi Arabia" in shown.text


def _people(text: str) -> list[str]:
    return re.findall(r'<a class="m plain-" href="/crm/leads/[^"]+">\S+ (\S+)</a>', text)


def _plain(text: str) -> str:
    return re.sub(r"<[^>]+>", "", text)


def _link(text: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*rel="{rel}"', text)
    assert found, f"no {rel} link"
    return html.unescape(found.group(1))
