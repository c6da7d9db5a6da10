"""Money's whole circle by clicks: in by three kinds of provider, to a trading account in another
currency, out by a split that two people agree to, and a payment that is taken back.

At the end the office's pages say the same as the book, and the book is whole.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from bench.eyes import Copy
from infra.walk.inbox import Inbox
from tests.browser.newcomers import verified_trader
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.prove, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
SLUG = "meridian"
PATIENCE_SECONDS = 90
_BREAK = "main tbody a[href^='/backoffice/reconciliation/']"
_CARD = {"number": "4242424242424242", "expiry": "12 / 39", "cvc": "123"}


def _pay(
    trader: Visitor, way: str, amount: str, currency: str, page: Callable[[Page], None]
) -> str:
    """Pay into the wallet by a way, do what its page asks for, and return the deposit's number."""
    trader.go("my", SLUG, "/deposit")
    trader.page.locator("input[name=target][value=wallet]").check(force=True)
    trader.page.locator("label", has_text=way).locator("input[name=method]").check(force=True)
    trader.fill(amount=amount, currency=currency)
    before = len(trader.complaints)
    with trader.page.expect_navigation():
        trader.page.get_by_role("button", name="Continue to payment").click()
    trader.page.wait_for_load_state()
    if trader.page.get_by_role("button", name="Go to the payment").count():
        # Where the client bears a fee, the whole sum is shown before.
        trader.reads("the fee included")
        with trader.page.expect_navigation():
            trader.page.get_by_role("button", name="Go to the payment").click()
        trader.page.wait_for_load_state()
    # The provider's own page is not ours to judge; it is the one foreign place one may be led to.
    del trader.complaints[before:]
    number = re.search(r"DEP-[0-9A-Z]+", trader.page.locator("body").inner_text())
    assert number is not None, trader.page.url
    page(trader.page)
    _until(trader, f"/deposit/{number.group()}", "Your money is in your wallet")
    return number.group()


def _until(visitor: Visitor, path: str, text: str, *, surface: str = "my") -> None:
    """Open a page again and again until it says something, and look at it then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        visitor.page.goto(visitor.copy.address(surface, SLUG, path))
        if text in visitor.page.locator("main").inner_text():
            visitor.look()
            return
        time.sleep(0.5)
    raise AssertionError(f"{path}: {visitor.page.locator('main').inner_text()[:800]}")


def _card(page: Page) -> None:
    for name, text in _CARD.items():
        page.locator(f"[name={name}]").fill(text)
    with page.expect_navigation():
        page.locator("form button[type=submit]").first.click()


def _choose(verb: str) -> Callable[[Page], None]:
    def choose(page: Page) -> None:
        page.locator(f"input[name=verb][value={verb}]").check(force=True)
        with page.expect_navigation():
            page.locator("form button[type=submit]").first.click()

    return choose


def _wallet(trader: Visitor, currency: str) -> str:
    """Return what is available in a wallet, as its page says it."""
    trader.go("my", SLUG, "/wallets")
    card = trader.page.locator("section.card", has=trader.page.get_by_text(currency, exact=True))
    found = re.search(r"[\d,]+\.\d\d", card.first.inner_text())
    assert found is not None
    return found.group().replace(",", "")


def _code(copy: Copy, email: str, seen: int) -> str:
    """Wait for the code that is mailed after so many mails."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for mail in Inbox(copy.inbox).mails_to(email)[seen:]:
            if found := re.search(r"\b\d{6}\b", mail.text):
                return found.group()
        time.sleep(0.3)
    raise AssertionError("no code was mailed")


def _agree(eyes: Browser, copy: Copy, who: str, reference: str) -> None:
    """Let a member of staff agree to what waits for them about a reference."""
    person = Visitor(eyes, copy)
    person.sign_in(who, SLUG)
    person.go("team", SLUG, f"/approvals?q={reference}")
    person.follow("main tbody a[href^='/approvals/']")
    person.send("Approve")
    assert person.leave() == []


