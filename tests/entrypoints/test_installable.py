"""What makes a surface an app: the brand's manifest, icons, worker and offline page."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from entrypoints.application import Web
from kernel.actor import TenantRef
from kernel.database import Database
from tests.entrypoints.reader import enter, trader
from tests.fixtures.web import Browser, host

SURFACES = {"my": "Alpha Markets", "ib": "Alpha Markets Partners", "team": "Alpha Markets Team"}


@pytest.mark.parametrize("place", SURFACES)
async def test_a_manifest_names_brand_and_surface(browser: Browser, place: str) -> None:
    """With colours of its tokens, and icons under the version of its looks."""
    answer = await browser.get(host(place), "/manifest.webmanifest")
    manifest = json.loads(answer.text)
    theme = (await browser.get(host(place), "/theme.css")).text

    assert answer.headers["content-type"] == "application/manifest+json"
    assert manifest["name"] == SURFACES[place]
    assert len(manifest["short_name"]) <= 12
    assert f"--mq-brand-solid:{manifest['theme_color']}" in theme
    assert (manifest["scope"], manifest["display"]) == ("/", "standalone")
    assert [one["purpose"] for one in manifest["icons"]] == ["any", "any", "maskable"]
    for icon in manifest["icons"]:
        picture = await browser.get(host(place), icon["src"])
        side = Image.open(io.BytesIO(picture.content)).size
        assert f"{side[0]}x{side[1]}" == icon["sizes"]
        assert picture.headers["cache-control"] == "public, max-age=86400"


async def test_a_manifest_speaks_the_readers_language(browser: Browser) -> None:
    """Staff read English whatever they ask for."""
    arabic = json.loads((await browser.get(host("ib"), "/manifest.webmanifest?lang=ar")).text)
    staff = json.loads((await browser.get(host("team"), "/manifest.webmanifest?lang=ar")).text)

    assert (arabic["lang"], arabic["dir"]) == ("ar", "rtl")
    assert arabic["name"] == "Alpha Markets للشركاء"
    assert (staff["lang"], staff["dir"]) == ("en", "ltr")


async def test_two_brokerages_have_two_apps(browser: Browser) -> None:
    """Name and drawn icon differ; an old version's address is not kept."""
    icons, names = set(), set()
    for slug in ("alpha", "beta"):
        manifest = json.loads((await browser.get(host("my", slug), "/manifest.webmanifest")).text)
        names.add(manifest["name"])
        icons.add((await browser.get(host("my", slug), manifest["icons"][0]["src"])).content)
    old = await browser.get(host("my"), "/app-icon/192?v=of-yesterday")

    assert (len(names), len(icons)) == (2, 2)
    assert old.headers["cache-control"] == "no-store"
    assert (await browser.get(host("my"), "/app-icon/999")).status_code == 404


async def test_the_worker_may_run_and_differs_by_brand_and_language(browser: Browser) -> None:
    """The policy lets it; the browser asks anew each time."""
    answers = [
        await browser.get(host("my"), "/sw.js"),
        await browser.get(host("my"), "/sw.js?lang=de"),
        await browser.get(host("my", "beta"), "/sw.js"),
    ]
    policy = answers[0].headers["content-security-policy"]

    assert "worker-src 'self'; manifest-src 'self'" in policy
    assert answers[0].headers["content-type"].startswith("text/javascript")
    assert answers[0].headers["cache-control"] == "no-cache"
    assert len({one.text.splitlines()[0] for one in answers}) == 3


async def test_the_offline_page_is_about_nobody(
    web: Web, database: Database, tenant: TenantRef
) -> None:
    """The same for somebody who is signed in, without a script or another file."""
    browser = Browser(web)
    user = await trader(database, tenant)
    where = await enter(browser, user, tenant)
    mine = await browser.get(where, "/offline")
    anybody = Browser(web)
    page = await anybody.get(where, "/offline")
    await browser.close()
    await anybody.close()

    assert mine.text == page.text
    assert user.name not in mine.text
    assert user.email not in mine.text
    for part in ("<script", "<link", "src=", "csrf"):
        assert part not in mine.text


@pytest.mark.parametrize("place", ["www", "console"])
async def test_other_surfaces_are_no_apps(browser: Browser, place: str) -> None:
    """The public site and the vendor's console have neither manifest nor worker."""
    where = host(place) if place == "www" else "console.localhost"
    for path in ("/manifest.webmanifest", "/sw.js", "/events"):
        assert (await browser.get(where, path)).status_code == 404
