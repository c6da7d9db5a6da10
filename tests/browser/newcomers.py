"""People who come to the product in a browser: registered, mailed, verified by the office."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from playwright.sync_api import Browser

from bench.eyes import Copy
from infra.walk.inbox import Inbox
from infra.walk.pictures import document
from tests.browser.visitor import Visitor

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


def verified_trader(eyes: Browser, copy: Copy, folder: Path) -> tuple[Visitor, str]:
    """Return a trader of meridian with an open account, at their home page, and their address."""
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
    send_documents(trader, folder, mark)

    petra = Visitor(eyes, copy)
    petra.sign_in("compliance", "meridian")
    petra.go("team", "meridian", f"/backoffice/kyc?q=Trader{mark}")
    petra.follow("main a[href^='/backoffice/kyc/']")
    petra.reads(f"Trader{mark}")
    petra.fill(reason="Documents match the profile.")
    petra.send("Approve and open next")
    assert petra.leave() == []

    wait_for(trader, "main a[href^='/accounts/']")
    return trader, email


def send_documents(trader: Visitor, folder: Path, mark: str) -> None:
    """Fill in the facts, send the three documents and hand them in."""
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


def wait_for(trader: Visitor, selector: str) -> None:
    """Open the home page again until the product has done its part."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        trader.page.goto(trader.copy.address("my", "meridian", "/"))
        if trader.page.locator(selector).count():
            trader.look()
            return
        time.sleep(0.5)
    raise AssertionError(f"{selector} did not appear")
