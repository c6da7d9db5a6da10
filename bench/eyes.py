"""A Chromium that sees a running copy as people do: hosts under its domain, this machine only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from identity import logins, totp
from identity.logins import Kept
from kernel.clock import now

CHROMIUM = Path("/usr/bin/chromium")
WIDE, PHONE = (1280, 800), (390, 844)
PEOPLE = {
    "sales": ("team", "aisha"),
    "owner": ("team", "olivia"),
    "compliance": ("team", "petra"),
    "finance": ("team", "stefan"),
    "admin": ("team", "adam"),
    "trader": ("my", "trader"),
    "partner": ("ib", "ib"),
}


@dataclass(frozen=True)
class Copy:
    """A running copy: where it listens and who may sign in with which password."""

    domain: str
    port: int
    inbox: str
    people: dict[str, dict[str, Kept]]

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
        email, kept = next(
            (one, kept) for one, kept in self.people[group].items() if one.startswith(f"{name}@")
        )
        address = self.address(surface, "" if who == "vendor" else slug, "/login")
        if kept.authenticator and _goes_on(page, address, kept.authenticator):
            return
        page.goto(address)
        page.locator("input[name=email]").fill(email)
        page.locator("input[name=password]").fill(kept.password)
        page.locator(
            "main button[type=submit], form[method=post] button[type=submit]"
        ).first.click()
        page.wait_for_url(lambda address: not address.split("?")[0].endswith("/login"))
        if kept.authenticator:
            _second_step(page, kept.authenticator)


# Sessions of people with an authenticator, by their secret: a code is good for one sign-in, so
# another window of the same person goes on with the session that is there.
_SESSIONS: dict[str, list[Any]] = {}
_ATTEMPTS = 4


def _goes_on(page: Page, address: str, secret: str) -> bool:
    """Take over the session that was opened before; say whether it is still good."""
    if secret not in _SESSIONS:
        return False
    page.context.add_cookies(_SESSIONS[secret])
    page.goto(address)
    return "/login" not in page.url


def _second_step(page: Page, secret: str) -> None:
    """Type codes until one is new: somebody else may have used the present one."""
    step = totp.step_at(now())
    for _ in range(_ATTEMPTS):
        while step > totp.step_at(now()) + totp.STEPS_OFF:
            time.sleep(0.5)
        page.locator("input[name=code]").fill(totp.code_of(secret, step))
        with page.expect_navigation():
            page.locator("form:has(input[name=code]) button[type=submit]").click()
        if "/login" not in page.url:
            break
        step += 1
    page.wait_for_url(lambda address: "/login" not in address)
    _SESSIONS[secret] = [
        {"name": one["name"], "value": one["value"], "url": page.url}
        for one in page.context.cookies(page.url)
        if one["name"].endswith("marque")
    ]


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
