"""Sections of the front page: rendered when published, shown as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.database import Database
from messaging import sections, templates
from messaging.liquid.renderer import Renderer
from tenants import brands
from tests.fixtures.web import Browser, host

WWW = host("www")


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    """One child is enough."""
    async with Renderer(size=1) as made:
        yield made


async def _publish(
    database: Database,
    tenant: TenantRef,
    renderer: Renderer,
    source: str,
    *,
    language: str = "en",
    slot: str = "faq",
) -> None:
    brand = await brands.current(database, tenant)
    async with database.tenant(tenant) as session:
        key = {"event": slot, "language": language, "kind": "landing"}
        await templates.save_draft(session, **key, source=source, renderer=renderer, seen=None)
        values = sections.values(brand, language)
        await templates.publish(session, **key, renderer=renderer, values=values)


async def test_visitors_see_what_was_published_and_nothing_before(
    browser: Browser, database: Database, tenant: TenantRef, renderer: Renderer
) -> None:
    """In their language, English where there is none; with links that keep the referral."""
    before = await browser.get(WWW, "/")
    link = '<p><a class="btn" href="{{ register_href }}">Join {{ brand.name }}</a></p>'
    await _publish(database, tenant, renderer, f"<h2>Fees?</h2>{link}")
    await _publish(database, tenant, renderer, "<h2>Gebühren?</h2>", language="de")

    english = await browser.get(WWW, "/")
    german = await browser.get(WWW, "/?lang=de")
    spanish = await browser.get(WWW, "/?lang=es")
    await browser.get(WWW, "/r/OMAR1234")
    on = await browser.get(WWW, "/go/register")
    nowhere = await browser.get(WWW, "/go/elsewhere")

    assert "lown" not in before.text
    assert "<h2>Fees?</h2>" in english.text
    assert 'href="/go/register">Join Alpha Markets' in english.text
    assert "<h2>Gebühren?</h2>" in german.text
    assert "<h2>Fees?</h2>" in spanish.text
    assert on.status_code == 303
    assert on.headers["location"].startswith("http://my.alpha.localhost")
    assert "/register" in on.headers["location"]
    assert nowhere.status_code == 404


async def test_a_page_renders_nothing_of_a_tenants(
    browser: Browser,
    database: Database,
    tenant: TenantRef,
    renderer: Renderer,
    superuser: asyncpg.Connection,
) -> None:
    """What was kept is shown, whatever the source says by now."""
    await _publish(database, tenant, renderer, "<h2>Kept</h2>")
    await superuser.execute("UPDATE t_alpha.tenant_template SET source = '<h2>Later</h2>'")

    page = await browser.get(WWW, "/")

    assert "<h2>Kept</h2>" in page.text
    assert "Later" not in page.text


async def test_a_new_brand_is_named_in_the_sections(
    database: Database,
    tenant: TenantRef,
    other_tenant: TenantRef,
    renderer: Renderer,
    superuser: asyncpg.Connection,
) -> None:
    """Each live one is rendered anew; one that fails keeps what it says, and its author is told."""
    await _publish(database, tenant, renderer, "<h2>{{ brand.name }}</h2>")
    await _publish(database, other_tenant, renderer, "<h2>{{ brand.name }}</h2>")
    await _publish(
        database,
        tenant,
        renderer,
        "{% if brand.name != 'New' %}<h2>Old</h2>{% else %}{{ 1 | divided_by: 0 }}{% endif %}",
        slot="closing",
    )
    brand = replace(await brands.current(database, tenant), name="New")

    changed = await sections.refresh(database, tenant, brand=brand, renderer=renderer)

    async with database.tenant(tenant) as session:
        shown = await sections.shown(session, language="en")
    async with database.tenant(other_tenant) as session:
        theirs = await sections.shown(session, language="en")
    failure = await superuser.fetchval(
        "SELECT failure FROM t_alpha.tenant_template WHERE event = 'closing'"
    )
    assert changed == 1
    assert shown == {"faq": "<h2>New</h2>", "closing": "<h2>Old</h2>"}
    assert "New" not in theirs["faq"]
    assert "visitors are shown what it said before" in failure


async def test_what_is_taken_back_is_gone(
    browser: Browser, database: Database, tenant: TenantRef, renderer: Renderer
) -> None:
    """The page is as it was."""
    await _publish(database, tenant, renderer, "<h2>Kept</h2>")
    async with database.tenant(tenant) as session:
        await templates.withdraw(session, event="faq", language="en", kind="landing")

    assert "Kept" not in (await browser.get(WWW, "/")).text
