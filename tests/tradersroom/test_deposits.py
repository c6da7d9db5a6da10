"""Paying in through the pages, against the provider's simulator over a real socket."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from clients import queries as client_queries
from entrypoints.application import Web
from entrypoints.connections import Gateways
from kernel.actor import TenantRef
from kernel.database import Database
from kernel.ids import uuid7
from kernel.money import Money
from tenants.ports import Ports
from tests.factories.trading import open_account
from tests.fixtures.psp_simulator import PspSimulator
from tests.fixtures.web import Browser, host
from tests.tradersroom import people
from tradersroom import deposits as screens
from treasury import connections, deposits

MY = host("my")


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """The provider, as a process of its own."""
    made = PspSimulator()
    yield made
    made.stop()


@pytest.fixture
async def ports(ports: Ports, simulator: PspSimulator) -> Ports:
    """The ports of a process whose operator allows the simulator's address."""
    allowed = frozenset({simulator.url.partition("//")[2]})
    return dataclasses.replace(ports, gateways=Gateways(allow=allowed))


@pytest.fixture
async def connection_id(
    database: Database, tenant: TenantRef, ports: Ports, simulator: PspSimulator
) -> UUID:
    """Alpha takes dollars and euros by card."""
    account = await asyncio.to_thread(simulator.create_account)
    async with database.tenant(tenant) as session:
        made = await connections.create(
            session,
            provider="stripe",
            name="Card",
            credentials={"secret_key": account["secret_key"], "api_base": simulator.url},
            limits={
                "USD": (Decimal(10), Decimal(50_000)),
                "EUR": (Decimal(10), Decimal(50_000)),
            },
            vault=ports.vault,
        )
        return made.id


@pytest.fixture
async def sofia(browser: Browser, ports: Ports) -> Browser:
    """A client who is signed in."""
    await people.sign_up(browser, ports)
    await browser.get(MY, "/deposit")
    return browser


async def _client_id(database: Database, tenant: TenantRef) -> UUID:
    async with database.tenant_read(tenant) as session:
        client = await client_queries.client_by_email(session, "sofia@mail.example")
    assert client is not None
    return client.id


def _order(connection_id: UUID, **changes: str) -> dict[str, str]:
    return {
        "target": "wallet",
        "amount": "250.00",
        "currency": "USD",
        "method": "Card",
        **changes,
    }


async def test_a_deposit_is_written_down_before_the_payer_leaves(
    connection_id: UUID, sofia: Browser, superuser: asyncpg.Connection, simulator: PspSimulator
) -> None:
    """The redirect goes to the provider, and both sides know the deposit by its reference."""
    answer = await sofia.post(MY, "/deposit", _order(connection_id))
    row = await superuser.fetchrow(
        "SELECT reference, state, amount, session_ref FROM t_alpha.deposit"
    )
    page = await sofia.get(MY, f"/deposit/{row['reference']}")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(simulator.url)
    assert (row["state"], row["amount"]) == ("created", Decimal(250))
    assert row["session_ref"]
    assert "Waiting for your payment" in page.text
    assert "hx-get" in page.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "5"}, "The smallest deposit is 10.00 USD"),
        ({"amount": "60000"}, "The largest deposit is 50,000.00 USD"),
        ({"amount": "NaN"}, "Enter an amount such as"),
        ({"amount": "-20"}, "Enter an amount such as"),
        ({"amount": "1e3"}, "Enter an amount such as"),
        ({"amount": "10.001"}, "Enter an amount that USD can be paid in"),
        ({"amount": ""}, "Enter an amount such as"),
        ({"currency": "JPY"}, "Choose a currency that this payment method takes"),
        ({"currency": "XXX"}, "currency"),
        ({"method": ""}, "Choose how you pay"),
        ({"method": "zzz"}, "This payment method is not open to you"),
        ({"target": "moon"}, "Choose where the money goes"),
    ],
)
async def test_an_order_that_can_not_be_is_explained(
    connection_id: UUID,
    sofia: Browser,
    superuser: asyncpg.Connection,
    *,
    change: dict[str, str],
    words: str,
) -> None:
    """Nothing is written, nobody is called, and what was typed stays."""
    answer = await sofia.post(MY, "/deposit", _order(connection_id, **change))

    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{change.get("amount", "250.00")}"' in answer.text
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.deposit") == 0


async def test_an_account_of_somebody_else_does_not_exist(
    connection_id: UUID,
    sofia: Browser,
    database: Database,
    tenant: TenantRef,
    superuser: asyncpg.Connection,
) -> None:
    """Neither to pay into nor to look at."""
    account_id = await open_account(
        database, tenant, server_id=uuid7(), login=900001, group_name="real\\alpha\\STD-USD"
    )
    paid = await sofia.post(MY, "/deposit", _order(connection_id, target=str(account_id)))
    seen = await sofia.get(MY, f"/accounts/{account_id}")

    assert (paid.status_code, seen.status_code) == (404, 404)
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.deposit") == 0


