"""The installed app in Chromium: manifest, worker, offline page, pushes, and the live bell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from bench.eyes import Copy
from identity import queries as identity_queries
from kernel.actor import TenantRef
from kernel.money import Money
from messaging import notifications
from tenants.ports import Ports
from tests.browser.inside import inside

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
_READY = "navigator.serviceWorker.ready.then(found => found.active && found.active.state)"
_SHOWN = (
    "navigator.serviceWorker.ready.then(found => found.getNotifications())"
    ".then(all => all.map(one => ({title: one.title, tag: one.tag, dir: one.dir,"
    " href: one.data.href})))"
)


@pytest.fixture
def context(eyes: Browser) -> Iterator[BrowserContext]:
    """A browser of its own."""
    made = eyes.new_context(viewport={"width": 390, "height": 844})
    yield made
    made.close()


def _installed(context: BrowserContext, copy: Copy, slug: str) -> Page:
    """Sign the trader in and wait until the worker serves their pages."""
    page = context.new_page()
    copy.sign_in(page, "trader", slug)
    page.goto(copy.address("my", slug, "/history"))
    assert page.evaluate(_READY) in ("activating", "activated")
    page.reload()
    return page


def _tell(data: Path, slug: str, title: str) -> None:
    """Tell the demo trader something from a process of its own, as the worker would."""

    async def work(ports: Ports, tenant: TenantRef) -> None:
        async with ports.database.tenant(tenant) as session:
            user = await identity_queries.user_by_email(
                session, kind="client", email=f"trader@{slug}.example"
            )
            assert user is not None
            await notifications.notify(
                session,
                user_id=user.id,
                kind="deposit",
                title=title,
                body="%(amount)s is in your wallet.",
                href="/history",
                facts={"amount": Money.of("12.50", "USD")},
            )
        await asyncio.sleep(0.2)

    inside(data, slug, work)


def _push(page: Page, context: BrowserContext, origin: str, message: dict[str, Any]) -> None:
    """Deliver a push to the page's worker, as the browser's push service does."""
    tools = context.new_cdp_session(page)
    found: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(
            one["registrationId"]
            for one in event["registrations"]
            if one["scopeURL"] == f"{origin}/" and not one["isDeleted"]
        ),
    )
    tools.send("ServiceWorker.enable")
    for _ in range(50):
        if found:
            break
        page.wait_for_timeout(100)
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": found[0], "data": json.dumps(message)},
    )


@pytest.mark.parametrize(
    ("slug", "words"), [("meridian", "No connection"), ("noor", "لا يوجد اتصال")]
)
def test_without_a_connection_the_app_says_so_in_its_own_face(
    context: BrowserContext, copy: Copy, slug: str, words: str
) -> None:
    """In the brand and language, and with nothing of a page that was read before."""
    page = _installed(context, copy, slug)
    context.set_offline(True)
    page.goto(copy.address("my", slug, "/deposit"))
    text = page.locator("body").inner_text()
    kept = page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(name => caches.open(name)"
        ".then(one => one.keys())))).then(all => all.flat().map(one => new URL(one.url)))"
        ".then(all => all.map(one => [one.pathname, one.search]))"
    )
    context.set_offline(False)
    page.get_by_role("link").click()
    page.wait_for_url("**/deposit*")

    assert words in text
    assert page.locator("#content").count() == 1
    assert ["/offline", ""] in kept
    for path, query in kept:
        assert path == "/offline" or "v=" in query, path
        assert not path.startswith(("/history", "/deposit", "/notifications")), path


def test_a_push_is_shown_and_its_click_stays_on_the_host(
    context: BrowserContext, copy: Copy
) -> None:
    """Delivered through the DevTools protocol to the page's own worker."""
    origin = copy.address("my", "meridian", "").rstrip("/")
    context.grant_permissions(["notifications"], origin=origin)
    page = _installed(context, copy, "meridian")
    message = {"title": "Deposit credited", "href": "/notifications", "tag": "t1", "dir": "rtl"}
    _push(page, context, origin, message)
    for _ in range(50):
        if page.evaluate(_SHOWN):
            break
        page.wait_for_timeout(100)

    assert page.evaluate(_SHOWN) == [
        {"title": "Deposit credited", "tag": "t1", "dir": "rtl", "href": "/notifications"}
    ]
    # The same push again, as after a repeated attempt, is still one.
    _push(page, context, origin, message)
    page.wait_for_timeout(400)
    assert len(page.evaluate(_SHOWN)) == 1


@pytest.mark.parametrize("slug", ["meridian", "noor"])
@pytest.mark.parametrize("surface", ["my", "ib", "team"])
def test_each_surface_is_an_app_of_its_brand(
    context: BrowserContext, copy: Copy, slug: str, surface: str
) -> None:
    """Chromium reads the manifest without a complaint and fetches icons of the stated sizes."""
    page = context.new_page()
    page.goto(copy.address(surface, slug, "/login"))
    tools = context.new_cdp_session(page)
    found = tools.send("Page.getAppManifest")
    manifest = json.loads(found["data"])
    sizes = page.evaluate(
        "icons => Promise.all(icons.map(one => fetch(one.src).then(a => a.blob())"
        ".then(createImageBitmap).then(image => image.width + 'x' + image.height)))",
        manifest["icons"],
    )

    assert found["errors"] == []
    assert sizes == [one["sizes"] for one in manifest["icons"]] == ["192x192", "512x512", "512x512"]
    assert manifest["dir"] == ("rtl" if slug == "noor" and surface != "team" else "ltr")
    assert manifest["name"].startswith("Meridian" if slug == "meridian" else "Noor")
    assert page.locator("link[rel=apple-touch-icon]").count() == 1


def test_what_is_told_shows_on_the_open_page(
    context: BrowserContext, copy: Copy, data: Path
) -> None:
    """A toast that is read out, a link to what it is about, and one more on the bell."""
    page = _installed(context, copy, "meridian")
    bell = page.locator("[data-bell-count]").first
    before = "" if bell.is_hidden() else bell.inner_text()
    page.wait_for_timeout(1500)
    _tell(data, "meridian", "Deposit credited")
    toast = page.locator(".toasts[role=status] .toast-link")
    toast.wait_for(timeout=20_000)

    assert "Deposit credited" in toast.inner_text()
    assert "12.50" in toast.inner_text()
    assert bell.inner_text() == str(int(before or "0") + 1)
    toast.click()
    page.wait_for_url("**/history")
