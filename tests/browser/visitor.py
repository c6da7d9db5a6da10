"""A person at a browser whose every page is looked at: WCAG, width, console, foreign hosts."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, expect

from bench.eyes import PHONE, WIDE, Copy
from tests.browser import judge


class Visitor:
    """One person in one context; `complaints` collects whatever is wrong with their pages."""

    def __init__(self, browser: Browser, copy: Copy) -> None:
        """Open a window of a desktop's size."""
        self.copy = copy
        self.complaints: list[str] = []
        self._context = browser.new_context(
            viewport={"width": WIDE[0], "height": WIDE[1]}, reduced_motion="reduce"
        )
        self.page: Page = self._context.new_page()
        self._elsewhere = re.compile(r"^$")
        self.page.on("pageerror", lambda error: self._note(f"script: {error}"))
        self.page.on(
            "console", lambda said: self._note(f"console: {said.text}", said.type == "error")
        )
        self.page.on("request", self._requested)

    def allow(self, address: str) -> None:
        """Expect a visit to another server, such as the payment provider's."""
        parts = urlsplit(address)
        self._elsewhere = re.compile(f"^{re.escape(f'{parts.scheme}://{parts.netloc}')}(/|$)")

    def go(self, surface: str, slug: str, path: str = "/") -> None:
        """Type an address, and look at the page."""
        answer = self.page.goto(self.copy.address(surface, slug, path))
        assert answer is not None
        assert answer.status == 200, (self.page.url, answer.status)
        self.look()

    def sign_in(self, who: str, slug: str = "") -> None:
        """Sign in by the form, and look at what comes then."""
        before = len(self.complaints)
        self.copy.sign_in(self.page, who, slug)
        # A code that was used in the same half minute is refused (422), and the next one is typed.
        self.complaints[before:] = [one for one in self.complaints[before:] if "422" not in one]
        self.look()

    def follow(self, selector: str) -> None:
        """Click the first link of that kind, and look at where it leads."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.look()

    def fill(self, **values: str) -> None:
        """Type into the fields of these names; a select is set by its value."""
        for name, value in values.items():
            field = self.page.locator(f"main [name='{name}'], form [name='{name}']").first
            if field.evaluate("element => element.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def send(self, label: str) -> None:
        """Press the button of that name, and look at the answer."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=label, exact=False).first.click()
        self.look()

    def reads(self, text: str) -> None:
        """The page shows that text."""
        expect(self.page.locator("body")).to_contain_text(text)

    def look(self, *, dark: bool = False) -> None:
        """Judge the page as it stands, wide and as on a phone, and note what is wrong."""
        page = self.page
        page.wait_for_load_state("load")
        where = page.url
        judge.prepare(page)
        for size in (WIDE, PHONE):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            for found in judge.faults(page):
                self._note(f"{where} at {size[0]}: {found}")
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        if dark:
            page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
            for found in judge.violations(page):
                self._note(f"{where} dark: {found}")
            page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'light')")

    def leave(self) -> list[str]:
        """Close the window and return every complaint."""
        self._context.close()
        return self.complaints

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        ours = parts.port == self.copy.port and host.endswith(self.copy.domain)
        if parts.scheme in ("http", "https") and not ours:
            self._note(f"asked {request.url}", not self._elsewhere.match(request.url))

    def _note(self, complaint: str, wrong: bool = True) -> None:  # noqa: FBT001, FBT002
        if wrong:
            self.complaints.append(complaint)
