"""A client's wallets: what is in each, each booking on them, and nobody else's."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal

import pytest

from clients import queries as client_queries
from kernel.actor import TenantRef
from kernel.clock import now
from kernel.crypto import Vault
from kernel.database import Database
from kernel.money import Money
from ledger import bookings, entries, holds
from ledger.chart import CLIENT_WALLET
from ledger.conversions import convert
from ledger.lines import Rate
from tenants.ports import Ports
from tests.fixtures.web import Browser, host
from tests.tradersroom import people
from tests.treasury.desk import Desk, open_desk

MY = host("my")


@pytest.fixture
async def sofia(
    browser: Browser, ports: Ports, database: Database, tenant: TenantRef, vault: Vault
) -> Desk:
    """A client who is signed in, with 400.00 EUR of which 150.00 are held, and 649.92 USD."""
    await people.sign_up(browser, ports)
    async with database.tenant_read(tenant) as session:
        client = await client_queries.client_by_email(session, "sofia@mail.example")
    assert client is not None
    desk = dataclasses.replace(await open_desk(database, tenant, vault), client_id=client.id)
    await _fill(desk)
    return desk


async def _fill(desk: Desk) -> None:
    rate = Rate("EUR", "USD", Decimal("1.0832"), Decimal("1.0886432"), "test", now())
    wallet = bookings.wallet(desk.client_id)
    mark = str(desk.client_id)[-6:]
    async with desk.database.tenant(desk.tenant) as session:
        lines = bookings.deposit(desk.connection_id, desk.client_id, Money.of("1000.00", "EUR"))
        await entries.post(
            session, key=f"d{mark}", kind="deposit", lines=lines, reference=f"DEP-{mark}"
        )
        lines = bookings.conversion(wallet, wallet, convert(Money.of("600.00", "EUR"), rate))
        await entries.post(session, key=f"c{mark}", kind="conversion", lines=lines, rate=rate)
        await holds.reserve(
            session,
            key=f"h{mark}",
            code=CLIENT_WALLET,
            currency="EUR",
            owner=("client", desk.client_id),
            amount=Decimal("150.00"),
            reference="WDR-TEST",
        )


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


async def test_each_wallet_says_what_is_available_and_what_is_held(
    sofia: Desk, browser: Browser
) -> None:
    """A hold is named beside what is left; a wallet without one is wholly available."""
    text = _plain((await browser.get(MY, "/wallets")).text)

    assert "EUR 250.00 EUR 150.00 EUR more is set aside." in text
    assert "USD 649.92 USD All of it is available." in text


async def test_both_legs_of_a_conversion_stand_in_the_list_and_one_under_a_filter(
    sofia: Desk, browser: Browser
) -> None:
    """The list has every wallet's lines; a click on a wallet leaves its own."""
    every = _plain((await browser.get(MY, "/wallets")).text)
    dollars = _plain((await browser.get(MY, "/wallets?currency=USD")).text)

    for line in ("−600.00 EUR", "+649.92 USD", "+1,000.00 EUR"):
        assert line in every
    assert "+649.92 USD" in dollars
    assert "−600.00 EUR" not in dollars


async def test_a_strangers_bookings_are_in_no_list_and_no_file(
    sofia: Desk, browser: Browser, database: Database, tenant: TenantRef, vault: Vault
) -> None:
    """Another client of the same brokerage has as much; none of it is shown or exported."""
    stranger = await open_desk(database, tenant, vault)
    await _fill(stranger)
    reference = f"DEP-{str(stranger.client_id)[-6:]}"

    page = await browser.get(MY, "/wallets")
    searched = await browser.get(MY, f"/wallets?q={reference}")
    found = await browser.post(MY, "/wallets/export", {"format": "csv", "query": ""})

    assert reference not in page.text
    assert "What leaves nothing" in searched.text
    assert found.status_code == 200
    assert reference not in found.text
    assert len(found.text.strip().splitlines()) == 4
