"""Home pages: each role has its own, every number is the count of the list it opens."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import Engine, event, update

from backoffice.home_layouts import COMMON, LAYOUTS
from crm.models import Lead
from entrypoints import catalogue
from entrypoints.shell import SHELL
from identity.models import UserAccount
from identity.roles import ROLES
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database
from tests.factories import people
from tests.factories.leads import lead
from tests.fixtures.web import Browser, host
from tests.treasury.desk import Desk, add_client, open_desk

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


def _figures(text: str) -> dict[str, tuple[int, str]]:
    """Return the strip's cells: label to number and address."""
    found = {}
    for cell in re.findall(r'<a class="kpi" href="([^"]+)">(.*?)</a>', text, re.DOTALL):
        label = re.search(r'<span class="l">([^<]+)</span>', cell[1])
        value = re.search(r'<span class="v">(?:<bdi dir="ltr">)?([\d,.]+)', cell[1])
        assert label
        assert value
        if "." not in value[1]:
            found[label[1]] = (int(value[1].replace(",", "")), html.unescape(cell[0]))
    return found


def _total(text: str) -> int:
    """Return how many records a list says it has: beside its title."""
    found = re.search(r'<h1>[^<]*<span class="ink3 num h1n">(.*?)</span></h1>', text, re.DOTALL)
    if found:
        return int(re.sub(r"<[^>]+>|\D", "", found[1]))
    plain = " ".join(re.sub(r"<[^>]+>", "", text).split())
    counted = re.search(r"1–\d+ of (\d+)", plain)
    return int(counted[1]) if counted else 0


def test_every_role_has_a_home_of_offers_that_exist() -> None:
    """A layout that names what no room offers would break the page of a whole role."""
    names = {offer.name for offer in SHELL.offers}
    assert set(LAYOUTS) == set(ROLES)
    for layout in [*LAYOUTS.values(), COMMON]:
        wanted = [*(one.partition(":")[0] for one in layout.figures), *layout.main, *layout.rail]
        assert set(wanted) <= names
        assert len(layout.figures) <= 5


def test_every_offer_and_page_asks_for_a_permission_that_exists() -> None:
    """An unknown permission would hide a card from everybody."""
    known = catalogue.permissions()
    asked = [*(one.permission for one in SHELL.offers), *(one.permission for one in SHELL.counters)]
    asked += [one.permission for one in SHELL.actions]
    asked += [one.permission for one in SHELL.catalogue.sources]
    asked += [permission for _, permission in SHELL.catalogue.pages.values()]
    assert set(asked) <= set(known)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_lands_at_a_home_without_anything_in_the_books(
    browser: Browser, database: Database, tenant: TenantRef, role: str
) -> None:
    """An empty brokerage still tells each role what its page is for."""
    await _enter(browser, database, tenant, role)
    start = await browser.get(TEAM, "/")
    assert start.headers["location"] == "/home"

    answer = await browser.get(TEAM, "/home")

    assert answer.status_code == 200
    assert "hc-none" in answer.text
    assert 'aria-current="page" title="Home"' in answer.text


async def test_every_number_is_the_count_of_the_list_it_opens(
    browser: Browser, desk: Desk, superuser: asyncpg.Connection
) -> None:
    """For each role: what the strip says is what the list behind it says."""
    async with desk.database.tenant(desk.tenant) as session:
        for stage, days in (("new", 0), ("new", 1), ("lost", 2), ("contacted", 13), ("new", 20)):
            one = await lead(session)
            await session.flush()
            await session.execute(
                update(Lead)
                .where(Lead.id == one.id)
                .values(stage=stage, created_at=now() - timedelta(days=days))
            )
        await add_client(session, "Mara", "Lind")
    made = [await desk.start("20.00") for _ in range(3)]
    await superuser.execute("UPDATE t_alpha.deposit SET state = 'held' WHERE id = $1", made[0].id)
    await superuser.execute(
        "UPDATE t_alpha.deposit SET state = 'credited', settled_at = now(), settled_amount = 20,"
        " settled_currency = 'USD' WHERE id = $1",
        made[1].id,
    )
    checked: set[str] = set()
    for role in ROLES:
        await _enter(browser, desk.database, desk.tenant, role)
        page = await browser.get(TEAM, "/home?days=14")
        for label, (number, href) in _figures(page.text).items():
            if href == "/backoffice/revenue" or href.startswith("/backoffice/revenue?"):
                continue
            answer = await browser.get(TEAM, href)
            assert answer.status_code == 200, (role, label, href)
            assert _counted(answer.text, href) == number, (role, label, href)
            checked.add(label)
        await browser.post(TEAM, "/logout")
    assert {
        "New leads",
        "Not contacted yet",
        "Held",
        "Deposits settled",
        "First deposits",
    } <= checked
    assert len(checked) >= 14


async def test_a_home_asks_a_fixed_number_of_statements_whatever_there_is(
    browser: Browser, desk: Desk
) -> None:
    """No statement for each row: as many with twelve leads and deposits as with none."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    async def statements() -> int:
        seen.clear()
        assert (await browser.get(TEAM, "/home")).status_code == 200
        return len(seen)

    await _enter(browser, desk.database, desk.tenant, "owner")
    event.listen(Engine, "before_cursor_execute", note)
    try:
        none = await statements()
        async with desk.database.tenant(desk.tenant) as session:
            for _ in range(12):
                await lead(session)
        for _ in range(3):
            await desk.start("20.00")
        some = await statements()
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert some == none
    assert some <= 14


def _counted(text: str, href: str) -> int:
    if href.startswith("/backoffice/partners"):
        state = re.search(r"state=(\w+)", href)
        label = state[1].capitalize() if state else "All"
        tab = re.search(rf'<a href="[^"]*"[^>]*>{label}<span class="cnt num[^"]*">(\d+)', text)
        return int(tab[1]) if tab else 0
    return _total(text)
