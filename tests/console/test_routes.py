"""What the vendor's people see of brokerages, and what nobody else sees."""

from __future__ import annotations

import pytest

from identity import users
from kernel.database import Database
from tests.fixtures.web import Browser

CONSOLE = "console.localhost"
PASSWORD = "quiet-harbour-lantern"


@pytest.fixture
async def vera(database: Database) -> str:
    """One of the vendor's people; returns her address."""
    async with database.control() as session:
        await users.create_vendor(
            session, email="vera@marque.example", name="Vera", password=PASSWORD
        )
    return "vera@marque.example"


async def test_the_console_lists_every_brokerage_with_its_health(
    browser: Browser, vera: str
) -> None:
    """Both brokerages stand there, and each page opens."""
    await browser.log_in(CONSOLE, vera, PASSWORD)
    listed = await browser.get(CONSOLE, "/tenants")
    opened = await browser.get(CONSOLE, "/tenants/alpha")

    assert listed.status_code == 200
    assert "Alpha Markets" in listed.text
    assert "Beta Capital" in listed.text
    assert opened.status_code == 200
    assert "www.alpha.localhost" in opened.text
    assert "Balances" in opened.text


async def test_a_stranger_is_sent_to_sign_in(browser: Browser) -> None:
    """The list is for the vendor's people only."""
    answer = await browser.get(CONSOLE, "/tenants")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


async def test_a_console_session_opens_nothing_at_a_brokerage(browser: Browser, vera: str) -> None:
    """The vendor's cookie is worthless on a tenant's host."""
    await browser.log_in(CONSOLE, vera, PASSWORD)
    cookie = browser.cookie(CONSOLE)
    answer = await browser.get(
        "team.alpha.localhost", "/crm/leads", headers={"cookie": f"marque={cookie}"}
    )

    assert answer.status_code in (303, 404)


async def test_the_apex_page_opens(browser: Browser) -> None:
    """The vendor's own domain shows the vendor's brand."""
    answer = await browser.get("localhost", "/")

    assert answer.status_code == 200
    assert "Marque" in answer.text
