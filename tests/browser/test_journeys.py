"""What people do with the product, by their clicks, on every page between."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.eyes import Copy
from infra.walk.inbox import Inbox
from infra.walk.pictures import document
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PASSWORD = "Quiet-harbour-41"
PATIENCE_SECONDS = 90
_FORM = "form[method=post]"


def link_in_mail(copy: Copy, email: str, part: str) -> str:
    """Wait for a mail with a link of that kind and return the link."""
    inbox = Inbox(copy.inbox)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for mail in inbox.mails_to(email):
            for link in mail.links:
                if part in link:
                    return link
        time.sleep(0.3)
    raise AssertionError(f"no mail to {email} with {part}")


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
    mark = secrets.token_hex(3)
    email = f"tara.{mark}@example.com"
    trader = Visitor(eyes, copy)
    trader.go("my", "meridian", "/register")
    trader.fill(
        first_name="Tara",
        last_name=f"Trader{mark}",
        country="DE",
        phone=f"+4916{secrets.randbelow(10**9):09}",
        email=email,
        password=PASSWORD,
    )
    for consent in trader.page.locator(f"{_FORM} input[type=checkbox]").all():
        consent.check()
    with trader.page.expect_navigation():
        trader.page.locator(f"{_FORM} button[type=submit]").last.click()
    trader.look()
    trader.page.goto(link_in_mail(copy, email, "/verify/"))
    trader.look()
    trader.reads("Tara")
    _send_documents(trader, tmp_path, mark)

    petra = Visitor(eyes, copy)
    petra.sign_in("compliance", "meridian")
    petra.go("team", "meridian", f"/backoffice/kyc?q=Trader{mark}")
    petra.follow("main a[href^='/backoffice/kyc/']")
    petra.reads(f"Trader{mark}")
    petra.fill(reason="Documents match the profile.")
    petra.send("Approve and open next")
    assert petra.leave() == []

    _wait_for(trader, "main a[href^='/accounts/']")
    _pay_in(trader)
    assert trader.leave() == []


def _send_documents(trader: Visitor, folder: Path, mark: str) -> None:
    trader.go("my", "meridian", "/verification")
    page = trader.page
    trader.fill(
        born_on="1990-05-17", address="12 Walk Lane, Berlin", document_number=f"P{mark}".upper()
    )
    with page.expect_navigation():
        page.locator("form[action='/verification/facts'] button[type=submit]").click()
    trader.look()
    for kind in ("passport", "proof_of_address", "selfie"):
        picture = folder / f"{kind}.png"
        picture.write_bytes(document(f"{mark}-{kind}"))
        form = page.locator(f"form[action='/verification/documents/{kind}']")
        if not form.is_visible():
            page.locator("details", has=form).last.locator("summary").first.click()
        form.locator("input[type=file]").set_input_files(picture)
        with page.expect_navigation():
            form.locator("button[type=submit]").click()
        trader.look()
    with page.expect_navigation():
        page.locator("form[action='/verification/submit'] button[type=submit]").click()
    trader.look()


def _wait_for(trader: Visitor, selector: str) -> None:
    """Open the home page again until the product has done its part."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        trader.page.goto(trader.copy.address("my", "meridian", "/"))
        if trader.page.locator(selector).count():
            trader.look()
            return
        time.sleep(0.5)
    raise AssertionError(f"{selector} did not appear")


def _pay_in(trader: Visitor) -> None:
    page = trader.page
    trader.go("my", "meridian", "/deposit")
    trader.look(dark=True)
    page.locator("input[name=target]").first.check(force=True)
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
