"""What an administrator chooses in the brand studio is what clients and partners then see."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from backoffice import schedule
from backoffice.settings import brand_files, brand_versions, looks
from kernel.actor import TenantRef
from kernel.errors import InvalidInput
from kernel.storage import ObjectMissing
from tenants import brands
from tenants.ports import Ports
from tests.backoffice.test_brand_studio import HERE, LOOK, TEAM, sign_in
from tests.backoffice.test_brand_versions import worn
from tests.factories import pictures
from tests.fixtures.web import Browser, another_web, host
from tests.tradersroom.people import sign_up
from themes.colour import contrast, mix
from themes.tokens import FONTS, BrandColours, derive

MY, WWW = host("my"), host("www")


async def seen(ports: Ports, path: str, jar: Browser | None = None) -> str:
    """Open a page of the traders' surface in a process that has no brand in memory yet."""
    other = Browser(another_web(ports))
    cookie = jar.cookie(MY) if jar else ""
    answer = await other.get(MY, path, headers={"cookie": f"marque={cookie}"} if cookie else None)
    await other.close()
    return answer.text


async def wear(ports: Ports, tenant: TenantRef, **values: Any) -> dict[str, Any]:
    """Publish a look and put it on; return what control then says of the brand."""
    async with ports.database.tenant(tenant) as session:
        files = values.pop("files", {})
        await brand_versions.save(session, values={**LOOK, **values}, files=files)
        version = await brand_versions.publish(session)
    await worn(ports, tenant, version)
    brand = await brands.current(ports.database, tenant)
    return {"brand": brand}