async def test_an_account_takes_its_own_currency(
    connection_id: UUID, sofia: Browser, database: Database, tenant: TenantRef
) -> None:
    """Euros can't go to a dollar account; dollars can."""
    account_id = await open_account(
        database,
        tenant,
        server_id=uuid7(),
        login=900001,
        group_name="real\\alpha\\STD-USD",
        client_id=await _client_id(database, tenant),
    )
    wrong = await sofia.post(
        MY, "/deposit", _order(connection_id, target=str(account_id), currency="EUR")
    )
    right = await sofia.post(MY, "/deposit", _order(connection_id, target=str(account_id)))

    assert wrong.status_code == 422
    assert "This account is kept in USD" in wrong.text
    assert right.status_code == 303


async def test_a_deposit_of_somebody_else_does_not_exist(
    connection_id: UUID, sofia: Browser, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """Its page, its payment, and a look into the list."""
    await sofia.post(MY, "/deposit", _order(connection_id))
    reference = await superuser.fetchval("SELECT reference FROM t_alpha.deposit")
    await sofia.post(MY, "/logout")
    await people.sign_up(sofia, ports, email="other@mail.example", phone="+49 170 7654321")
    history = await sofia.get(MY, "/history")
    csv = await sofia.post(MY, "/history/export", {"format": "csv"})

    assert (await sofia.get(MY, f"/deposit/{reference}")).status_code == 404
    assert (await sofia.post(MY, f"/deposit/{reference}/pay")).status_code == 404
    assert reference not in history.text + csv.text


async def test_a_provider_that_is_down_loses_nothing(
    connection_id: UUID,
    sofia: Browser,
    superuser: asyncpg.Connection,
    simulator: PspSimulator,
) -> None:
    """The deposit stays open, its page says what happened, and the next click pays."""
    port = int(simulator.url.rsplit(":", 1)[1])
    await asyncio.to_thread(simulator.kill)
    try:
        answer = await sofia.post(MY, "/deposit", _order(connection_id))
        page = await sofia.get(MY, answer.headers["location"])
    finally:
        await asyncio.to_thread(simulator.start, port=port)
    reference = await superuser.fetchval("SELECT reference FROM t_alpha.deposit")
    again = await sofia.post(MY, f"/deposit/{reference}/pay")

    assert answer.headers["location"] == f"/deposit/{reference}?cancelled=1"
    assert "Nothing was charged" in page.text
    assert again.status_code == 303
    assert again.headers["location"].startswith(simulator.url)
    assert await superuser.fetchval("SELECT count(*) FROM t_alpha.deposit") == 1


async def test_an_address_that_is_not_confirmed_pays_nothing(
    connection_id: UUID, browser: Browser, ports: Ports
) -> None:
    """The page says so before anything is typed."""
    await people.register(browser, ports)
    await browser.log_in(MY, "sofia@mail.example", people.PASSWORD)
    page = await browser.get(MY, "/deposit")
    answer = await browser.post(MY, "/deposit", _order(connection_id))

    assert "Confirm your e-mail address first" in page.text
    assert answer.status_code == 409


async def test_more_payments_at_once_than_the_pool_bears_are_turned_away(
    connection_id: UUID, sofia: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the form as it was; the next attempt finds room."""
    monkeypatch.setattr(screens, "_under_way", 5)
    answer = await sofia.post(MY, "/deposit", _order(connection_id))
    monkeypatch.setattr(screens, "_under_way", 0)
    again = await sofia.post(MY, "/deposit", _order(connection_id))

    assert answer.status_code == 503
    assert "Nothing was charged" in answer.text
    assert 'value="250.00"' in answer.text
    assert again.status_code == 303


async def test_twenty_payments_at_once_end(connection_id: UUID, sofia: Browser, web: Web) -> None:
    """Each leads to the provider or is turned away; none waits for another's connection."""
    del web
    answers = await asyncio.wait_for(
        asyncio.gather(*(sofia.post(MY, "/deposit", _order(connection_id)) for _ in range(20))), 14
    )

    assert {answer.status_code for answer in answers} <= {303, 409, 503}
    assert any(answer.status_code == 303 for answer in answers)


async def test_history_is_searched_filtered_and_paged(
    connection_id: UUID, sofia: Browser, database: Database, tenant: TenantRef
) -> None:
    """Fifty-one of them make two pages; a closed filter shows none; the CSV has them all."""
    client_id = await _client_id(database, tenant)
    for chunk in (26, 25):
        async with database.tenant(tenant) as session:
            for _ in range(chunk):
                made = await deposits.start(
                    session,
                    client_id=client_id,
                    account_id=None,
                    amount=Money.of("25", "USD"),
                    connection_id=connection_id,
                )
                made.state = "cancelled"
    first = await sofia.get(MY, "/history")
    further = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = await sofia.get(MY, further)
    one = await sofia.get(MY, f"/history?q={made.reference}")
    none = await sofia.get(MY, "/history?state=done")
    csv = await sofia.post(MY, "/history/export", {"format": "csv"})

    assert first.text.count('href="/deposit/DEP-') == 50
    assert second.text.count('href="/deposit/DEP-') == 1
    assert one.text.count('href="/deposit/DEP-') == 1
    assert "Nothing here matches" in none.text
    assert len(csv.text.strip().splitlines()) == 52
    assert csv.headers["content-disposition"].startswith("attachment")
