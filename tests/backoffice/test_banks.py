"""Finance's screens of banks, reconciliation and the treasury board, over HTTP."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database
from tests.factories import people
from tests.fixtures.web import Browser, host
from tests.treasury.banks.house import House, open_house
from tests.treasury.banks.statements import Wire, camt
from treasury.reconciliation import runs

TEAM = host("team")
BANKS = "/backoffice/banks"
RECON = "/backoffice/reconciliation"


@pytest.fixture
async def house(database: Database, tenant: TenantRef, vault: Vault) -> House:
    """Alpha with its banks."""
    return await open_house(database, tenant, vault)


async def enter(browser: Browser, house: House, role: str = "finance_head") -> None:
    """Sign somebody of the staff in."""
    async with house.database.tenant(house.tenant) as session:
        user = await people.staff(session, role, password=people.PASSWORD)
    await browser.log_in(TEAM, user.email, people.PASSWORD)
    await browser.get(TEAM, "/")


async def upload(browser: Browser, data: bytes, **fields: str) -> httpx.Response:
    """Send a file by the form."""
    files: dict[str, Any] = {"file": ("statement.xml", data, "application/xml")}
    return await browser.post(TEAM, f"{BANKS}/import", fields, files=files)


def plain(text: str) -> str:
    """Return what a page says."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def link(text: str, start: str) -> str:
    """Return the first link that begins so and goes on with an id."""
    found = re.search(rf'href="({re.escape(start)}/[0-9a-f-]{{36}})"', text)
    assert found, start
    return found.group(1)


async def test_a_statement_is_uploaded_matched_and_shown(house: House, browser: Browser) -> None:
    """Its lines say what they are for, and the same file is refused beside its field."""
    deposit = await house.deposit("100.00")
    await enter(browser, house)
    data = camt(Wire("100.00", deposit.reference, "Mara Lindqvist"), Wire("7.00", "Rent", "Bo"))
    sent = await upload(browser, data)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{BANKS}/lines")

    text = plain((await browser.get(TEAM, f"{BANKS}/lines")).text)
    assert "2 lines, 2 of them new: 1 settled deposits, 1 wait in suspense." in text
    assert "Matched" in text
    again = await upload(browser, data)
    assert again.status_code == 409
    assert 'id="h-file"' in again.text
    assert "This file was imported before." in again.text
    home = plain((await browser.get(TEAM, BANKS)).text)
    assert "7.00 EUR in 1 line." in home


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Choose a file."),
        (b"hello", "no camt.053 or MT940"),
        (camt(Wire("1.00"), number="DE00"), "not among your bank accounts"),
    ],
)
async def test_a_wrong_file_is_refused_beside_its_field(
    house: House, browser: Browser, data: bytes, said: str
) -> None:
    """And nothing is kept."""
    await enter(browser, house)
    sent = await upload(browser, data)

    assert sent.status_code == 422
    assert 'id="h-file"' in sent.text
    assert said in sent.text
    assert await house.lines() == []


async def test_a_providers_list_names_each_wrong_line(house: House, browser: Browser) -> None:
    """As the command does."""
    await enter(browser, house)
    head = b"id,amount,currency,time,status,fee\n"
    fields = {"connection": str(house.cards_id)}
    sent = await upload(browser, head + b"A,1,EUR,2026-11-30,banana,\n", **fields)
    assert "statement.xml:2: the status &#39;banana&#39; is not known" in sent.text

    sent = await upload(browser, head + b"A,1,EUR,2026-11-30,settled,\n", **fields)
    assert sent.status_code == 303


async def test_a_line_is_released_through_the_page_by_two_people(
    house: House, browser: Browser
) -> None:
    """What is wrong stands beside its field and what was typed stays; then somebody is asked."""
    await house.take(camt(Wire("50.00", "Rent", "Bo")))
    await enter(browser, house)
    path = link((await browser.get(TEAM, f"{BANKS}/lines")).text, f"{BANKS}/lines")
    wrong = await browser.post(
        TEAM, f"{path}/release", {"to": "deposit", "deposit": "dep-1", "reason": "No"}
    )
    assert wrong.status_code == 422
    assert "There is no deposit of this reference." in wrong.text
    assert 'value="dep-1"' in wrong.text

    sent = await browser.post(
        TEAM, f"{path}/release", {"to": "return", "reason": "Nobody knows the sender"}
    )
    assert sent.status_code == 303
    text = plain((await browser.get(TEAM, path)).text)
    assert "Waits for somebody else" in text
    assert "back to the sender" in text