async def test_texts_are_said_in_the_language_they_were_written_for(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """Escaped, on the surface they belong to, and by nobody else."""
    texts = {
        "welcome": {"en": "Come in <script>alert(1)</script>"},
        "headline": {"en": "Gold & more", "de": "Gold und mehr"},
        "support": {"en": "We answer by 18:00."},
        "footer": {"en": "A house since 1998."},
    }
    await wear(ports, tenant, texts=texts)
    login = (await browser.get(MY, "/login")).text
    english = (await browser.get(WWW, "/")).text
    german = (await browser.get(WWW, "/?lang=de")).text
    foreign = (await browser.get(host("www", "beta"), "/")).text

    assert "Come in &lt;script&gt;alert(1)&lt;/script&gt;" in login
    assert "We answer by 18:00." in login
    assert "<h1>Gold &amp; more</h1>" in english
    assert "A house since 1998." in english
    assert "<h1>Gold und mehr</h1>" in german
    assert "We answer" not in german
    assert "Gold" not in foreign


async def test_a_menu_is_ordered_and_hides_what_may_be_hidden(
    ports: Ports, tenant: TenantRef
) -> None:
    """A page that is new in the product stands behind those that were ordered."""
    menu = {"trader": {"order": ["/history", "/verification", "/"], "hidden": ["/accounts"]}}
    brand = (await wear(ports, tenant, menu=menu))["brand"]
    chosen = brand.menus["trader"]

    assert chosen.order == ("/history", "/verification", "/")
    assert not chosen.shows("trader", "/accounts")
    assert chosen.shows("trader", "/new")
    with pytest.raises(InvalidInput) as refused:
        looks.checked({**LOOK, "menu": {"trader": {"order": [], "hidden": ["/verification"]}}})
    assert set(refused.value.fields) == {"menu-trader"}


async def test_a_portal_shows_the_menu_and_the_cards_as_they_were_ordered(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """Even a row of the database that hides what must stay hides nothing of it."""
    await sign_up(browser, ports)
    menu = {"trader": {"order": ["/history", "/", "/deposit"], "hidden": ["/accounts"]}}
    order = {"trader": ["activity", "accounts", "setup", "wallet"]}
    await wear(ports, tenant, menu=menu, cards=order)
    page = await seen(ports, "/", browser)
    links = re.findall(r'href="([^"]+)"', page.split('class="pnav"')[1].split("</nav>")[0])
    places = [
        page.index(text) for text in ("Recent activity", "own-accounts", "Wallet, available now")
    ]

    assert links[:3] == ["/history", "/", "/deposit"]
    assert "/accounts" not in links
    assert places == sorted(places)


async def test_the_background_of_a_sign_in_page_is_the_chosen_one(
    browser: Browser, ports: Ports, tenant: TenantRef
) -> None:
    """A picture is drawn anew and light; without one it can't be chosen."""
    async with ports.database.tenant(tenant) as session:
        with pytest.raises(InvalidInput) as refused:
            await brand_versions.save(session, values={**LOOK, "background": "picture"}, files={})
        files = await brand_files.taken(
            session,
            kind="background",
            data=pictures.png((1600, 1200)),
            store=ports.store,
            background="#000000",
        )
    await wear(ports, tenant, background="picture", files=files)
    page = (await browser.get(MY, "/login")).text
    picture = await browser.get(MY, "/brand/background")
    await wear(ports, tenant, background="rings")
    drawn = await seen(ports, "/login")

    assert set(refused.value.fields) == {"background"}
    assert f'src="/brand/background?v={files["background"]["sha"]}"' in page
    assert picture.headers["content-type"] == "image/webp"
    assert len(picture.content) <= 36_000
    assert "behind-rings" in drawn
    assert "auth-picture" not in drawn


async def test_a_page_names_the_style_sheet_of_its_own_font_only(
    ports: Ports, tenant: TenantRef
) -> None:
    """Corners and rows of the brand stand in the same style sheet as its colours."""
    for font in FONTS:
        await wear(ports, tenant, font=font, radius="1.25", density="loose")
        page = await seen(ports, "/login")
        assert re.findall(r"vendor/(font-[a-z-]+)\.css", page) == [f"font-{font}"]
    sheet = await seen(ports, "/theme.css")

    assert "--tblr-border-radius-scale:1.25" in sheet
    assert "--mq-row:46px" in sheet


@pytest.mark.parametrize("accent", ["#ffffff", "#000000", "#ffe08a", "#ff00ff", "#13a89e"])
@pytest.mark.parametrize("main", ["#ffffff", "#000000", "#7c7c7c", "#0b2545", "#ff7f6b"])
def test_white_words_read_on_every_pattern_and_on_a_white_picture(main: str, accent: str) -> None:
    """4.5:1 at worst: under a line of the pattern in the glow, and under the scrim."""
    light = derive(BrandColours(main, accent)).light
    share = {name: int(light[name].rstrip("%")) / 100 for name in _SHARES}
    glow = mix(accent, light["hero-2"], share["hero-glow"])
    line = mix(light["hero-accent"], glow, share["hero-line"])
    covered = mix(light["hero-1"], "#ffffff", share["hero-scrim"])

    assert contrast("#ffffff", line) >= 4.5
    assert contrast("#ffffff", covered) >= 4.5


_SHARES = ("hero-glow", "hero-line", "hero-scrim")


async def test_what_is_typed_is_previewed_before_anybody_saves_it(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:  # fmt: skip
    """By a token that the brokerage next door can do nothing with."""
    await sign_in(browser, ports.database, tenant)
    form = {
        **LOOK,
        "main": "#0f5132",
        "name": "Unsaved & Sons",
        "text-headline-en": "Not yet",
        "place-trader-/history": "1",
        "place-trader-/": "2",
        "shown-trader-/history": "yes",
        "card-trader-activity": "1",
        **{f"card-trader-{one}": "2" for one in ("wallet", "setup", "accounts")},
    }
    kept = (await browser.post(TEAM, f"{HERE}/preview", form)).json()
    pages = {
        part: (await browser.get(TEAM, f"{HERE}/preview/{part}?look={kept['look']}")).text
        for part in ("public", "trader")
    }
    plain = (await browser.get(TEAM, f"{HERE}/preview/public")).text
    statement = await browser.get(TEAM, f"{HERE}/preview/pdf?look={kept['look']}")
    await sign_in(browser, ports.database, other_tenant)
    foreign = await browser.get(host("team", "beta"), f"{HERE}/preview/public?look={kept['look']}")

    assert "#0f5132" in kept["css"]
    assert "<h1>Not yet</h1>" in pages["public"]
    assert "Unsaved &amp; Sons" in pages["public"]
    assert pages["trader"].index("Recent activity") < pages["trader"].index("own-accounts")
    assert "Not yet" not in plain
    assert "Not yet" not in foreign.text
    assert statement.content.startswith(b"\x89PNG")
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.brand_version") == 0


async def test_a_file_is_taken_before_the_form_and_survives_its_errors(
    browser: Browser, ports: Ports, tenant: TenantRef, other_tenant: TenantRef
) -> None:
    """It is seen in the preview, kept with the draft, and of no use next door."""
    await sign_in(browser, ports.database, tenant)
    files = {"file": ("mark.png", pictures.png(), "image/png")}
    sent = (await browser.post(TEAM, f"{HERE}/uploads/light", files=files)).json()
    bad = await browser.post(
        TEAM, f"{HERE}/uploads/light", files={"file": ("x.png", b"GIF89a", "image/png")}
    )
    form = {**LOOK, "upload_light": sent["upload"]}
    kept = (await browser.post(TEAM, f"{HERE}/preview", form)).json()
    logo = await browser.get(TEAM, f"{HERE}/pictures/light?look={kept['look']}")
    answer = await browser.post(TEAM, HERE, {**form, "main": "purple", "action": "save"})
    draft = await browser.get(TEAM, f"{HERE}/pictures/light")
    await sign_in(browser, ports.database, other_tenant)
    beta = host("team", "beta")
    foreign = await browser.post(beta, HERE, {**form, "action": "save"})
    foreign_logo = await browser.get(beta, f"{HERE}/pictures/light?look={kept['look']}")

    assert (bad.status_code, "something else" in bad.json()["error"]) == (422, True)
    assert logo.content.startswith(b"\x89PNG")
    assert answer.status_code == 422
    assert draft.content == logo.content
    assert (foreign.status_code, "Choose it again" in foreign.text) == (422, True)
    assert foreign_logo.status_code == 404


async def test_pictures_that_no_version_wears_are_deleted_after_a_day(
    ports: Ports, tenant: TenantRef, superuser: asyncpg.Connection
) -> None:
    """One that a version wore once stays for going back; a young one stays for its form."""
    keys = []
    for _ in range(3):
        async with ports.database.tenant(tenant) as session:
            files = await brand_files.taken(
                session, kind="dark", data=pictures.png(), store=ports.store, background="#000000"
            )
        keys.append(files["dark"]["key"])
        if len(keys) == 1:
            await wear(ports, tenant, files=files)
            await wear(ports, tenant, files={})
    await superuser.execute(
        "UPDATE t_alpha.brand_file SET created_at = created_at - $1::interval"
        " WHERE object_key <> $2",
        timedelta(days=2),
        keys[2],
    )
    job = next(one for one in schedule.JOBS if one.name == "backoffice.delete_pictures")
    await job.run(ports, tenant)

    assert await ports.store.get(tenant, keys[0])
    assert await ports.store.get(tenant, keys[2])
    with pytest.raises(ObjectMissing):
        await ports.store.get(tenant, keys[1])
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.brand_file") == 2


@pytest.mark.parametrize(("role", "shown"), [("admin", True), ("auditor", False)])
async def test_the_settings_list_what_a_viewer_may_open(
    browser: Browser, ports: Ports, tenant: TenantRef, role: str, *, shown: bool
) -> None:
    """And the studio's other addresses are shut to whoever may not open it."""
    await sign_in(browser, ports.database, tenant, role)
    page = await browser.get(TEAM, "/settings")
    posts = [await browser.post(TEAM, f"{HERE}/{path}", LOOK) for path in ("preview",)]
    upload = await browser.post(TEAM, f"{HERE}/uploads/dark", {"file": "no file"})
    picture = await browser.get(TEAM, f"{HERE}/pictures/dark")

    assert page.status_code == 200
    assert ('href="/settings/brand"' in page.text) == shown
    assert [one.status_code for one in (*posts, upload)] == ([200, 422] if shown else [403, 403])
    assert picture.status_code == (404 if shown else 403)
