"""The pictures of the README, taken from a running demo copy.

Usage: python -m bench.pictures --data FOLDER OUT     twelve pictures, WebP, 80 kB at most
       python -m bench.pictures --data FOLDER --gallery OUT     every page, both brands, two widths
"""

from __future__ import annotations

import argparse
import html
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from bench.eyes import PHONE, WIDE, Copy, chromium

BYTES_MAX = 80_000
Step = Callable[[Page], None]


def click(selector: str) -> Step:
    """Return a step that follows the first link found."""

    def step(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_load_state()

    return step


@dataclass(frozen=True)
class View:
    """One page to look at: whose it is, where it lies, and how to go on from there."""

    name: str
    who: str | None
    slug: str
    surface: str
    path: str = "/"
    size: tuple[int, int] = WIDE
    steps: tuple[Step, ...] = ()
    dark: bool = False


M, N = "meridian", "noor"
_LEAD = (click("main tbody a[href^='/crm/leads/']"),)
_CASE = (click("main a[href^='/backoffice/kyc/']"),)
_DAY = (click("main tbody a[href^='/backoffice/revenue/']"),)
_DEAL = (*_DAY, click("main tbody a[href^='/backoffice/revenue/deals/']"))
_COMMISSION = (click("main a[href^='/commissions/']:not([href*='export'])"),)

PICTURES = (
    View("landing", None, M, "www"),
    View("leads", "owner", M, "team", "/crm/leads"),
    View("lead", "owner", M, "team", "/crm/leads?stage=converted", steps=_LEAD),
    View("kyc-review", "compliance", M, "team", "/backoffice/kyc", steps=_CASE),
    View("trader-home", "trader", M, "my"),
    View("trader-home-arabic-phone", "trader", N, "my", size=PHONE),
    View("deposit-phone", "trader", M, "my", "/deposit", size=PHONE),
    View("revenue", "finance", M, "team", "/backoffice/revenue"),
    View("deal-arithmetic", "finance", M, "team", "/backoffice/revenue", steps=_DEAL),
    View("partner-dashboard-arabic", "partner", N, "ib"),
    View("console", "vendor", "", "console", "/tenants"),
    View("deposits-dark", "finance", N, "team", "/backoffice/deposits", dark=True),
)


def _pages(slug: str, size: tuple[int, int]) -> list[View]:
    """Return every page of a brand at one width."""
    found: list[tuple[str, str | None, str, str, tuple[Step, ...]]]
    found = [("landing", None, "www", "/", ()), ("embed", None, "www", "/embed/lead", ())]
    found += [("login", None, surface, "/login", ()) for surface in ("team", "my", "ib")]
    found += [("register", None, surface, "/register", ()) for surface in ("my", "ib")]
    staff = ("/crm/leads", "/crm/clients", "/crm/rules", "/backoffice",
             "/backoffice/kyc", "/backoffice/deposits", "/backoffice/revenue",
             "/backoffice/partners", "/backoffice/audit", "/settings/brand")  # fmt: skip
    found += [("staff", "owner", "team", path, ()) for path in staff]
    found += [
        ("lead", "owner", "team", "/crm/leads", _LEAD),
        ("client", "owner", "team", "/crm/clients", (click("main a[href^='/crm/clients/']"),)),
        ("kyc", "compliance", "team", "/backoffice/kyc", _CASE),
        ("deposit", "owner", "team", "/backoffice/deposits",
         (click("main tbody a[href^='/backoffice/deposits/']"),)),
        ("partner", "owner", "team", "/backoffice/partners",
         (click("main a[href^='/backoffice/partners/']"),)),
        ("day", "finance", "team", "/backoffice/revenue", _DAY),
        ("deal", "finance", "team", "/backoffice/revenue", _DEAL),
        ("account", "trader", "my", "/", (click("main a[href^='/accounts/']"),)),
        ("commission", "partner", "ib", "/commissions", _COMMISSION),
    ]  # fmt: skip
    found += [
        ("trader", "trader", "my", path, ()) for path in ("/", "/verification", "/deposit",
                                                            "/history", "/accounts")
    ]  # fmt: skip
    found += [
        ("portal", "partner", "ib", path, ())
        for path in ("/", "/referrals", "/commissions", "/balance")
    ]
    return [
        View(f"{name}{path.replace('/', '-').rstrip('-')}" if name != path else name, who, slug,
             surface, path, size, steps)
        for name, who, surface, path, steps in found
    ]  # fmt: skip


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
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        return page

    def close(self) -> None:
        """Close every context."""
        for context in self._contexts.values():
            context.close()


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


def gallery(data: Path, out: Path) -> list[str]:
    """Take every page of both brands at both widths; return what could not be opened."""
    out.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    missing: list[str] = []
    with chromium() as browser:
        studio = Studio(browser, Copy.of(data), scale=1)
        for slug in (M, N):
            for size in (WIDE, PHONE):
                for view in _pages(slug, size):
                    name = f"{slug}-{view.surface}-{view.name}-{size[0]}.webp"
                    try:
                        page = studio.open(view)
                    except Exception as error:  # noqa: BLE001 - the rest is worth seeing
                        missing.append(f"{name}: {str(error).splitlines()[0]}")
                        continue
                    (out / name).write_bytes(quick_webp(page.screenshot(full_page=True)))
                    page.close()
                    lines.append(
                        f"<figure><a href='{name}'><img loading='lazy' src='{name}'></a>"
                        f"<figcaption>{html.escape(name)}</figcaption></figure>"
                    )
        studio.close()
    style = "figure{display:inline-block;width:320px;vertical-align:top}img{width:100%}"
    (out / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>Gallery</title><style>{style}</style>"
        + "\n".join(lines),
        encoding="utf-8",
    )
    return missing


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.pictures")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--gallery", action="store_true")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    if options.gallery:
        print("\n".join(gallery(options.data, options.out)))
    else:
        take(options.data, options.out)
