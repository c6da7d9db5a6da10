"""The flows of the walk, without a mouse."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.eyes import Copy
from infra.walk.pictures import document
from tests.browser.newcomers import PASSWORD, link_in_mail
from tests.browser.typist import Typist

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def _signed_in(eyes: Browser, copy: Copy, who: str, slug: str = "") -> Typist:
    typist = Typist(eyes, copy)
    copy.sign_in(typist.page, who, slug)
    return typist


def test_the_first_stop_of_every_page_leads_past_the_menu(eyes: Browser, copy: Copy) -> None:
    """The link to the content comes first, is seen, and moves the focus there."""
    owner = _signed_in(eyes, copy, "owner", "meridian")
    owner.go("team", "meridian", "/crm/leads")
    owner.page.keyboard.press("Tab")
    assert owner.page.evaluate("document.activeElement.matches('a.skip')")
    owner.page.keyboard.press("Enter")
    owner.page.keyboard.press("Tab")
    assert owner.page.evaluate("!!document.activeElement.closest('#content')")
    owner.leave()


def test_a_visitor_asks_for_a_call_and_sales_make_a_client_of_them_by_keyboard(
    eyes: Browser, copy: Copy
) -> None:
    """The lead form, the search of the list, the lead, and the dialog that converts it."""
    mark = secrets.token_hex(3)
    visitor = Typist(eyes, copy)
    visitor.go("www", "meridian")
    form = "form[action='/leads']"
    visitor.type(f"{form} [name=first_name]", "Kim")
    visitor.type(f"{form} [name=last_name]", f"Keys{mark}")
    visitor.type(f"{form} [name=email]", f"kim.{mark}@example.com")
    visitor.type(f"{form} [name=phone]", f"+4915{secrets.randbelow(10**9):09}")
    visitor.type(f"{form} [name=country]", "Germany")
    visitor.tick(f"{form} input[type=checkbox]")
    visitor.follow(f"{form} button[type=submit]")
    assert visitor.page.url.endswith("/thanks")
    visitor.leave()

    owner = _signed_in(eyes, copy, "owner", "meridian")
    owner.go("team", "meridian", "/crm/leads")
    owner.type("main input[name=q]", f"Keys{mark}")
    with owner.page.expect_navigation():
        owner.page.keyboard.press("Enter")
    owner.follow("main tbody a[href^='/crm/leads/']")
    found = re.search(r"Owner (\w+)", owner.page.locator("main").inner_text())
    assert found is not None
    owner.leave()

    seller = _signed_in(eyes, copy, found.group(1).lower(), "meridian")
    seller.go("team", "meridian", f"/crm/leads?q=Keys{mark}")
    seller.follow("main tbody a[href^='/crm/leads/']")
    seller.press("button", words="Convert to client")
    seller.page.locator("dialog[open]").wait_for(state="visible")
    seller.page.keyboard.press("Escape")
    assert seller.page.locator("dialog[open]").count() == 0
    assert seller.page.evaluate("document.activeElement.textContent").strip() != ""
    seller.press("button", words="Convert to client")
    seller.follow("dialog[open] button[type=submit]")
    assert "CL-" in seller.page.locator("main").inner_text()
    seller.leave()


def test_a_trader_registers_is_verified_and_pays_in_by_keyboard(
    eyes: Browser, copy: Copy, tmp_path: Path
) -> None:
    """Registration, documents, approval by compliance, and the deposit."""
    mark = secrets.token_hex(3)
    email = f"tess.{mark}@example.com"
    trader = Typist(eyes, copy)
    _register(trader, mark, email)
    _send_documents(trader, tmp_path, mark)

    petra = _signed_in(eyes, copy, "compliance", "meridian")
    petra.go("team", "meridian", f"/backoffice/kyc?q=Typist{mark}")
    petra.follow("main a[href^='/backoffice/kyc/']")
    petra.type("main [name=reason]", "Documents match the profile.")
    petra.follow("button", words="Approve")
    petra.leave()

    trader.go("my", "meridian", "/")
    trader.until(
        lambda: trader.page.locator("main a[href^='/accounts/']").count() > 0, what="the account"
    )
    _pay_in(trader)
    trader.leave()


def _register(trader: Typist, mark: str, email: str) -> None:
    trader.go("my", "meridian", "/register")
    form = "form[method=post]"
    trader.type(f"{form} [name=first_name]", "Tess")
    trader.type(f"{form} [name=last_name]", f"Typist{mark}")
    trader.type(f"{form} [name=email]", email)
    trader.type(f"{form} [name=phone]", f"+4916{secrets.randbelow(10**9):09}")
    trader.type(f"{form} [name=country]", "Germany")
    trader.type(f"{form} [name=password]", PASSWORD)
    trader.tick(f"{form} input[type=checkbox]")
    trader.follow(f"{form} button[type=submit]:not(.eye)")
    trader.page.goto(link_in_mail(trader.copy, email, "/verify/"))


def _send_documents(trader: Typist, folder: Path, mark: str) -> None:
    trader.go("my", "meridian", "/verification")
    facts = "form[action='/verification/facts']"
    trader.reach(f"{facts} [name=born_on]")
    trader.page.keyboard.type("05171990")
    trader.type(f"{facts} [name=address]", "12 Walk Lane, Berlin")
    trader.type(f"{facts} [name=document_number]", f"P{mark}".upper())
    trader.follow(f"{facts} button[type=submit]")
    for kind in ("passport", "proof_of_address", "selfie"):
        picture = folder / f"{kind}.png"
        picture.write_bytes(document(f"{mark}-{kind}"))
        form = f"form[action='/verification/documents/{kind}']"
        if not trader.page.locator(form).is_visible():
            trader.press(f"details:has({form}) > summary")
        trader.choose_file(f"{form} input[type=file]", picture)
        trader.follow(f"{form} button[type=submit]")
    trader.follow("form[action='/verification/submit'] button[type=submit]")


def _pay_in(trader: Typist) -> None:
    trader.go("my", "meridian", "/deposit")
    trader.press("input[name=target]", "Space")
    trader.type("input[name=amount]", "250")
    trader.follow("form[action='/deposit'] button[type=submit]")
    trader.page.wait_for_url("**/pay/**")
    trader.type("input[name=number]", "4242424242424242")
    trader.type("input[name=expiry]", "12 / 39")
    trader.type("input[name=cvc]", "123")
    trader.press("button[type=submit]")
    trader.page.wait_for_url("**/deposit/DEP-**")
    assert "250.00" in trader.page.locator("main").inner_text()


def test_finance_a_partner_and_the_vendor_come_to_their_figures_by_keyboard(
    eyes: Browser, copy: Copy
) -> None:
    """Revenue down to a deal, a commission explained, a brokerage's provisioning."""
    finance = _signed_in(eyes, copy, "finance", "meridian")
    finance.go("team", "meridian", "/backoffice/revenue")
    finance.follow("main tbody a[href^='/backoffice/revenue/']")
    finance.follow("main a[href^='/backoffice/revenue/deals?']")
    finance.follow("main tbody a[href^='/backoffice/revenue/deals/']")
    assert "Mark-up" in finance.page.locator("main").inner_text()
    finance.leave()

    partner = _signed_in(eyes, copy, "partner", "noor")
    partner.follow("nav a[href='/commissions']")
    partner.follow("main a[href^='/commissions/']:not([href*='export'])")
    partner.leave()

    vendor = _signed_in(eyes, copy, "vendor")
    vendor.follow("main a[href^='/tenants/']")
    assert "hosts" in vendor.page.locator("main").inner_text().lower()
    vendor.leave()
