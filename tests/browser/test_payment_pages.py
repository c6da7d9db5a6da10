"""The hosted pages of the payment counterparts as a person sees and clicks them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import judge
from tests.connectors.payments.simulator import test_praxis as praxis
from tests.connectors.payments.simulator import test_skrill as skrill
from tests.connectors.payments.simulator import test_vpg as vpg
from tests.connectors.payments.simulator.merchant import Merchant
from tests.fixtures.psp_simulator import PspSimulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """A simulator of this module."""
    made = PspSimulator()
    yield made
    made.stop()


@pytest.fixture
def endpoint() -> Iterator[Merchant]:
    """The merchant's address for callbacks."""
    made = Merchant()
    yield made
    made.close()


def _pages(simulator: PspSimulator, endpoint: Merchant) -> dict[str, str]:
    """Open one payment of each protocol; return the addresses of their pages."""
    account = simulator.open_merchant("crypto", name="Noor Markets")
    body = {"price_amount": 1250, "price_currency": "usd", "pay_currency": "btc", "order_id": "D"}
    headers = {"x-api-key": account["credentials"]["api_key"]}
    made = httpx.post(f"{simulator.url}/v1/invoice", json=body, headers=headers).json()
    wallet = praxis.Shop(simulator)
    wallet.endpoint.close()
    return {
        "praxis": wallet.session("DEP-1")["redirect_url"],
        "payout": wallet.session("WDR-1", intent="withdrawal")["redirect_url"],
        "skrill": skrill.Shop(simulator, endpoint).page("DEP-1"),
        "vpg": vpg.Shop(simulator, endpoint).page("DEP-1"),
        "crypto": made["invoice_url"],
    }


def _flaws(page: Page) -> list[str]:
    judge.prepare(page)
    return [*judge.violations(page), *judge.sideways(page), *judge.cut_off(page)]


@pytest.mark.parametrize("width", [390, 1280])
def test_each_page_can_be_read_by_everybody_and_asks_no_other_host(
    eyes: Browser, simulator: PspSimulator, endpoint: Merchant, width: int
) -> None:
    """WCAG 2.2 AA, no wider than the screen, no cut words, also with an error beside its field."""
    context = eyes.new_context(viewport={"width": width, "height": 844}, bypass_csp=True)
    page = context.new_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    flaws = {}
    for name, address in _pages(simulator, endpoint).items():
        page.goto(address)
        flaws[name] = _flaws(page)
        if page.locator("#amount").count():
            page.get_by_label("another amount").check()
            page.get_by_label("Amount that is sent").fill("much")
            page.get_by_role("button", name="Continue").click()
            expect(page.locator("#amount-wrong")).to_be_visible()
            flaws[f"{name} wrong"] = _flaws(page)
    assert not any(flaws.values()), json.dumps(flaws, indent=1)
    assert asked <= {urlsplit(simulator.url).netloc, ""}
    context.close()


def test_a_person_pays_by_keyboard_and_is_sent_back(
    eyes: Browser, simulator: PspSimulator, endpoint: Merchant
) -> None:
    """Arrow keys choose, Enter pays; the money moved once."""
    page = eyes.new_context().new_page()
    sent_to: list[str] = []
    page.on("request", lambda request: sent_to.append(request.url))
    shop = skrill.Shop(simulator, endpoint)
    page.goto(shop.page("DEP-9"))
    page.get_by_label("Pay", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Pay, processed later")).to_be_checked()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    endpoint.wait(1)
    page.wait_for_timeout(500)
    assert "http://noor.localhost/ok" in sent_to
    assert [one["kind"] for one in simulator.moves(reference="DEP-9")] == ["deposit"]
    page.context.close()
