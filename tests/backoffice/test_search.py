"""The search of all rooms: what a list hides from somebody, the search hides too."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text, update

from clients.models import Client
from crm.models import Lead
from entrypoints.shell import SHELL
from identity.models import UserAccount
from identity.shell import search
from identity.shell.subjects import Catalogue, Hit, Query, Source
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database, OutOfPatience, TenantSession, patience
from kernel.ids import uuid7
from kernel.viewer import Viewer
from tests.factories import people
from tests.factories.leads import lead
from tests.factories.trading import open_account
from tests.fixtures.web import Browser, host
from tests.treasury.desk import Desk, open_desk

TEAM = host("team")


@pytest.fixture
async def desk(database: Database, tenant: TenantRef, vault: Vault) -> Desk:
    """Alpha's cash desk."""
    return await open_desk(database, tenant, vault)


async def _enter(browser: Browser, database: Database, tenant: TenantRef, role: str) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    return user


async def _titles(browser: Browser, typed: str) -> list[str]:
    """Return what the results page names, in order."""
    answer = await browser.get(TEAM, "/search", params={"q": typed, "stay": "1"})
    assert answer.status_code == 200
    return re.findall(r"<bdi>([^<]+)</bdi>", answer.text)


async def _people(session: TenantSession, owner: UUID | None = None) -> tuple[Lead, Client]:
    """Make a lead and a client of one family name."""
    one = await lead(session, first_name="Nadia", last_name="Zorander", email="nadia@z.example",
                     phone="+4915112345678")  # fmt: skip
    two = await people.client(session, first_name="Tarek", last_name="Zorander",
                              email="tarek@z.example", phone="+4915187654321")  # fmt: skip
    one.owner_id = two.owner_id = owner
    await session.flush()
    return one, two


