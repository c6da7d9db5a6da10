"""How pages look is kept with the person: another device has it, nobody else does."""

from __future__ import annotations

import re

import pytest

from entrypoints.application import Web
from identity import queries
from identity.models import UserAccount
from kernel.actor import TenantRef
from kernel.database import Database
from tests.factories import people
from tests.fixtures.web import Browser, host

TEAM = host("team")


async def _enter(browser: Browser, database: Database, tenant: TenantRef, role: str) -> UserAccount:
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, "/tasks")
    return user


def _root(text: str) -> str:
    found = re.search(r"<html[^>]*>", text)
    assert found
    return found[0]


async def test_a_choice_is_in_the_page_on_another_device_and_nobody_elses(
    browser: Browser, web: Web, database: Database, tenant: TenantRef
) -> None:
    """The page itself carries it, so that nothing flashes; a colleague's page does not."""
    me = await _enter(browser, database, tenant, "support")
    assert 'data-bs-theme="light" data-theme="system"' in _root(
        (await browser.get(TEAM, "/tasks")).text
    )
    for name, value in (("theme", "dark"), ("density", "compact"), ("sidebar", "collapsed")):
        answer = await browser.post(TEAM, "/preferences", {name: value, "next": "/tasks"})
        assert answer.headers["location"] == "/tasks"

    device, colleague = Browser(web), Browser(web)
    await device.log_in(TEAM, me.email, people.PASSWORD)
    await _enter(colleague, database, tenant, "support")
    mine = _root((await device.get(TEAM, "/tasks")).text)
    theirs = _root((await colleague.get(TEAM, "/tasks")).text)
    await device.close()
    await colleague.close()

    assert 'data-bs-theme="dark" data-theme="dark" data-density="compact"' in mine
    assert 'class="side-collapsed"' in mine
    assert 'data-theme="system" data-density="regular"' in theirs
    async with database.tenant_read(tenant) as session:
        rows = await queries.audit_page(session, action="identity.preference.change")
    assert [row.after for row in rows][-1] == {"theme": "dark"}


async def test_a_script_is_answered_without_a_page(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """No content, and nothing in the trail when nothing changed."""
    await _enter(browser, database, tenant, "support")
    await browser.post(TEAM, "/preferences", {"theme": "system"})
    async with database.tenant_read(tenant) as session:
        rows = await queries.audit_page(session, action="identity.preference.change")
    assert rows == []


@pytest.mark.parametrize("value", ["", "pink", "dark; --x", "\x00"])
async def test_what_is_no_choice_is_refused(
    browser: Browser, database: Database, tenant: TenantRef, value: str
) -> None:
    """Nothing else comes into the page."""
    await _enter(browser, database, tenant, "support")
    answer = await browser.post(TEAM, "/preferences", {"theme": value})
    assert answer.status_code == 422
    assert 'data-theme="system"' in _root((await browser.get(TEAM, "/tasks")).text)


async def test_commands_are_those_of_the_viewer(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The palette names places and actions that the role opens, settings among them."""
    await _enter(browser, database, tenant, "kyc_officer")
    officer = (await browser.get(TEAM, "/palette")).text
    await browser.post(TEAM, "/logout")
    await _enter(browser, database, tenant, "admin")
    admin = (await browser.get(TEAM, "/palette")).text

    assert 'href="/backoffice/kyc"' in officer
    assert "/crm/leads" not in officer
    assert "/settings/brand" not in officer
    assert 'href="/crm/leads/new"' in admin
    assert 'href="/settings/brand"' in admin
    assert "<html" not in admin


async def test_settings_stand_beside_their_own_pages_only(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """The side bar of work has no settings; the switcher leads to them, and back."""
    await _enter(browser, database, tenant, "admin")
    work = (await browser.get(TEAM, "/tasks")).text
    settings = (await browser.get(TEAM, "/settings")).text

    side = re.compile(r'<nav aria-label="Main">.*?</nav>', re.DOTALL)
    shown = side.search(work)
    assert shown
    assert "/crm/leads" in shown[0]
    assert "/settings/brand" not in shown[0]
    assert "/settings" in work
    shown = side.search(settings)
    assert shown
    assert "/settings/brand" in shown[0]
    assert "/crm/leads" not in shown[0]
