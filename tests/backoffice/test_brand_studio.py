"""The brand studio as an administrator uses it, with and without scripts."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg
import pytest

from backoffice import queries, subscribers
from backoffice.events import BrandPublished
from backoffice.settings import brand_files, brand_previews, brand_versions, looks
from kernel.actor import TenantRef
from kernel.database import Database
from tenants import brands
from tenants.ports import Ports
from tests.factories import people, pictures
from tests.fixtures.web import Browser, host

TEAM = host("team")
HERE = "/settings/brand"
PASSWORD = "quiet-harbour-lantern"
LOOK = {
    "name": "Alpha Prime",
    "main": "#7a1fa2",
    "accent": "#13a89e",
    "radius": "0",
    "density": "compact",
    "font": "system",
}


async def sign_in(
    browser: Browser, database: Database, tenant: TenantRef, role: str = "admin"
) -> None:
    """Sign a new member of staff of a role in and open the studio."""
    async with database.tenant(tenant) as session:
        user = await people.staff(session, role, password=PASSWORD)
    team = host("team", tenant.slug)
    assert (await browser.log_in(team, user.email, PASSWORD)).status_code in (200, 303)
    await browser.get(team, HERE)


async def state(superuser: asyncpg.Connection) -> list[tuple[str, str]]:
    """Return state and main colour of the versions that somebody made, oldest first."""
    rows = await superuser.fetch(
        "SELECT state::text, look->>'main' FROM t_alpha.brand_version WHERE note <> $1"
        " ORDER BY number",
        brand_versions.BEGAN,
    )
    return [tuple(row) for row in rows]


async def test_an_administrator_saves_publishes_and_goes_back(
    browser: Browser, ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """With plain forms; the trader's page wears it when the worker has put it on."""
    await sign_in(browser, ports.database, tenant)
    saved = await browser.post(TEAM, HERE, {**LOOK, "action": "save"})
    draft = await state(superuser)
    await browser.post(TEAM, HERE, {**LOOK, "action": "publish"})
    await browser.post(TEAM, HERE, {**LOOK, "main": "#0f5132", "action": "publish"})
    began, first = [
        row["id"]
        for row in await superuser.fetch(
            "SELECT id FROM t_alpha.brand_version ORDER BY number LIMIT 2"
        )
    ]
    studio = await browser.get(TEAM, HERE)
    gone_back = await browser.post(TEAM, f"{HERE}/versions/{first}/back")
    event = BrandPublished(first)
    await subscribers.wear(ports.database, tenant, event, client=ports.redis)
    brand = await brands.current(ports.database, tenant)
    told = await superuser.fetchval(
        "SELECT count(*) FROM t_alpha.outbox WHERE topic = 'backoffice.brand_published'"
    )

    assert (saved.status_code, gone_back.status_code) == (303, 303)
    assert draft == [("draft", "#7a1fa2")]
    assert f"/versions/{first}/back" in studio.text
    assert f"/versions/{began}/back" in studio.text
    assert await state(superuser) == [
        ("earlier", "#7a1fa2"),
        ("earlier", "#0f5132"),
        ("published", "#7a1fa2"),
    ]
    assert (brand.name, brand.colours.brand, told) == ("Alpha Prime", "#7a1fa2", 3)


@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", 200), ("admin", 200), ("auditor", 403), ("sales_head", 403), ("support", 403)],
)
async def test_only_owner_and_admin_open_the_studio(
    browser: Browser, database: Database, tenant: TenantRef, *, role: str, status: int
) -> None:
    """Page, preview, file and form alike."""
    await sign_in(browser, database, tenant, role)
    paths = (HERE, f"{HERE}/preview/trader", f"{HERE}/export", f"{HERE}/check?main=%23000000")
    answers = [(await browser.get(TEAM, path)).status_code for path in paths]
    # The forms of a preview carry no token of ours: the studio is opened again to send its own.
    await browser.get(TEAM, HERE)
    posted = await browser.post(TEAM, HERE, {**LOOK, "action": "save"})

    assert answers == [status] * 4
    assert posted.status_code == (303 if status == 200 else 403)


