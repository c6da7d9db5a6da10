"""The book as finance and auditors read it, over HTTP: what stands there, and periods."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database
from kernel.ids import uuid7
from kernel.money import Money
from ledger import bookings, entries
from ledger.conversions import convert
from ledger.errors import PeriodClosed
from ledger.lines import Rate
from tests.factories import people
from tests.fixtures.database import BETA
from tests.fixtures.web import Browser, host
from tests.treasury.desk import Desk, open_desk

TEAM = host("team")
BOOK = "/backoffice/book"


@pytest.fixture
async def desk(database: Database, tenant: TenantRef, vault: Vault) -> Desk:
    """Alpha's cash desk."""
    return await open_desk(database, tenant, vault)


async def _enter(browser: Browser, desk: Desk, role: str = "finance_head") -> None:
    async with desk.database.tenant(desk.tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, "/")


async def _posted(desk: Desk) -> None:
    """Pay 1,000 EUR in, let the provider keep 24.25, and convert 600 EUR into dollars."""
    rate = Rate("EUR", "USD", Decimal("1.0832"), Decimal("1.0886432"), "test", now())
    wallet = bookings.wallet(desk.client_id)
    async with desk.database.tenant(desk.tenant) as session:
        paid = Money.of("1000.00", "EUR")
        lines = bookings.deposit(desk.connection_id, desk.client_id, paid)
        await entries.post(session, key="k1", kind="deposit", lines=lines, reference="DEP-TEST1")
        fee = bookings.provider_fee(desk.connection_id, Money.of("24.25", "EUR"))
        await entries.post(session, key="k2", kind="provider_fee", lines=fee, reference="DEP-TEST1")
        made = convert(Money.of("600.00", "EUR"), rate)
        lines = bookings.conversion(wallet, wallet, made)
        await entries.post(session, key="k3", kind="conversion", lines=lines, rate=rate)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def _links(text: str, start: str) -> list[str]:
    return re.findall(rf'href="({re.escape(start)}[^"]+)"', text)


async def test_the_trial_balance_shows_each_currency_and_that_it_balances(
    desk: Desk, browser: Browser
) -> None:
    """Wallets owe 400.00 EUR and 649.92 USD; the position and the mark-up stand beside them."""
    await _posted(desk)
    await _enter(browser, desk)

    text = _plain((await browser.get(TEAM, BOOK)).text)

    assert "Client wallets 0.00 600.00 1,000.00 400.00" in text
    assert "Client wallets 0.00 0.00 649.92 649.92" in text
    assert "Payment providers, to be settled 0.00 1,000.00 24.25 975.75" in text
    assert text.count("Balances") == 2


async def test_turnover_is_that_of_the_days_asked_for(desk: Desk, browser: Browser) -> None:
    """What was posted before the period stands in the column before it."""
    await _posted(desk)
    await _enter(browser, desk)
    tomorrow = (now() + timedelta(days=1)).date().isoformat()

    text = _plain((await browser.get(TEAM, f"{BOOK}?since={tomorrow}&until={tomorrow}")).text)

    assert "Client wallets 400.00 0.00 0.00 400.00" in text


async def test_an_account_leads_to_its_statement_and_to_the_entry(
    desk: Desk, browser: Browser
) -> None:
    """From the client's name to the line, and from the line to both sides of the entry."""
    await _posted(desk)
    await _enter(browser, desk)

    accounts = (await browser.get(TEAM, f"{BOOK}/accounts?account=liability.client_wallet")).text
    [euro, _] = _links(accounts, f"{BOOK}/statement?account=")
    statement = (await browser.get(TEAM, euro)).text
    entry_links = _links(statement, f"{BOOK}/entries/")
    conversion = _plain((await browser.get(TEAM, entry_links[0])).text)

    assert "Mara Lind" in _plain(accounts)
    assert "400.00" in _plain(statement)
    assert "−600.00 400.00" in _plain(statement)
    assert "EUR/USD 1.0832" in conversion
    assert "Currency mark-up The brokerage 3.27" in conversion


async def test_the_journal_finds_an_entry_by_its_reference(desk: Desk, browser: Browser) -> None:
    """Both entries of a deposit carry its number; nothing else is found."""
    await _posted(desk)
    await _enter(browser, desk)

    found = (await browser.get(TEAM, f"{BOOK}/entries?q=dep-test1")).text

    assert len(set(_links(found, f"{BOOK}/entries/"))) == 2
    assert "1,000.00 EUR" in _plain(found)


async def test_a_whole_book_is_verified_on_the_page(desk: Desk, browser: Browser) -> None:
    """Each promise is named; the act stands in the trail."""
    await _posted(desk)
    await _enter(browser, desk)

    page = await browser.post(TEAM, f"{BOOK}/verify", {})

    text = _plain(page.text)
    assert page.status_code == 200
    assert "Every promise is kept" in text
    assert "Every entry balances in each currency 0 broken" in text


