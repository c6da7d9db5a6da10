"""A client and a partner who have just come, in the made-up language: what is empty, what waits.

Their pages have states that no demo person is in: the first mail, nothing there yet, papers
refused, taken and looked at, a payment under way, a second factor made, used and given up.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from bench.eyes import WIDE, Copy
from bench.pictures import still
from identity import email_tokens, totp, users
from infra.walk.pictures import document
from kernel.actor import TenantRef
from kernel.clock import now
from messaging.delivery import addresses, consents
from messaging.models import IssuedDocument
from tenants.ports import Ports
from tests.browser.inside import inside
from tests.browser.newcomers import link_in_mail
from tests.browser.wording import Tally

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.timeout(600)]
PASSWORD = "Quiet-harbour-41"


class Newcomer:
    """Somebody with a window of their own, every page of whom is looked at."""

    def __init__(self, eyes: Browser, copy: Copy, surface: str, slug: str) -> None:
        """Open a window; nobody is signed in there."""
        self._context = eyes.new_context(
            viewport={"width": WIDE[0], "height": WIDE[1]}, reduced_motion="reduce"
        )
        self.page: Page = self._context.new_page()
        self.tally = Tally()
        self.mark = secrets.token_hex(3)
        self.email = f"newt.{self.mark}@example.com"
        self._copy, self._surface, self._slug = copy, surface, slug

    def look(self, name: str) -> None:
        """Judge what stands there."""
        still(self.page)
        self.tally.look_at(
            self.page, f"{self._surface} {name}", data=("Newt", f"Coomer{self.mark}")
        )

    def go(self, path: str) -> None:
        """Type an address, and look."""
        self.page.goto(self._copy.address(self._surface, self._slug, path))
        self.look(path)

    def send(self, action: str, name: str, /, **typed: str) -> None:
        """Fill the form of that action in and send it, past the browser's checks; look."""
        form = self.page.locator(f"form[action='{action}']").first
        form.evaluate("form => { form.noValidate = true }")
        for key, value in typed.items():
            form.locator(f"[name='{key}']").first.fill(value)
        with self.page.expect_navigation():
            form.evaluate("form => form.requestSubmit()")
        self.look(name)

    def register(self, **typed: str) -> None:
        """Register, look at the page that speaks of a mail, and follow its link."""
        self.page.goto(self._copy.address(self._surface, self._slug, "/register"))
        for box in self.page.locator("form[action='/register'] input[type=checkbox]").all():
            box.check()
        country = self.page.locator("form[action='/register'] select[name=country]")
        country.select_option("DE")
        self.send("/register", "mailed", email=self.email, password=PASSWORD, **typed)
        self.page.goto(link_in_mail(self._copy, self.email, "/verify/"))
        self.look("confirmed")

    def leave(self) -> None:
        """Close the window; complain of what was wrong."""
        self._context.close()
        assert not self.tally.wrong, "\n".join(self.tally.wrong)


def test_a_new_client_s_pages_are_bracketed(
    eyes: Browser, bracketed_copy: Copy, tmp_path: Path
) -> None:
    """From registration to papers in review, a payment that waits, and a second factor."""
    client = Newcomer(eyes, bracketed_copy, "my", "noor")
    client.register(
        first_name="Newt",
        last_name=f"Coomer{client.mark}",
        phone=f"+4915{secrets.randbelow(10**9):09}",
    )
    for path in ("/", "/accounts", "/deposit", "/history", "/notifications", "/security"):
        client.go(path)
    _send_papers(client, tmp_path)
    _begin_to_pay(client)
    _guard(client)
    client.leave()


def _send_papers(client: Newcomer, folder: Path) -> None:
    client.go("/verification")
    client.send("/verification/facts", "facts refused", born_on="", address="")
    client.send(
        "/verification/facts",
        "facts kept",
        born_on="1990-05-17",
        address="12 Walk Lane, Berlin",
        document_number=f"P{client.mark}".upper(),
    )
    words = folder / "words.txt"
    words.write_text("no picture")
    _upload(client, "passport", words)
    for kind in ("passport", "proof_of_address", "selfie"):
        picture = folder / f"{kind}.png"
        picture.write_bytes(document(f"{client.mark}-{kind}"))
        _upload(client, kind, picture)
    client.send("/verification/submit", "in review")


def _upload(client: Newcomer, kind: str, file: Path) -> None:
    action = f"/verification/documents/{kind}"
    form = client.page.locator(f"form[action='{action}']")
    form.locator("input[type=file]").set_input_files(file)
    client.send(action, f"{kind} from {file.name}")


def _begin_to_pay(client: Newcomer) -> None:
    client.go("/deposit")
    client.send("/deposit", "too little", amount="0.01")
    form = client.page.locator("form[action='/deposit']")
    form.locator("[name=amount]").fill("250")
    with client.page.expect_navigation():
        form.evaluate("form => form.requestSubmit()")
    client.page.wait_for_url("**/pay/**")
    client.go("/history")
    client.page.locator("main a[href^='/deposit/DEP']").first.click()
    client.page.wait_for_load_state()
    client.look("payment waits")
    client.go(f"{re.sub(r'^https?://[^/]+', '', client.page.url)}?cancelled=1")