async def test_an_agent_finds_own_people_only_and_a_head_everybody(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Scope own in the search is scope own of the lists."""
    async with database.tenant(tenant) as session:
        colleague = await people.staff(session, "sales_agent")
        await _people(session, colleague.id)
    agent = await _enter(browser, database, tenant, "sales_agent")
    assert await _titles(browser, "zorander") == []
    assert await _titles(browser, "nadia zor") == []

    async with database.tenant(tenant) as session:
        await session.execute(update(Lead).values(owner_id=agent.id))
        await session.execute(update(Client).values(owner_id=agent.id))
    assert await _titles(browser, "zorander") == ["Tarek Zorander", "Nadia Zorander"]
    assert await _titles(browser, "zorander na") == ["Nadia Zorander"]


async def test_a_role_without_a_list_finds_nothing_of_it(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """A KYC officer has no leads, so that the search finds none, by no word and no reference."""
    async with database.tenant(tenant) as session:
        one, _ = await _people(session)
        reference = one.reference
    await _enter(browser, database, tenant, "kyc_officer")

    assert await _titles(browser, "zorander") == ["Tarek Zorander"]
    assert await _titles(browser, reference) == []
    assert await _titles(browser, "nadia@z") == []


async def test_masked_contacts_can_not_be_searched_and_stay_masked(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Who sees an address masked must not find it out letter by letter."""
    async with database.tenant(tenant) as session:
        await _people(session)
    await _enter(browser, database, tenant, "auditor")
    assert await _titles(browser, "tarek@z.example") == []
    assert await _titles(browser, "4915187") == []
    shown = await browser.get(TEAM, "/search?stay=1&q=zorander")
    assert "tarek@z.example" not in shown.text
    assert "t•••@z.example" in shown.text
    await browser.post(TEAM, "/logout")

    await _enter(browser, database, tenant, "support")
    assert await _titles(browser, "tarek@z.example") == ["Tarek Zorander"]
    assert await _titles(browser, "+49 151 8765") == ["Tarek Zorander"]
    assert await _titles(browser, "4915112345") == ["Nadia Zorander"]


async def test_contacts_of_own_people_are_searched_among_those_only(
    database: Database, tenant: TenantRef
) -> None:
    """A wide list with a narrow sight of contacts: only own people are found by address."""
    async with database.tenant(tenant) as session:
        me = await people.staff(session, "sales_agent")
        await _people(session, me.id)
        other = await people.client(session, first_name="Ola", last_name="Nord",
                                    email="tarekothers@z.example")  # fmt: skip
        grants = {"clients.client.read": "all", "clients.contact.read": "own"}
        viewer = Viewer("staff", me.id, "Me", "me@x.example", grants=grants)

        found = await search.find(session, SHELL.catalogue, viewer=viewer, typed="tarek", limit=9)
        by_name = await search.find(session, SHELL.catalogue, viewer=viewer, typed="ola", limit=9)

    assert [shown.hit.title for group in found.groups for shown in group.hits] == ["Tarek Zorander"]
    hit = by_name.groups[0].hits[0].hit
    assert (hit.id, hit.masked) == (other.id, True)


async def test_money_and_logins_keep_to_the_clients_of_an_agent(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """Deposits by both references, accounts by login: each only of own clients."""
    deposit = await desk.start("20.00")
    await superuser.execute(
        "UPDATE t_alpha.deposit SET provider_reference = 'pi_9XyZ' WHERE id = $1", deposit.id
    )
    login = 7_004_411
    await open_account(
        desk.database,
        desk.tenant,
        server_id=uuid7(),
        login=login,
        group_name="real",
        client_id=desk.client_id,
    )
    agent = await _enter(browser, desk.database, desk.tenant, "sales_agent")
    typed = (deposit.reference, "pi_9XyZ", str(login), str(login)[:4])
    for one in typed:
        assert await _titles(browser, one) == []

    await superuser.execute(
        "UPDATE t_alpha.client SET owner_id = $1 WHERE id = $2", agent.id, desk.client_id
    )
    assert await _titles(browser, typed[0]) == [deposit.reference]
    assert await _titles(browser, typed[1]) == [deposit.reference]
    assert await _titles(browser, typed[2]) == [str(login)]
    assert await _titles(browser, typed[3]) == [str(login)]


async def test_a_whole_reference_leads_straight_to_its_page(browser: Browser, desk: Desk) -> None:
    """In whatever case it is typed; a part of it only lists."""
    deposit = await desk.start("20.00")
    await _enter(browser, desk.database, desk.tenant, "finance_head")

    jump = await browser.get(TEAM, "/search", params={"q": f" {deposit.reference.lower()} "})
    part = await browser.get(TEAM, "/search", params={"q": deposit.reference[:6]})

    assert jump.headers["location"] == f"/backoffice/deposits/{deposit.id}"
    assert part.status_code == 200
    assert deposit.reference in part.text


async def test_one_brokerage_finds_nothing_of_another(
    browser: Browser, database: Database, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """The same words, another schema."""
    async with database.tenant(other_tenant) as session:
        _, foreign = await _people(session)
        reference = foreign.reference
    await _enter(browser, database, tenant, "owner")

    assert await _titles(browser, "zorander") == []
    assert await _titles(browser, reference) == []


async def test_suggestions_are_a_list_of_links_within_the_scope(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """As typed: options with ids for the field to name, escaped, and a way to all results."""
    async with database.tenant(tenant) as session:
        await people.client(session, first_name="<b>Eve", last_name="Zorander")
    await _enter(browser, database, tenant, "support")

    shown = (await browser.get(TEAM, "/search/suggest?box=gs&q=zora")).text
    short = (await browser.get(TEAM, "/search/suggest?box=gs&q=z")).text

    assert 'role="listbox"' in shown
    assert 'role="option" id="gs-o1"' in shown
    assert "&lt;b&gt;Eve Zorander" in shown
    assert "<b>Eve" not in shown
    assert "/search?stay=1&amp;q=zora" in shown
    assert "<html" not in shown
    assert "option" not in short


@pytest.mark.parametrize(
    "typed",
    ["%", "__", "\\", "' OR 1=1 --", "\x00\x00ab", "a" * 500, "٤٤٤", "12345678901234567890", "0000",
     "a b c d e f g"],
)  # fmt: skip
async def test_no_text_breaks_the_search(browser: Browser, desk: Desk, typed: str) -> None:
    """Signs of patterns are plain signs; too long, too many and strange digits find nothing."""
    await _enter(browser, desk.database, desk.tenant, "owner")
    answer = await browser.get(TEAM, "/search", params={"q": typed})

    assert answer.status_code == 200
    assert re.findall(r"<bdi>([^<]+)</bdi>", answer.text) == []


async def test_a_slow_source_is_given_up_and_the_others_answer(
    database: Database, tenant: TenantRef
) -> None:
    """A bounded time for all, told by name; the transaction goes on."""
    async with database.tenant(tenant) as session:
        me = await people.staff(session, "support")
        await people.client(session, first_name="Tarek", last_name="Zorander")

        async def sleep(slow: TenantSession, *_: Any) -> list[Hit]:
            await slow.execute(text("SELECT pg_sleep(5)"))
            return []

        clients = SHELL.catalogue.source("client")
        assert clients is not None
        slow = Source("slow", "Slow things", "clock", clients.permission, sleep, clients.names)
        catalogue = Catalogue((slow, clients), SHELL.catalogue.pages)
        viewer = Viewer("staff", me.id, "Me", "m@x.example", grants={clients.permission: "all"})
        found = await search.find(session, catalogue, viewer=viewer, typed="zora", limit=5)
        still = await session.scalar(text("SELECT current_setting('statement_timeout')"))

    assert list(found.late) == ["Slow things"]
    assert [group.source.kind for group in found.groups] == ["client"]
    assert still == "0"


async def test_patience_undoes_what_is_changed_inside_and_nothing_else(
    database: Database, tenant: TenantRef
) -> None:
    """What was changed before it is kept; an error inside is the error that it was."""
    async with database.tenant(tenant) as session:
        kept = await people.client(session, first_name="Kept")
        async with patience(session, 5_000):
            await session.execute(text("UPDATE client SET first_name = 'Lost'"))
        with pytest.raises(OutOfPatience):
            async with patience(session, 20):
                await session.execute(text("SELECT pg_sleep(3)"))
        with pytest.raises(ZeroDivisionError):
            async with patience(session, 5_000):
                raise ZeroDivisionError
    async with database.tenant_read(tenant) as session:
        row = await session.get(Client, kept.id)
        assert row is not None
        assert row.first_name == "Kept"


def test_a_query_is_words_and_what_could_be_a_number() -> None:
    """Four words, eighty characters, and digits only where there is no letter."""
    query = Query.read("  +49 (151) 876-5 \x00 ")
    assert (query.text, query.number) == ("+49 (151) 876-5", "491518765")
    assert Query.read("DEP-123").number == ""
    assert Query.read("12").number == ""
    assert Query.read("Ab CD ef gh ij").words == ("ab", "cd", "ef", "gh")
    assert len(Query.read("x" * 200).text) == 80