async def test_a_broken_book_is_called_broken(
    desk: Desk, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """A balance that was changed behind the book's back is found and shown in red."""
    await _posted(desk)
    await _enter(browser, desk)
    await superuser.execute(
        "ALTER TABLE t_alpha.balance DISABLE TRIGGER USER;"
        "UPDATE t_alpha.balance SET amount = amount - 1 WHERE code = 'liability.client_wallet';"
        "ALTER TABLE t_alpha.balance ENABLE TRIGGER USER"
    )

    text = _plain((await browser.post(TEAM, f"{BOOK}/verify", {})).text)

    assert "The book is broken" in text
    assert "Balances equal the sums of their lines 2 broken" in text


async def test_a_closed_period_takes_no_entry_and_opens_only_for_a_reason(
    desk: Desk, browser: Browser
) -> None:
    """Closing up to yesterday refuses what is dated into it; opening it says why."""
    await _enter(browser, desk)
    yesterday = (now() - timedelta(days=1)).date()
    lines = bookings.deposit(desk.connection_id, desk.client_id, Money.of("10.00", "USD"))
    dated = now() - timedelta(days=2)

    early = await browser.post(TEAM, f"{BOOK}/periods/close", {"until": now().date().isoformat()})
    closed = await browser.post(TEAM, f"{BOOK}/periods/close", {"until": yesterday.isoformat()})
    with pytest.raises(PeriodClosed):
        async with desk.database.tenant(desk.tenant) as session:
            await entries.post(session, key="late", kind="deposit", lines=lines, occurred_at=dated)
    silent = await browser.post(TEAM, f"{BOOK}/periods/reopen", {"from": "", "why": ""})
    opened = await browser.post(TEAM, f"{BOOK}/periods/reopen", {"why": "A statement came late."})
    async with desk.database.tenant(desk.tenant) as session:
        await entries.post(session, key="late", kind="deposit", lines=lines, occurred_at=dated)

    assert early.status_code == 422
    assert "Choose a day that is over." in early.text
    assert closed.status_code == 303
    assert silent.status_code == 422
    assert "Say why the period is opened again." in silent.text
    assert opened.status_code == 303
    assert "A statement came late." in (await browser.get(TEAM, f"{BOOK}/periods")).text


async def test_a_file_needs_a_reason_and_holds_signed_amounts(
    desk: Desk, browser: Browser, superuser: asyncpg.Connection
) -> None:
    """The trial balance as CSV: debit positive, totals zero, the reason in the trail."""
    await _posted(desk)
    await _enter(browser, desk)

    refused = await browser.post(TEAM, f"{BOOK}/export", {"format": "csv", "reason": ""})
    given = await browser.post(TEAM, f"{BOOK}/export", {"format": "csv", "reason": "Audit 2026"})

    assert refused.status_code == 422
    assert "Total,,EUR,0,1624.25000000,1624.25000000,0" in given.text.replace("0E-8", "0")
    reason = await superuser.fetchval(
        "SELECT reason FROM t_alpha.audit_entry WHERE action = 'ledger.entry.export'"
    )
    assert reason == "Audit 2026"


async def test_sales_see_nothing_of_the_book_and_auditors_change_nothing(
    desk: Desk, browser: Browser
) -> None:
    """Reading needs its permission, closing another one."""
    await _enter(browser, desk, "sales_agent")
    for path in (BOOK, f"{BOOK}/accounts", f"{BOOK}/entries", f"{BOOK}/periods"):
        assert (await browser.get(TEAM, path)).status_code == 403

    await _enter(browser, desk, "auditor")
    assert (await browser.get(TEAM, BOOK)).status_code == 200
    refused = await browser.post(TEAM, f"{BOOK}/periods/close", {"until": "2026-01-01"})
    assert refused.status_code == 403


async def test_another_brokerages_book_is_404(desk: Desk, browser: Browser) -> None:
    """An entry of alpha is nothing at beta, and its account has no statement there."""
    await _posted(desk)
    async with desk.database.tenant(BETA) as session:
        user = await people.staff(session, "owner", password=people.PASSWORD)
    await browser.log_in(host("team", "beta"), user.email, people.PASSWORD)
    async with desk.database.tenant(desk.tenant) as session:
        row = await session.connection()
        found = (await row.exec_driver_sql("SELECT id FROM entry LIMIT 1")).scalar_one()

    assert (await browser.get(host("team", "beta"), f"{BOOK}/entries/{found}")).status_code == 404
    assert (await browser.get(host("team", "beta"), f"{BOOK}/entries/{uuid7()}")).status_code == 404


async def test_a_clients_page_shows_their_wallets_to_those_who_may_read_the_book(
    desk: Desk, browser: Browser
) -> None:
    """Finance sees both wallets and the way to their statements; sales see neither."""
    await _posted(desk)
    path = f"/crm/clients/{desk.client_id}"

    await _enter(browser, desk)
    finance = _plain((await browser.get(TEAM, path)).text)
    await _enter(browser, desk, "sales_head")
    sales = _plain((await browser.get(TEAM, path)).text)

    assert "Wallets EUR 400.00 EUR USD 649.92 USD Accounts in the book" in finance
    assert "Wallets" not in sales
    assert "649.92" not in sales
