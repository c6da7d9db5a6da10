"""The editor of templates in a browser: suggestions by keyboard, the look, a test mail."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.eyes import Copy
from infra.walk.inbox import Inbox
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
_PATH = "/settings/templates/kyc_approved/en"
_PATIENCE_SECONDS = 90


@pytest.fixture
def author(eyes: Browser, copy: Copy) -> Visitor:
    """The owner of meridian."""
    made = Visitor(eyes, copy)
    made.sign_in("owner", "meridian")
    return made


def _clear(page: Page) -> None:
    page.locator("#f-source").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")


def test_names_are_completed_by_the_keyboard(author: Visitor) -> None:
    """Braces, arrows and Enter write a variable, a filter and a tag with its end."""
    author.go("team", "meridian", f"{_PATH}/subject")
    page, area, list_ = (
        author.page,
        author.page.locator("#f-source"),
        author.page.locator("#ted-pop"),
    )
    _clear(page)

    page.keyboard.type("Hello {{ ")
    expect(list_).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.type("supp")
    expect(list_.locator("[aria-selected=true]")).to_contain_text("brand.support_email")
    page.keyboard.press("Enter")
    expect(area).to_have_value("Hello {{ brand.support_email }}")
    expect(list_).to_be_hidden()

    _clear(page)
    page.keyboard.type("{{ name | up")
    expect(list_.locator("[aria-selected=true]")).to_contain_text("upcase")
    page.keyboard.press("Tab")
    page.keyboard.type(" }}")
    expect(area).to_have_value("{{ name | upcase }}")

    _clear(page)
    page.keyboard.type("{%if")
    page.keyboard.press("Enter")
    page.keyboard.type("na")
    page.keyboard.press("Enter")
    expect(area).to_have_value("{% if name %}{% endif %}")

    _clear(page)
    page.keyboard.type("{{ ")
    page.keyboard.press("Escape")
    expect(list_).to_be_hidden()
    expect(area).to_have_value("{{ ")
    page.keyboard.press("Control+z")
    assert [one for one in author.complaints if "/settings/templates" in one] == []


def test_what_is_typed_is_seen_and_an_error_is_at_its_line(author: Visitor) -> None:
    """The frame shows the mail in the brand; a wrong name marks its line, and is forgiven."""
    author.go("team", "meridian", f"{_PATH}/html")
    page = author.page
    frame = page.frame_locator("[data-page]")
    _clear(page)
    page.keyboard.insert_text("<p>Good news, {{ name }}.</p>")
    expect(frame.locator("body")).to_contain_text("Good news, Omar Haddad.")
    page.keyboard.insert_text("\n<p>{{ nmae }}</p>")
    expect(page.locator("#ted-error")).to_contain_text("Did you mean name?")
    expect(page.locator("[data-lines] b")).to_have_text("2")
    page.keyboard.press("Control+z")
    expect(page.locator("#ted-error")).to_be_hidden()


def test_a_test_mail_arrives_in_the_inbox(author: Visitor, copy: Copy) -> None:
    """With [Test] in its subject, at the address of whoever pressed the button."""
    author.go("team", "meridian", f"{_PATH}/subject")
    page = author.page
    _clear(page)
    mark = f"Seen at {time.time_ns()}"
    page.keyboard.insert_text(mark + " {{ name }}")
    with page.expect_navigation():
        page.get_by_role("button", name="Send me a test").click()
    said = page.locator(".note.p").inner_text()
    email = said.rpartition(" ")[2].rstrip(".")

    inbox, deadline = Inbox(copy.inbox), time.monotonic() + _PATIENCE_SECONDS
    subjects: list[str] = []
    while time.monotonic() < deadline and f"[Test] {mark} Omar Haddad" not in subjects:
        subjects = [mail.subject for mail in inbox.mails_to(email)]
        time.sleep(0.3)
    assert f"[Test] {mark} Omar Haddad" in subjects
