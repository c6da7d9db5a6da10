"""A Chromium that sees a running copy as people do: hosts under its domain, this machine only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from identity import logins

CHROMIUM = Path("/usr/bin/chromium")
WIDE, PHONE = (1280, 800), (390, 844)
PEOPLE = {
    "sales": ("team", "aisha"),
    "owner": ("team", "olivia"),
    "compliance": ("team", "petra"),
    "finance": ("team", "stefan"),
    "trader": ("my", "trader"),
    "partner": ("ib", "ib"),
}


@dataclass(frozen=True)
class Copy:
    """A running copy: where it listens and who may sign in with which password."""

    domain: str
    port: int
    inbox: str
    passwords: dict[str, dict[str, str]]

    @classmethod
    def of(cls, data: Path) -> Copy:
        """Read what `marque up` left beside its data; raise FileNotFoundError without it."""
        kept = json.loads((data / "environment.json").read_text())
        return cls(
            kept["MARQUE_DOMAIN"],
            int(kept["MARQUE_PORT"]),
            kept.get("MARQUE_INBOX_URL", ""),
            logins.known(data),
        )

    def address(self, surface: str, slug: str, path: str = "/") -> str:
        """Return the address of a page; the console and the vendor have no slug."""
        host = ".".join(part for part in (surface, slug, self.domain) if part)
        return f"http://{host}:{self.port}{path}"

    def sign_in(self, page: Page, who: str, slug: str) -> None:
        """Sign somebody in by the form of their surface.

        `who` is one of PEOPLE, the first name of a colleague, or `vendor` for the console.
        """
        surface, name = ("console", "vera") if who == "vendor" else PEOPLE.get(who, ("team", who))
        group = "console" if who == "vendor" else slug
        email = next(one for one in self.passwords[group] if one.startswith(f"{name}@"))
        page.goto(self.address(surface, "" if who == "vendor" else slug, "/login"))
        page.locator("input[name=email]").fill(email)
        page.locator("input[name=password]").fill(self.passwords[group][email])
        page.locator(
            "main button[type=submit], form[method=post] button[type=submit]"
        ).first.click()
        page.wait_for_url(lambda address: "/login" not in address)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium that resolves names under localhost to this machine and nothing else."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--host-resolver-rules=MAP *.localhost 127.0.0.1",
            ],
        )
        try:
            yield browser
        finally:
            browser.close()
