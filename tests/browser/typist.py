"""A person without a mouse: Tab, Enter, Space, letters, and nothing else.

Whoever is reached must be seen to be reached: each stop has a ring, on itself or on what stands
for it. A page that keeps the focus, or on which something can't be come to, fails.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as NothingHappened

from bench.eyes import WIDE, Copy

STOPS_MAX = 300
_AT = """([selector, words]) => !!document.activeElement
  && document.activeElement.matches(selector)
  && document.activeElement.textContent.includes(words)"""
_RING = """() => {
  const at = document.activeElement;
  const near = [at, at.parentElement, at.nextElementSibling, at.closest('label')];
  const label = at.id && document.querySelector(`label[for="${CSS.escape(at.id)}"]`);
  return [...near, label].filter(Boolean).some(element => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== 'none';
  });
}"""
_WHERE = "() => document.activeElement ? document.activeElement.outerHTML.slice(0, 120) : 'nowhere'"


class Typist:
    """One person at a keyboard."""

    def __init__(self, browser: Browser, copy: Copy) -> None:
        """Open a window of a desktop's size."""
        self.copy = copy
        self._context = browser.new_context(
            viewport={"width": WIDE[0], "height": WIDE[1]}, reduced_motion="reduce"
        )
        self.page: Page = self._context.new_page()

    def go(self, surface: str, slug: str, path: str = "/") -> None:
        """Type an address."""
        answer = self.page.goto(self.copy.address(surface, slug, path))
        assert answer is not None
        assert answer.status == 200, (self.page.url, answer.status)

    def reach(self, selector: str, words: str = "") -> None:
        """Press Tab until what the selector names, with these words, has the focus and a ring."""
        passed: list[str] = []
        for _ in range(STOPS_MAX):
            if self.page.evaluate(_AT, [selector, words]):
                where = self.page.evaluate(_WHERE)
                assert self.page.evaluate(_RING), f"no ring on {where}"
                return
            self.page.keyboard.press("Tab")
            passed.append(self.page.evaluate(_WHERE))
        raise AssertionError(f"{selector} can't be reached on {self.page.url}: {passed[-6:]}")

    def type(self, selector: str, text: str) -> None:
        """Reach a field and write into it; a list takes the first letters of its choice."""
        self.reach(selector)
        self.page.keyboard.type(text)

    def press(self, selector: str, key: str = "Enter", *, words: str = "") -> None:
        """Reach something and press a key there."""
        self.reach(selector, words)
        self.page.keyboard.press(key)

    def follow(self, selector: str, key: str = "Enter", *, words: str = "") -> None:
        """Reach a link or a button, press a key there and wait for the page it leads to."""
        self.reach(selector, words)
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def tick(self, selector: str) -> None:
        """Reach every box of that kind that is empty, and tick it."""
        for box in self.page.locator(selector).all():
            if not box.is_checked():
                identity = box.evaluate("element => element.name || element.id")
                self.press(f"{selector}[name='{identity}'], {selector}[id='{identity}']", "Space")
                assert box.is_checked()

    def choose_file(self, selector: str, file: Path) -> None:
        """Open the dialog for files from the keyboard, and choose one.

        In one run of the whole suite no dialog came in 30 seconds, for a reason not found: a person
        reaches the field and presses again.
        """
        for patience in (5_000, 10_000, 30_000):
            self.reach(selector)
            try:
                with self.page.expect_file_chooser(timeout=patience) as chooser:
                    self.page.keyboard.press("Space")
            except NothingHappened:
                if patience == 30_000:
                    raise
            else:
                chooser.value.set_files(file)
                return

    def until(self, there: Callable[[], bool], *, what: str) -> None:
        """Wait until something is so; the page is loaded anew each time."""
        for _ in range(180):
            if there():
                return
            self.page.wait_for_timeout(500)
            self.page.reload()
        raise AssertionError(f"waited for {what} on {self.page.url}")

    def leave(self) -> None:
        """Close the window."""
        self._context.close()
