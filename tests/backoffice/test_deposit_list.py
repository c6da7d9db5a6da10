"""The list of deposits as finance uses it: typed filters, pages, saved views and files."""

from __future__ import annotations

import csv
import html
import io
import re
from uuid import UUID

import asyncpg
import pytest

from identity.models import RolePermission, UserAccount
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from tests.factories import people
from tests.fixtures.web import Browser, host
from tests.treasury.desk import Desk, add_client, open_desk

TEAM = host("team")
LIST = "/backoffice/deposits"


@pytest.fixture
async def desk(database: Database, tenant: TenantRef, vault: Vault) -> Desk:
    """Alpha's cash desk."""
    return await open_desk(database, tenant, vault)


async def _enter(browser: Browser, database: Database, tenant: TenantRef, role: str) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, LIST)
    return user


async def _deposits(desk: Desk, superuser: asyncpg.Connection, count: int) -> list[str]:
    """Start deposits of several clients of 10 to 14 each and return their references, by age."""
    made = []
    for number in range(count):
        if number % 3 == 0:
            # A client starts only a few at a time.
            async with desk.database.tenant(desk.tenant) as session:
                desk.client_id = await add_client(session, "Mara", f"Lind{number:02d}")
        made.append((await desk.start(f"{10 + number % 5}.00")).reference)
    return made


def _references(text: str) -> list[str]:
    return re.findall(r'href="/backoffice/deposits/[0-9a-f-]{36}"><[^>]*>([^<]+)<', text)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", text).split())