def _operator(data: Path, path: str, *, post: bool = False) -> Any:
    """Ask the provider's operator, or have something done at the counterpart."""
    kept = json.loads((data / "environment.json").read_text())
    url, token = kept["MARQUE_SIM_PSP_URL"], kept["MARQUE_SIM_OPERATOR_TOKEN"]
    request = urllib.request.Request(
        url + path, headers={"X-Operator-Token": token}, data=b"{}" if post else None
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def _verified(data: Path) -> str:
    environment = {**os.environ, "MARQUE_DATA": str(data)}
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", "ledger", "verify", "--tenant", SLUG],
        check=False, env=environment, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _convert_to_account(trader: Visitor, euros: str) -> None:
    """Move euros of the wallet to the dollar account, at the rate that is shown before."""
    trader.go("my", SLUG, "/transfer")
    trader.page.locator("label", has_text="EUR").locator("input[name=source]").check(force=True)
    trader.page.locator("label", has_text="Account").locator("input[name=target]").first.check(
        force=True
    )
    trader.fill(amount=euros)
    trader.send("Continue")
    trader.reads("Middle rate")
    with trader.page.expect_navigation():
        trader.page.locator("#transfer-confirm button[type=submit]").click()
    _until(trader, urlsplit(trader.page.url).path, "The money has arrived")


def _withdraw(trader: Visitor, copy: Copy, email: str, amount: str) -> str:
    """Save a payee, ask, see the split, confirm by the mailed code; return the number."""
    trader.go("my", SLUG, "/withdraw/payees")
    trader.fill(
        holder=trader.page.locator(".desk.m.t13").first.inner_text(),
        iban="DE02120300000000202051",
        bank="Example Bank",
    )
    trader.send("Save")
    trader.go("my", SLUG, "/withdraw")
    trader.page.locator("label", has_text="USD").locator("input[name=source]").first.check(
        force=True
    )
    trader.fill(amount=amount)
    trader.page.locator("select[name=payee]").select_option(index=1)
    seen = len(Inbox(copy.inbox).mails_to(email))
    trader.send("Check")
    for part in ("Card (simulator)", "500.00", "20.00"):
        trader.reads(part)
    trader.fill(code=_code(copy, email, seen))
    with trader.page.expect_navigation():
        trader.page.get_by_role("button", name="Withdraw", exact=True).click()
    trader.look()
    found = re.search(r"WDR-[0-9A-Z]+", trader.page.url)
    assert found is not None, trader.page.locator("main").inner_text()
    return found.group()


def _pay_by_hand(eyes: Browser, copy: Copy, reference: str) -> None:
    """Say what the crypto desk has sent; another person confirms it."""
    finance = Visitor(eyes, copy)
    finance.sign_in("finance", SLUG)
    finance.go("team", SLUG, f"/backoffice/withdrawals?q={reference}")
    finance.follow("main tbody a[href^='/backoffice/withdrawals/']")
    finance.fill(reference="0x4be1")
    finance.send("Ask for confirmation")
    assert finance.leave() == []
    _agree(eyes, copy, "owner", reference)


def _dispute_and_books(eyes: Browser, copy: Copy, local: str, others: tuple[str, ...]) -> None:
    """See the chargeback's case, the board and that no side misses anything of these payments."""
    finance = Visitor(eyes, copy)
    finance.sign_in("finance", SLUG)
    _until(finance, f"/backoffice/disputes?q={local}", local, surface="team")
    finance.follow("main tbody a[href^='/backoffice/disputes/']")
    finance.reads("60.00")
    finance.go("team", SLUG, "/backoffice/treasury")
    finance.reads("Clients' money required")
    finance.go("team", SLUG, "/backoffice/reconciliation")
    finance.send("Compare now")
    for number in others:
        finance.go("team", SLUG, f"/backoffice/reconciliation?q={number}")
        assert finance.page.locator(_BREAK).count() == 0, finance.page.locator("main").inner_text()
    assert finance.leave() == []


def test_money_comes_in_three_ways_trades_goes_out_and_is_taken_back(
    eyes: Browser, copy: Copy, data: Path, tmp_path: Path
) -> None:
    """660 USD and 200 EUR come in, 100 EUR trade, 520 USD go out, 60 USD are charged back."""
    trader, email = verified_trader(eyes, copy, tmp_path)
    trader.allow(json.loads((data / "environment.json").read_text())["MARQUE_SIM_PSP_URL"])
    card = _pay(trader, "Card (simulator)", "500", "USD", _card)
    _pay(trader, "Skrill", "200", "EUR", _choose("approve"))
    _pay(trader, "USDT on Tron", "100", "USD", _choose("send"))
    local = _pay(trader, "Cards and local methods", "60", "USD", _choose("approve"))
    assert (_wallet(trader, "USD"), _wallet(trader, "EUR")) == ("660.00", "200.00")

    _convert_to_account(trader, "100")
    assert (_wallet(trader, "USD"), _wallet(trader, "EUR")) == ("660.00", "100.00")

    reference = _withdraw(trader, copy, email, "520")
    assert _wallet(trader, "USD") == "140.00"
    for who in ("finance", "owner", "compliance"):
        _agree(eyes, copy, who, reference)
    _until(trader, f"/withdraw/{reference}", "on its way")
    _pay_by_hand(eyes, copy, reference)
    _until(trader, f"/withdraw/{reference}", "Paid")

    payment = _operator(data, f"/_simulator/payments?reference={local}")["payments"][-1]
    _operator(data, f"/_simulator/payments/{payment['id']}/chargeback", post=True)
    _dispute_and_books(eyes, copy, local, (card, reference))
    assert _wallet(trader, "USD") == "80.00"
    assert trader.leave() == []
    assert "ok" in _verified(data)