async def test_another_brokerages_draft_and_logo_are_not_found(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """By the version's id, although it exists next door."""
    async with ports.database.tenant(tenant) as session:
        files = await brand_files.taken(
            session, kind="light", data=pictures.png(), store=ports.store, background="#000000"
        )
        version = await brand_versions.save(session, values=LOOK, files=files)
    await sign_in(browser, ports.database, other_tenant)
    beta = host("team", "beta")
    logo = await browser.get(beta, f"{HERE}/versions/{version.id}/light")
    back = await browser.post(beta, f"{HERE}/versions/{version.id}/back")
    preview = await browser.get(beta, f"{HERE}/preview/trader")

    assert (logo.status_code, back.status_code) == (404, 404)
    assert "#7a1fa2" not in preview.text


async def test_bad_input_is_named_beside_its_field_and_nothing_typed_is_lost(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """And nothing is published."""
    await sign_in(browser, database, tenant)
    typed = {**LOOK, "main": "purple", "name": "Alpha & Sons", "action": "publish"}
    answer = await browser.post(TEAM, HERE, typed)

    assert answer.status_code == 422
    assert 'id="h-main"' in answer.text
    assert "for example #0B2545" in answer.text
    assert 'value="purple"' in answer.text
    assert 'value="Alpha &amp; Sons"' in answer.text
    assert '<option value="compact" selected' in answer.text
    assert await state(superuser) == []


async def test_a_colour_that_fails_is_shown_and_replaced(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """While it is chosen, and on the server when the button is pressed."""
    await sign_in(browser, database, tenant)
    checked = await browser.get(TEAM, f"{HERE}/check?main=%237c7c7c&accent=%23ffe08a")
    await browser.post(TEAM, HERE, {**LOOK, "main": "#7c7c7c", "action": "fix"})
    [(_, main)] = await state(superuser)
    again = await browser.get(TEAM, f"{HERE}/check?main=%23{main[1:]}&accent=%2313a89e")

    assert "needs 4.5:1" in checked.text
    assert "<html" not in checked.text
    assert main != "#7c7c7c"
    assert "needs 4.5:1" not in again.text


async def test_a_refused_logo_is_named_beside_its_field_and_a_good_one_stays(
    browser: Browser, database: Database, tenant: TenantRef
) -> None:
    """Whatever the file's name says, and although a field beside them is wrong."""
    await sign_in(browser, database, tenant)
    answer = await browser.post(
        TEAM,
        HERE,
        {**LOOK, "radius": "9", "action": "publish"},
        files={
            "logo_light": ("../../etc/passwd\0.svg", pictures.svg("<script/>"), "image/svg+xml"),
            "logo_square": ("mark.PNG", pictures.png(), "text/html"),
        },
    )
    async with database.tenant(tenant) as session:
        draft = await queries.version_in(session, "draft")

    assert answer.status_code == 422
    assert 'id="h-logo_light"' in answer.text
    assert "&lt;script&gt;, which a logo may not" in answer.text
    assert 'id="h-radius"' in answer.text
    assert draft is not None
    assert sorted(draft.look["files"]) == [
        *("icon-180", "icon-192", "icon-32", "icon-512", "icon-maskable", "square")
    ]


async def test_a_draft_logo_is_shown_in_the_studio_alone(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """Under its version's address; the public one does not know it."""
    await sign_in(browser, database, tenant)
    files = {
        "logo_square": ("mark.png", pictures.png(), "image/png"),
        "logo_light": ("logo.svg", pictures.svg('<path d="M0 0h9"/>'), "image/svg+xml"),
        "logo_dark": ("logo.png", pictures.png((400, 100)), "image/png"),
    }
    await browser.post(TEAM, HERE, {**LOOK, "action": "save"}, files=files)
    version: UUID = await superuser.fetchval(
        "SELECT id FROM t_alpha.brand_version WHERE state = 'draft'"
    )
    studio = await browser.get(TEAM, HERE)
    logo = await browser.get(TEAM, f"{HERE}/versions/{version}/square")
    preview = await browser.get(TEAM, f"{HERE}/preview/trader")
    public = await browser.get(TEAM, "/brand/square")
    await browser.get(TEAM, HERE)
    await browser.post(TEAM, HERE, {**LOOK, "remove_square": "yes", "action": "save"})
    removed = await browser.get(TEAM, f"{HERE}/versions/{version}/icon-32")

    assert "/pictures/square?v=" in studio.text
    assert all(f"/pictures/{kind}?v=" in preview.text for kind in ("light", "dark"))
    assert logo.content.startswith(b"\x89PNG")
    assert (public.status_code, removed.status_code) == (404, 404)


@pytest.mark.parametrize("part", [one for one in brand_previews.PARTS if one != "pdf"])
async def test_the_preview_wears_the_draft_without_scripts(
    browser: Browser, database: Database, tenant: TenantRef, part: str
) -> None:
    """Left to right and right to left, light and dark; the page itself stays as it was."""
    await sign_in(browser, database, tenant)
    await browser.post(TEAM, HERE, {**LOOK, "action": "save"})
    plain = await browser.get(TEAM, f"{HERE}/preview/{part}")
    turned = await browser.get(TEAM, f"{HERE}/preview/{part}?mode=dark&dir=rtl")
    studio = await browser.get(TEAM, HERE)

    assert "#7a1fa2" in plain.text
    assert "Alpha Prime" in plain.text
    assert "<script" not in plain.text + turned.text
    assert 'dir="rtl"' in turned.text
    assert "@media (prefers-color-scheme:dark)" not in turned.text
    assert ('data-bs-theme="dark"' in turned.text) == (part != "mail")
    assert f"{HERE}/preview/{part}" in studio.text
    assert (await browser.get(TEAM, f"{HERE}/preview/other")).status_code == 404


async def test_a_theme_is_exported_and_imported(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """A bad file says so beside its field and keeps what was typed."""
    await sign_in(browser, database, tenant)
    await browser.post(TEAM, HERE, {**LOOK, "action": "save"})
    exported = await browser.get(TEAM, f"{HERE}/export")
    await browser.post(TEAM, HERE, {**LOOK, "main": "#000000", "action": "save"})
    file = {"theme_file": ("theme.json", exported.content, "application/json")}
    taken = await browser.post(TEAM, HERE, {**LOOK, "action": "import"}, files=file)
    bad = {"theme_file": ("theme.json", b"<html>", "application/json")}
    refused = await browser.post(
        TEAM, HERE, {**LOOK, "name": "Typed", "action": "import"}, files=bad
    )

    theme = json.loads(exported.content)["theme"]
    assert theme == {**looks.PLAIN, **LOOK, "menu": {}, "cards": {}, "texts": {}}
    assert exported.headers["content-disposition"].startswith("attachment")
    assert taken.status_code == 303
    assert await state(superuser) == [("draft", "#7a1fa2")]
    assert (refused.status_code, 'id="h-theme_file"' in refused.text) == (422, True)
    assert 'value="Typed"' in refused.text


async def test_a_publication_is_scheduled(
    browser: Browser, database: Database, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """In UTC; a time that is missing or gone is named beside its field."""
    await sign_in(browser, database, tenant)
    for bad in ("", "tomorrow", "2020-01-01T10:00", "9999-12-31T23:59"):
        answer = await browser.post(TEAM, HERE, {**LOOK, "publish_at": bad, "action": "schedule"})
        assert answer.status_code == 422
        assert 'id="h-publish_at"' in answer.text
    moment = await superuser.fetchval("SELECT to_char(now() + '1 day', 'YYYY-MM-DD\"T\"HH24:MI')")
    answer = await browser.post(TEAM, HERE, {**LOOK, "publish_at": moment, "action": "schedule"})
    studio = await browser.get(TEAM, HERE)

    assert answer.status_code == 303
    assert await state(superuser) == [("scheduled", "#7a1fa2")]
    assert "Version 2 is published on" in studio.text