def _guard(client: Newcomer) -> None:
    page = client.page
    client.go("/security/add")
    secret = str(page.locator("[data-copy]").first.get_attribute("data-copy")).replace(" ", "")
    client.send("/security/add", "code refused", code="000000")
    step = totp.step_at(now())
    client.send("/security/add", "codes", code=totp.code_of(secret, step))
    recovery = page.locator("ol.codes li").all_inner_texts()
    client.go("/security")
    for link in ("/remove", "/security/recovery-codes"):
        page.locator(f"a[href*='{link}']").first.click()
        page.wait_for_load_state()
        client.look(link)
        client.go("/security")
    with page.expect_navigation():
        page.locator("form[action='/logout']").first.evaluate("form => form.requestSubmit()")
    client.look("signed out")
    client.go("/login")
    client.send("/login", "second step", email=client.email, password=PASSWORD)
    client.send("/login/second", "second step refused", code="000000")
    client.send("/login/second", "signed in", code=recovery[0])


def test_a_new_partner_s_pages_are_bracketed(eyes: Browser, bracketed_copy: Copy) -> None:
    """The page of somebody's own link, registration, the mail, and what is waited for."""
    partner = Newcomer(eyes, bracketed_copy, "ib", "meridian")
    bracketed_copy.sign_in(partner.page, "partner", "meridian")
    partner.page.goto(bracketed_copy.address("ib", "meridian"))
    link = partner.page.locator("[data-copy*='/join/']").first.get_attribute("data-copy")
    partner.page.context.clear_cookies()
    partner.go(f"/join/{str(link).rpartition('/')[2]}")
    partner.register(name="Newt")
    partner.leave()


def test_an_invitation_is_bracketed(eyes: Browser, bracketed_copy: Copy, data: Path) -> None:
    """What a client sees whom somebody of the brokerage entered, and what a weak password meets."""
    client = Newcomer(eyes, bracketed_copy, "my", "meridian")

    async def work(ports: Ports, tenant: TenantRef) -> str:
        async with ports.database.tenant(tenant) as session:
            user = await users.create(
                session, kind="client", email=client.email, name="Newt", password=None
            )
            return await email_tokens.issue(session, user_id=user.id, purpose="invite", hours=1)

    path = f"/invite/{inside(data, 'meridian', work)}"
    client.go(path)
    client.send(path, "weak", password="short")
    client.leave()


def test_leaving_the_news_is_bracketed(eyes: Browser, bracketed_copy: Copy, data: Path) -> None:
    """The page of the link in every mail that is no answer to anything, before and after."""
    reader = Newcomer(eyes, bracketed_copy, "www", "noor")

    async def work(ports: Ports, tenant: TenantRef) -> str:
        hashed = addresses.hashed(ports.vault, tenant.id, reader.email)
        async with ports.database.tenant(tenant) as session:
            await consents.give(session, address_hash=hashed, source="lead_form")
        return addresses.unsubscribe_token(
            ports.vault, tenant.id, address_hash=hashed, mail_list="marketing"
        )

    path = f"/unsubscribe/{inside(data, 'noor', work)}"
    reader.go(path)
    reader.send(path, "left")
    reader.send(path, "back again")
    reader.leave()


def test_checking_a_receipt_is_bracketed(
    eyes: Browser, bracketed_copy: Copy, data: Path, tmp_path: Path
) -> None:
    """The code of a document, the document itself, and another one in its place."""
    trader = eyes.new_context()
    page = trader.new_page()
    bracketed_copy.sign_in(page, "trader", "meridian")
    page.goto(bracketed_copy.address("my", "meridian", "/history?state=done"))
    page.locator("main a[href^='/deposit/DEP']").first.click()
    with page.expect_download() as got:
        page.locator("a[href$='/receipt.pdf']").click()
    receipt = tmp_path / "receipt.pdf"
    got.value.save_as(receipt)
    trader.close()

    async def work(ports: Ports, tenant: TenantRef) -> str:
        newest = select(IssuedDocument.code).order_by(IssuedDocument.issued_at.desc()).limit(1)
        async with ports.database.tenant_read(tenant) as session:
            return str(await session.scalar(newest))

    path = f"/verify/{inside(data, 'meridian', work)}"
    reader = Newcomer(eyes, bracketed_copy, "www", "meridian")
    reader.go(path)
    reader.send(path, "no file")
    other = tmp_path / "other.pdf"
    other.write_bytes(receipt.read_bytes() + b"\n")
    for file in (receipt, other):
        reader.page.locator("input[type=file]").set_input_files(file)
        reader.look(f"{file.name} chosen")
        reader.send(path, file.name)
    reader.leave()
