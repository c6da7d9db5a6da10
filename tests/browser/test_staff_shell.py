"""The shell of staff by keyboard alone: search as typed, all commands, looks on another device."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.eyes import Copy
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def _focused(page: Page) -> str:
    name: str = page.evaluate("document.activeElement.id || document.activeElement.tagName")
    return name


def test_search_and_commands_work_by_keyboard_alone(eyes: Browser, copy: Copy) -> None:
    """The slash, arrows, Enter and Esc; Ctrl K from anywhere; the focus comes back."""
    visitor = Visitor(eyes, copy)
    visitor.sign_in("owner", "meridian")
    visitor.go("team", "meridian", "/crm/clients")
    page = visitor.page
    name = page.locator("table tbody tr a").first.inner_text().split()[-1]

    page.keyboard.press("/")
    assert _focused(page) == "gs"
    page.keyboard.type(name[:4], delay=20)
    expect(page.locator("#gs")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#gs").get_attribute("aria-activedescendant")
    assert chosen
    expect(page.locator(f"#{chosen}")).to_have_attribute("aria-selected", "true")
    visitor.look()
    page.keyboard.press("Escape")
    expect(page.locator("#gs")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#gs")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert re.search(r"/crm/clients/[0-9a-f-]{36}$", page.url)
    visitor.look()

    page.locator(".side-toggle:visible").first.focus()
    page.keyboard.press("Control+k")
    expect(page.locator("dialog.pal [role=option]").first).to_be_visible()
    visitor.look()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.classList.contains('side-toggle')")
    page.keyboard.press("Control+k")
    page.keyboard.type("daily rev", delay=20)
    expect(page.locator("dialog.pal [role=option][aria-selected=true]")).to_contain_text(
        "Daily revenue"
    )
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/backoffice/revenue")
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.keys")).to_be_hidden()
    assert visitor.leave() == []


def test_looks_follow_the_person_to_another_device(eyes: Browser, copy: Copy) -> None:
    """Dark and compact rows chosen in one window are there in the next, before any script."""
    visitor = Visitor(eyes, copy)
    visitor.sign_in("admin", "meridian")
    visitor.go("team", "meridian", "/crm/leads")
    page = visitor.page
    page.locator(".foot-menu summary").click()
    with page.expect_response(re.compile("/preferences")):
        page.locator("[data-looks] button[value=regular]").click()
    before = page.locator("table tbody tr").first.bounding_box()
    with page.expect_response(re.compile("/preferences")):
        page.locator("[data-looks] button[value=dark]").click()
    with page.expect_response(re.compile("/preferences")):
        page.locator("[data-looks] button[value=compact]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    after = page.locator("table tbody tr").first.bounding_box()
    assert before
    assert after
    assert after["height"] < before["height"]
    with page.expect_response(re.compile("/preferences")):
        page.locator(".side-toggle:visible").first.click()

    cookies = page.context.cookies()
    other = eyes.new_context(java_script_enabled=False)
    other.add_cookies(cookies)  # type: ignore[arg-type]
    window = other.new_page()
    window.goto(copy.address("team", "meridian", "/home"))
    root = window.locator("html")
    try:
        expect(root).to_have_attribute("data-bs-theme", "dark")
        expect(root).to_have_attribute("data-density", "compact")
        expect(root).to_have_class(re.compile("side-collapsed"))
        window.goto(copy.address("team", "meridian", "/looks"))
        for value in ("system", "regular"):
            with window.expect_navigation():
                window.locator(f"main [data-looks] button[value={value}]").click()
        expect(root).to_have_attribute("data-density", "regular")
        expect(root).to_have_attribute("data-bs-theme", "light")
    finally:
        other.close()
    with page.expect_response(re.compile("/preferences")):
        page.locator(".side-toggle:visible").first.click()
    assert visitor.leave() == []