async def test_accounts_and_words_are_kept_on_the_page(house: House, browser: Browser) -> None:
    """With messages beside their fields."""
    await enter(browser, house)
    wrong = await browser.post(TEAM, f"{BANKS}/accounts", {"name": "Main", "currency": "EUR"})
    assert wrong.status_code == 422
    assert all(f'id="h-{name}"' in wrong.text for name in ("number", "kind"))
    sent = await browser.post(
        TEAM,
        f"{BANKS}/accounts",
        {"name": "Dollars", "number": "1234567", "currency": "USD", "kind": "segregated"},
    )
    assert sent.status_code == 303
    words = {"words": "ACME", "connection_id": str(house.cards_id)}
    assert (await browser.post(TEAM, f"{BANKS}/senders", words)).status_code == 303
    again = await browser.post(TEAM, f"{BANKS}/senders", words)
    assert "These words stand for a provider already." in again.text
    text = (await browser.get(TEAM, BANKS)).text
    path = link(text, f"{BANKS}/accounts")
    assert (await browser.get(TEAM, path)).status_code == 200
    assert (await browser.post(TEAM, f"{path}/close", {})).status_code == 303


async def test_a_break_is_taken_over_remarked_and_asked_about(
    house: House, browser: Browser
) -> None:
    """Compare now, open the break, act on it; both files of the list hold it."""
    await house.take(camt(Wire("50.00", "Rent", "Bo")))
    await enter(browser, house)
    today = str(now().date())
    sent = await browser.post(TEAM, f"{RECON}/runs", {"day": today})
    assert (sent.status_code, sent.headers["location"]) == (303, RECON)
    listed = (await browser.get(TEAM, RECON)).text
    assert "New breaks: 1, gone: 0, open: 1." in listed
    wrong = await browser.post(TEAM, f"{RECON}/runs", {"day": "x"})
    assert (wrong.status_code, "Choose a day." in wrong.text) == (422, True)

    path = link(listed, RECON)
    assert (await browser.post(TEAM, f"{path}/take", {})).status_code == 303
    empty = await browser.post(TEAM, f"{path}/remark", {"text": " "})
    assert "Write what you found out." in empty.text
    await browser.post(TEAM, f"{path}/remark", {"text": "Called the bank"})
    short = await browser.post(TEAM, f"{path}/write-off", {"reason": "x"})
    assert "Say why" in short.text
    await browser.post(TEAM, f"{path}/write-off", {"reason": "Nobody will claim it"})
    text = plain((await browser.get(TEAM, path)).text)
    assert "Called the bank" in text
    assert "Waits for somebody else" in text
    assert "Runs" in (await browser.get(TEAM, f"{RECON}/runs")).text
    for kind in ("csv", "xlsx"):
        made = await browser.post(
            TEAM, f"{RECON}/export", {"query": "", "format": kind, "reason": "For the auditor"}
        )
        assert (made.status_code, len(made.content) > 100) == (200, True)


@pytest.mark.parametrize(
    "query", ["state=transit", "state=closed", "age=8", "owned=me", "kind=amount"]
)
async def test_the_lists_views_open(house: House, browser: Browser, query: str) -> None:
    """Also when nothing is in them."""
    await enter(browser, house)
    assert (await browser.get(TEAM, f"{RECON}?{query}")).status_code == 200


async def test_the_board_shows_where_the_money_is_and_asks_for_the_top_up(
    house: House, browser: Browser
) -> None:
    """Clients' money against what is required, with the arithmetic and the transfer."""
    deposit = await house.deposit("1000.00")
    await house.take(camt(Wire("1000.00", deposit.reference, "Mara Lindqvist")))
    await house.take(camt(Wire("-24.25", "Bank charges"), statement="2"))
    async with house.by() as session:
        await runs.reconcile(session, day=now().date())
    await enter(browser, house)

    text = (await browser.get(TEAM, "/backoffice/treasury?currency=EUR")).text
    said = plain(text)
    assert "Clients&#39; money required 1,000.00 EUR" in said
    assert "In segregated banks 975.75 EUR" in said
    assert "Shortfall 24.25 EUR" in said
    assert "Pay in 24.25" in said
    found = re.search(r'action="(/backoffice/treasury/days/[^"]+/top-up)"', text)
    assert found
    assert (await browser.post(TEAM, found.group(1), {})).status_code == 303
    again = plain((await browser.get(TEAM, "/backoffice/treasury?currency=EUR")).text)
    assert "Waits for somebody else" in again


@pytest.mark.parametrize("path", [BANKS, f"{BANKS}/lines", RECON, "/backoffice/treasury"])
async def test_sales_sees_none_of_it_and_an_auditor_changes_nothing(
    house: House, browser: Browser, path: str
) -> None:
    """Each page asks for its permission."""
    await enter(browser, house, "auditor")
    assert (await browser.get(TEAM, path)).status_code == 200
    assert (await browser.post(TEAM, f"{BANKS}/accounts", {})).status_code == 403
    await browser.post(TEAM, "/logout", {})
    await enter(browser, house, "sales_agent")
    assert (await browser.get(TEAM, path)).status_code == 403
