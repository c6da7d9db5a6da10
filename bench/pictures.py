"""The pictures of the README, taken from a running demo copy.

Usage: python -m bench.pictures --data FOLDER OUT     twelve pictures, WebP, 80 kB at most
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from bench.eyes import PHONE, Copy, chromium
from bench.pages import CASE, DEAL, LEAD, View

BYTES_MAX = 80_000
_DRAWN = "[...document.querySelectorAll('[data-chart]')].every(one => one.querySelector('svg'))"
_LOOKS_MAX = 150
M, N = "meridian", "noor"
PICTURES = (
    View("landing", None, M, "www"),
    View("leads", "owner", M, "team", "/crm/leads"),
    View("lead", "owner", M, "team", "/crm/leads?stage=converted", steps=LEAD),
    View("kyc-review", "compliance", M, "team", "/backoffice/kyc", steps=CASE),
    View("trader-home", "trader", M, "my"),
    View("trader-home-arabic-phone", "trader", N, "my", size=PHONE),
    View("deposit-phone", "trader", M, "my", "/deposit", size=PHONE),
    View("revenue", "finance", M, "team", "/backoffice/revenue"),
    View("deal-arithmetic", "finance", M, "team", "/backoffice/revenue/deals", steps=DEAL),
    View("partner-dashboard-arabic", "partner", N, "ib"),
    View("console", "vendor", "", "console", "/tenants"),
    View("deposits-dark", "finance", N, "team", "/backoffice/deposits", dark=True),
)


class Studio:
    """Keeps one signed-in context for each person and width."""

    def __init__(self, browser: Browser, copy: Copy, *, scale: float = 2) -> None:
        """Take the browser and the copy; `scale` is that of a telephone's pixels."""
        self._browser = browser
        self._scale = scale
        self._copy = copy
        self._contexts: dict[tuple[str | None, str, tuple[int, int]], BrowserContext] = {}

    def open(self, view: View) -> Page:
        """Return the view's page, ready to be looked at; raise ValueError when it is refused."""
        key = (view.who, view.slug, view.size)
        if key not in self._contexts:
            width, height = view.size
            context = self._browser.new_context(
                viewport={"width": width, "height": height},
                device_scale_factor=self._scale if view.size == PHONE else 1,
                reduced_motion="reduce",
            )
            if view.who is not None:
                page = context.new_page()
                self._copy.sign_in(page, view.who, view.slug)
                page.close()
            self._contexts[key] = context
        page = self._contexts[key].new_page()
        answer = page.goto(self._copy.address(view.surface, view.slug, view.path))
        if answer is None or answer.status != 200:
            raise ValueError(f"{page.url} answered {answer.status if answer else 'nothing'}")
        for step in view.steps:
            step(page)
        if view.dark:
            page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
        still(page)
        return page

    def close(self) -> None:
        """Close every context."""
        for context in self._contexts.values():
            context.close()


def still(page: Page) -> None:
    """Wait until nothing more comes: pages with live updates keep one line open for ever."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => 0)")
    for _ in range(_LOOKS_MAX):  # the page's policy lets nobody wait inside it
        if page.evaluate(_DRAWN):
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(200)


def quick_webp(png: bytes) -> bytes:
    """Return a picture as WebP, made in a moment."""
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(out, "WEBP", quality=60, method=0)
    return out.getvalue()


def webp(png: bytes) -> bytes:
    """Return a picture as WebP of at most 80 kB, at the best quality that fits."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    data = b""
    for quality in (88, 80, 70, 60, 50, 40):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        data = out.getvalue()
        if len(data) <= BYTES_MAX:
            break
    return data


def take(data: Path, out: Path) -> None:
    """Take the pictures of the README."""
    out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        studio = Studio(browser, Copy.of(data))
        for view in PICTURES:
            page = studio.open(view)
            picture = webp(page.screenshot())
            page.close()
            (out / f"{view.name}.webp").write_bytes(picture)
            print(f"{view.name:<30}{len(picture) / 1000:6.1f} kB", flush=True)
        studio.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.pictures")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    take(options.data, options.out)
