"""The catalogue in a real browser: accessible, inside its width, and within the script policy."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from themes import catalogue

ROOT = Path(catalogue.__file__).parent.parent
AXE = ROOT / "node_modules/axe-core/axe.min.js"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = (
    "trader", "login", "landing", "components", "staff", "client", "deposit", "register", "forgot",
    "reset", "message", "thanks", "embed", "problem", "mail",
)  # fmt: skip
VENDOR_PAGES = ("home", "console", "mail")

_NOTHING = {"/favicon.ico", "/events"}
_PRODUCT = {
    "/sw.js": ("text/javascript", b"/* no worker */"),
    "/manifest.webmanifest": ("application/manifest+json", b"{}"),
}

pytestmark = pytest.mark.browser


class _Handler(SimpleHTTPRequestHandler):
    """Serves the catalogue with the product's content security policy."""

    def end_headers(self) -> None:
        """Add the policy to every answer."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def do_GET(self) -> None:
        """Answer shortly for what only the product has: icons, live updates, the installed app."""
        path = self.path.split("?")[0]
        kind, body = _PRODUCT.get(path, ("", b""))
        if kind:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif path in _NOTHING or path.startswith("/app-icon/"):
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The catalogue, written to a folder and served on a free port."""
    folder = tmp_path_factory.mktemp("catalogue")
    catalogue.write(folder)
    handler = functools.partial(_Handler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a network of its own."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


def _violations(page: Page) -> list[str]:
    found = page.evaluate(
        "rules => axe.run(document,"
        " {runOnly: rules, resultTypes: ['violations'], selectors: false})"
        ".then(r => r.violations.map("
        "v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' | ')))",
        RULES,
    )
    return [str(one) for one in found]


def _sideways(page: Page, where: str) -> list[str]:
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{where}: wider than the screen by {over} px"] if over > 0 else []


def _look(browser: Browser, address: str, folder: str, names: tuple[str, ...]) -> list[str]:
    """Every complaint about the pages of a brand, at three widths and in both modes."""
    complaints: list[str] = []

    def heard(said: Error | ConsoleMessage) -> None:
        if isinstance(said, Error) or said.type == "error":
            complaints.append(str(said if isinstance(said, Error) else said.text))

    for width, narrower in ((1280, 1280), (390, 360)):
        context = browser.new_context(
            viewport={"width": width, "height": 844}, reduced_motion="reduce"
        )
        page = context.new_page()
        page.on("pageerror", heard)
        page.on("console", heard)
        for name in names:
            where = f"{folder}/{name} at {width}"
            page.goto(f"{address}/{folder}/{name}.html")
            complaints += _sideways(page, where)
            page.set_viewport_size({"width": narrower, "height": 844})
            complaints += _sideways(page, f"{folder}/{name} at {narrower}")
            page.set_viewport_size({"width": width, "height": 844})
            page.evaluate(AXE.read_text(encoding="utf-8"))
            complaints += [f"{where}: {one}" for one in _violations(page)]
            page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
            complaints += [f"{where} dark: {one}" for one in _violations(page)]
        context.close()
    return complaints


@pytest.mark.parametrize("folder", ["meridian", "noor", "kestrel"])
def test_every_specimen_is_accessible_and_fits_its_screen(
    browser: Browser, address: str, folder: str
) -> None:
    """No WCAG A or AA violation, light or dark, and no sideways scrolling on phones."""
    assert _look(browser, address, folder, PAGES) == []


def test_the_vendor_pages_are_accessible_and_fit_their_screen(
    browser: Browser, address: str
) -> None:
    """The same for the vendor's own brand."""
    assert _look(browser, address, "marque", VENDOR_PAGES) == []


def test_the_drawer_of_the_staff_shell_opens_and_closes_on_a_phone(
    browser: Browser, address: str
) -> None:
    """The menu is out of sight, comes by its button, and goes by Escape with the focus back."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/meridian/staff.html")
    menu = page.get_by_role("navigation", name="Main")

    assert not menu.is_visible()
    page.get_by_role("button", name="Menu", exact=True).click()
    menu.wait_for(state="visible")
    page.keyboard.press("Escape")
    menu.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className").startswith("btn")
    page.close()


def test_dark_mode_is_remembered(browser: Browser, address: str) -> None:
    """The choice survives the next page, before the first paint."""
    context = browser.new_context(viewport={"width": 1280, "height": 844})
    page = context.new_page()
    page.goto(f"{address}/meridian/trader.html")
    page.locator("details.me summary").click()
    page.locator("button[data-theme]").click()
    page.goto(f"{address}/meridian/deposit.html")

    assert page.evaluate("document.documentElement.getAttribute('data-bs-theme')") == "dark"
    context.close()


def test_a_confirmation_opens_with_the_focus_on_cancel(browser: Browser, address: str) -> None:
    """A stray Enter must not reject anything."""
    page = browser.new_page(viewport={"width": 1280, "height": 844})
    page.goto(f"{address}/meridian/components.html")
    page.get_by_role("button", name="Confirm").click()
    dialog = page.locator("dialog#reject")

    assert dialog.is_visible()
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.close()


def test_a_page_of_a_brand_asks_no_other_host(browser: Browser, address: str) -> None:
    """Fonts, scripts and pictures all come from the brokerage's own host."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(f"{address}/meridian/components.html", wait_until="networkidle")
    except Error as refused:  # pragma: no cover - the message names the page
        pytest.fail(str(refused))

    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    page.close()
