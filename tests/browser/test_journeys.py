"""What people do with the product, by their clicks, on every page between."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.eyes import Copy
from tests.browser.newcomers import link_in_mail, verified_trader
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.mark.parametrize("slug", ["meridian", "noor"])
def test_a_visitor_asks_for_a_call_and_sales_make_a_client_of_them(
    eyes: Browser, copy: Copy, slug: str
) -> None:
    """The lead form, the list, the lead and the dialog that converts it."""
    mark = secrets.token_hex(3)
    visitor = Visitor(eyes, copy)
    visitor.go("www", slug)
    visitor.look(dark=True)
    visitor.fill(
        first_name="Berta",
        last_name=f"Walker{mark}",
        email=f"berta.{mark}@example.com",
        phone=f"+4915{secrets.randbelow(10**9):09}",
        country="DE",
    )
    with visitor.page.expect_navigation():
        visitor.page.locator("form[action='/leads'] button[type=submit]").click()
    visitor.look()
    assert visitor.page.url.endswith("/thanks")
    assert visitor.leave() == []

    seller = Visitor(eyes, copy)
    seller.sign_in(_whose_lead(eyes, copy, slug, mark), slug)
    seller.go("team", slug, f"/crm/leads?q=Walker{mark}")
    seller.follow("main tbody a[href^='/crm/leads/']")
    seller.reads(f"Walker{mark}")
    seller.page.get_by_role("button", name="Convert to client").first.click()
    dialog = seller.page.locator("dialog[open]")
    dialog.wait_for(state="visible")
    with seller.page.expect_navigation():
        dialog.get_by_role("button", name="Convert to client").click()
    seller.look()
    seller.reads("CL-")
    assert seller.leave() == []

    invited = Visitor(eyes, copy)
    invited.page.goto(link_in_mail(copy, f"berta.{mark}@example.com", "/invite/"))
    invited.look()
    assert invited.page.locator("input[name=password]").is_visible()
    assert invited.leave() == []


def _whose_lead(eyes: Browser, copy: Copy, slug: str, mark: str) -> str:
    """Look as the owner of the brokerage, who sees every lead, at whose turn it was."""
    owner = Visitor(eyes, copy)
    owner.sign_in("owner", slug)
    owner.go("team", slug, f"/crm/leads?q=Walker{mark}")
    owner.follow("main tbody a[href^='/crm/leads/']")
    found = re.search(r"Owner (\w+)", owner.page.locator("main").inner_text())
    assert found is not None
    assert owner.leave() == []
    return found.group(1).lower()


def test_a_trader_registers_is_verified_and_pays_in(
    eyes: Browser, copy: Copy, tmp_path: Path
) -> None:
    """Registration, the mailed link, three documents, approval, the provider's page and back."""
    trader, _ = verified_trader(eyes, copy, tmp_path)
    _pay_in(trader)
    assert trader.leave() == []


def _pay_in(trader: Visitor) -> None:
    page = trader.page
    trader.go("my", "meridian", "/deposit")
    trader.look(dark=True)
    page.locator("input[name=target]").first.check(force=True)
    page.locator("label", has_text="Card (simulator)").locator("input[name=method]").check(
        force=True
    )
    page.locator("input[name=amount]").fill("250")
    page.on("framenavigated", lambda frame: trader.allow(frame.url))
    foreign = trader.complaints
    before = len(foreign)
    with page.expect_navigation():
        page.locator("form[action='/deposit'] button[type=submit]").last.click()
    page.wait_for_url("**/pay/**")
    # The provider's own page is the one foreign host that a trader may be led to.
    del foreign[before:]
    trader.allow(page.url)
    page.locator("input[name=number]").fill("4242 4242 4242 4242")
    page.locator("input[name=expiry]").fill("12 / 39")
    page.locator("input[name=cvc]").fill("123")
    page.locator("button[type=submit]").first.click()
    page.wait_for_url("**/deposit/DEP-**")
    trader.look()
    trader.reads("250.00")


def test_finance_drills_from_the_day_down_to_the_arithmetic_of_a_deal(
    eyes: Browser, copy: Copy
) -> None:
    """Revenue, a day, a deal: each figure leads to where it comes from."""
    finance = Visitor(eyes, copy)
    finance.sign_in("finance", "meridian")
    finance.go("team", "meridian", "/backoffice/revenue")
    finance.look(dark=True)
    finance.follow("main tbody a[href^='/backoffice/revenue/']")
    finance.follow("main a[href^='/backoffice/revenue/deals?']")
    finance.follow("main tbody a[href^='/backoffice/revenue/deals/']")
    finance.reads("Mark-up")
    finance.go("team", "meridian", "/backoffice/deposits")
    finance.follow("main tbody a[href^='/backoffice/deposits/']")
    finance.go("team", "meridian", "/backoffice/partners")
    assert finance.leave() == []


@pytest.mark.parametrize("slug", ["meridian", "noor"])
def test_a_partner_sees_what_a_commission_was_computed_from(
    eyes: Browser, copy: Copy, slug: str
) -> None:
    """Dashboard, referrals, commissions and one of them explained, in both directions of text."""
    partner = Visitor(eyes, copy)
    partner.sign_in("partner", slug)
    partner.look(dark=True)
    for path in ("/referrals", "/balance", "/commissions"):
        partner.go("ib", slug, path)
    partner.follow("main a[href^='/commissions/']:not([href*='export'])")
    assert partner.leave() == []


def test_the_vendor_sees_every_brokerage_and_its_provisioning(eyes: Browser, copy: Copy) -> None:
    """The console's list and one brokerage."""
    vendor = Visitor(eyes, copy)
    vendor.sign_in("vendor")
    vendor.look(dark=True)
    vendor.follow("main a[href^='/tenants/']")
    vendor.reads("Hosts")
    assert vendor.leave() == []