def _link(text: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*rel="{rel}"', text)
    assert found
    return html.unescape(found.group(1))


def _table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


async def test_filters_narrow_by_the_kind_of_their_column(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """Amounts and days include both ends; state and currency are chosen; a wrong one is told."""
    await _enter(browser, desk.database, desk.tenant, "finance_head")
    made = await _deposits(desk, superuser, 6)
    euro = await desk.start("20.00", "EUR")
    await superuser.execute(
        "UPDATE t_alpha.deposit SET created_at = '2026-03-01 23:59:59Z' WHERE reference = $1",
        made[0],
    )
    await superuser.execute(
        "UPDATE t_alpha.deposit SET state = 'failed' WHERE reference = $1", made[1]
    )

    async def found(query: str) -> list[str]:
        return _references((await browser.get(TEAM, f"{LIST}?{query}")).text)

    assert await found("amount_min=11&amount_max=12") == [made[2], made[1]]
    assert await found("created_to=2026-03-01") == [made[0]]
    assert await found("created_from=2026-03-02&state=failed") == [made[1]]
    assert await found("currency=EUR") == [euro.reference]
    assert await found(f"q={made[3].lower()}") == [made[3]]
    wrong = await browser.get(TEAM, f"{LIST}?amount_min=1.250,50&state=failed")
    assert _references(wrong.text) == [made[1]]
    assert "Amount: write an amount" in wrong.text
    assert 'value="1.250,50"' in wrong.text
    assert "1–1 of 1" in _plain(wrong.text)


@pytest.mark.parametrize("sort", ["-created", "created", "amount", "-client", "state", "provider"])
async def test_pages_by_key_hold_still_under_equal_values_and_arrivals(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection, sort: str
) -> None:
    """Every deposit is on one page, though a new one comes in between."""
    await _enter(browser, desk.database, desk.tenant, "finance_head")
    made = await _deposits(desk, superuser, 54)
    first = await browser.get(TEAM, f"{LIST}?sort={sort}")
    async with desk.database.tenant(desk.tenant) as session:
        desk.client_id = await add_client(session, "Zoe", "Late")
    late = await desk.start("13.00")

    second = await browser.get(TEAM, _link(first.text, "next"))
    back = await browser.get(TEAM, _link(second.text, "prev"))
    shown = _references(first.text) + _references(second.text)

    assert sorted(one for one in shown if one != late.reference) == sorted(made)
    assert len(_references(first.text)) == 50
    assert set(_references(back.text)) <= {*shown, late.reference}
    assert "1–50 of 54" in _plain(first.text)


async def test_counts_and_totals_are_those_of_the_viewers_scope(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """An agent's tabs do not tell how much colleagues' clients pay in."""
    agent = await _enter(browser, desk.database, desk.tenant, "sales_agent")
    made = await _deposits(desk, superuser, 6)
    await _own(superuser, agent.id, made[0])

    answer = await browser.get(TEAM, LIST)

    assert _references(answer.text) == [made[2], made[1], made[0]]
    assert "1–3 of 3" in _plain(answer.text)
    assert '<span class="cnt num">3</span>' in answer.text
    assert '<span class="cnt num">6</span>' not in answer.text


async def _own(superuser: asyncpg.Connection, owner: UUID, reference: str) -> None:
    """Give the client of a deposit to somebody."""
    await superuser.execute(
        "UPDATE t_alpha.client SET owner_id = $1 WHERE id ="
        " (SELECT client_id FROM t_alpha.deposit WHERE reference = $2)",
        owner,
        reference,
    )


async def test_an_export_holds_the_list_as_shown_and_stays_in_the_trail(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """Order, filter and columns are the list's; a hostile name is no formula."""
    await _enter(browser, desk.database, desk.tenant, "finance_head")
    made = await _deposits(desk, superuser, 6)
    await superuser.execute("UPDATE t_alpha.client SET first_name = '=HYPERLINK(1)'")
    form = {
        "query": "sort=reference&amount_min=11&cols=reference,client,amount,reason",
        "format": "csv",
        "reason": "Month end",
    }

    answer = await browser.post(TEAM, f"{LIST}/export", form)
    refused = await browser.post(TEAM, f"{LIST}/export", {**form, "reason": " "})
    rows = _table(answer.content)
    entries = await superuser.fetch(
        "SELECT reason FROM t_alpha.audit_entry WHERE action = 'treasury.deposit.export'"
    )

    heads = ["Deposit", "Client", "Client number", "Amount", "Amount currency", "Reason"]
    assert rows[0] == heads
    assert [row[0] for row in rows[1:]] == sorted(made[1:5])
    assert rows[1][1].startswith("'=HYPERLINK")
    assert {(row[3], row[4]) for row in rows[1:]} == {
        ("11.00", "USD"),
        ("12.00", "USD"),
        ("13.00", "USD"),
        ("14.00", "USD"),
    }
    assert refused.status_code == 422
    assert "Say in 5 to 400 characters" in refused.text
    assert [entry["reason"] for entry in entries] == ["Month end"]


async def test_an_export_is_a_permission_of_its_own_and_respects_the_scope(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """An agent may not; one who is allowed to still gets own clients' deposits only."""
    agent = await _enter(browser, desk.database, desk.tenant, "sales_agent")
    made = await _deposits(desk, superuser, 6)
    await _own(superuser, agent.id, made[0])
    form = {"query": "sort=created", "format": "csv", "reason": "Month end"}

    refused = await browser.post(TEAM, f"{LIST}/export", form)
    async with desk.database.tenant(desk.tenant) as session:
        session.add(
            RolePermission(role="sales_agent", permission="treasury.deposit.export", scope="all")
        )
    allowed = await browser.post(TEAM, f"{LIST}/export", form)

    assert refused.status_code == 403
    assert [row[0] for row in _table(allowed.content)[1:]] == made[:3]


async def test_a_view_of_deposits_is_kept_and_offered_on_that_list_alone(
    browser: Browser, desk: Desk
) -> None:
    """It does not appear among the leads' views, and cannot be deleted from there."""
    await _enter(browser, desk.database, desk.tenant, "admin")

    saved = await browser.post(
        TEAM, f"{LIST}/views", {"query": "state=held", "name": "Held ones", "shared": "yes"}
    )
    listed = await browser.get(TEAM, f"{LIST}?panel=view")
    leads = await browser.get(TEAM, "/crm/leads?panel=view")
    view = re.search(r"views/([0-9a-f-]{36})/delete", listed.text)
    assert view
    elsewhere = await browser.post(TEAM, f"/crm/leads/views/{view.group(1)}/delete")
    deleted = await browser.post(TEAM, f"{LIST}/views/{view.group(1)}/delete")

    assert saved.headers["location"] == f"{LIST}?state=held"
    assert f'href="{LIST}?state=held"' in listed.text
    assert "Held ones" not in leads.text
    assert elsewhere.status_code == 404
    assert deleted.status_code == 303


async def test_a_view_of_deposits_is_its_owners_until_it_is_shared(
    browser: Browser, desk: Desk, web: object
) -> None:
    """A colleague is offered the shared one and not the private one."""
    await _enter(browser, desk.database, desk.tenant, "finance_head")
    colleague = Browser(web)  # type: ignore[arg-type]
    await _enter(colleague, desk.database, desk.tenant, "owner")
    for name, shared in (("Mine alone", ""), ("For all", "yes")):
        form = {"query": "state=held", "name": name, "shared": shared}
        await browser.post(TEAM, f"{LIST}/views", form)

    own = (await browser.get(TEAM, f"{LIST}?panel=view")).text
    offered = (await colleague.get(TEAM, f"{LIST}?panel=view")).text
    await colleague.close()

    assert "Mine alone" in own
    assert "For all" in offered
    assert "Mine alone" not in offered
