"""A deposit through a real provider's protocol: the simulator, over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from entrypoints.connections import Gateways
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from ledger import queries as ledger_queries
from tenants.ports import Ports
from tests.connectors.payments.local_server import LocalServer
from tests.fixtures.psp_simulator import PspSimulator
from tests.treasury.desk import Desk, open_desk, word
from treasury import connections, deposits, provisioning, queries, schedule, subscribers
from treasury.events import DepositSettled
from treasury.models import Deposit
from treasury.offers import ways
from treasury.offers.ways import Payer

CARD = {"method": "card", "number": "4242424242424242", "expiry": "12 / 39", "cvc": "123"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """One simulator for the module."""
    running = PspSimulator()
    yield running
    running.stop()


@pytest.fixture
async def hooks() -> AsyncIterator[LocalServer]:
    """Where the provider sends its events."""
    async with LocalServer() as running:
        yield running


@pytest.fixture
async def connected(desk: Desk, simulator: PspSimulator, hooks: LocalServer) -> Desk:
    """The desk, connected by the provisioning step, which is run twice."""
    key = simulator.create_account()["secret_key"]
    parts = urlsplit(simulator.url)
    desk.gateways = Gateways(allow=frozenset({f"{parts.hostname}:{parts.port}"}))
    for _ in range(2):
        desk.connection_id = await provisioning.simulator_psp(
            desk.database,
            desk.tenant,
            gateways=desk.gateways,
            vault=desk.vault,
            secret_key=key,
            api_base=simulator.url,
            webhook_url=lambda token: f"{hooks.url}/hooks/psp/{token}",
        )
    return desk


async def paid(desk: Desk, deposit: Deposit) -> None:
    """Create the payment twice, and fill in the provider's page once."""
    pages = [(await desk.pay(deposit)).url for _ in range(2)]
    assert pages[0] == pages[1]
    async with httpx.AsyncClient() as browser:
        page = await browser.post(pages[0], data=CARD)
    assert page.status_code in (302, 303)


async def test_a_card_payment_arrives_by_webhook_and_its_fee_is_booked(
    connected: Desk, hooks: LocalServer
) -> None:
    """The provider's own bytes and signature are believed; its fee is the brokerage's expense."""
    deposit = await connected.start("100.00")
    await paid(connected, deposit)
    hook = await asyncio.wait_for(hooks.arrived.get(), 10)
    token = hook.path.rsplit("/", 1)[1]
    headers = {name.lower(): value for name, value in hook.headers.items()}

    receipt = await connected.receive(hook.body, headers["stripe-signature"], hook_token=token)
    outcomes = await connected.work()
    for _ in range(2):
        await subscribers.on_deposit_settled(
            connected.database,
            connected.tenant,
            DepositSettled(deposit.id, connected.client_id, None, Decimal(100), "USD"),
            reach=connected.reach(),
        )

    found = await connected.seen(deposit)
    assert receipt.outcome == "stored"
    assert outcomes == ["settle: The provider confirmed the payment."]
    assert (found.state, found.provider_reference is not None) == ("credited", True)
    assert found.fee is not None
    async with connected.database.tenant_read(connected.tenant) as session:
        fee = await ledger_queries.balance(
            session, code="expense.psp_fee", currency="USD", owner=("house", "house")
        )
    assert fee.amount == found.fee > 0
    assert (await connected.wallet()).available == Decimal(100)
    assert await connected.entries() == 2


async def test_a_payment_whose_webhook_is_lost_is_found_by_asking(connected: Desk) -> None:
    """Asking before the payment changes nothing, and twice after it credits once."""
    deposit = await connected.start("75.00")

    async def ask() -> str:
        return await deposits.refresh(
            connected.database,
            connected.tenant,
            deposit_id=deposit.id,
            reach=connected.reach(),
        )

    assert await ask() == "created"
    await paid(connected, deposit)

    assert [await ask(), await ask()] == ["credited", "credited"]
    assert (await connected.wallet()).available == Decimal(75)


async def test_the_provisioning_step_connects_once(connected: Desk, hooks: LocalServer) -> None:
    """The second run finds the connection registered and leaves it alone."""
    async with connected.database.tenant_read(connected.tenant) as session:
        connection = await queries.connection(session, connected.connection_id)
        assert connection is not None
        opened = connections.credentials_of(session, connection, vault=connected.vault)
        offers = await ways.ways(session, payer=Payer("JP"))

    assert opened["webhook_secret"]
    assert provisioning.SIMULATOR in {offer.title for offer in offers}
    assert {offer.currency for offer in offers} >= {"JPY", "USD"}
    assert hooks.all() == []


async def test_a_dispute_that_names_only_its_payment_finds_the_deposit(
    database: Database, tenant: TenantRef, vault: Vault, hooks: LocalServer
) -> None:
    """The provider is asked whose payment it was; the deposit is flagged and nothing is debited."""
    desk = await open_desk(database, tenant, vault, api_base=hooks.url)
    deposit = await desk.start()
    await desk.say(deposit, "completed")
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 10000,
        "currency": "usd",
        "metadata": {"reference": deposit.reference},
    }
    hooks.answers = [(200, intent)]
    dispute = json.loads(word(deposit, "disputed", payment="dp_1"))
    dispute["data"]["object"] |= {"payment_intent": "pi_1", "metadata": {}}

    await desk.receive(json.dumps(dispute).encode())
    await desk.work()

    [asked] = hooks.all()
    assert asked.path.startswith("/v1/payment_intents/pi_1")
    assert (await desk.seen(deposit)).disputed_at is not None
    assert (await desk.wallet()).available == Decimal(100)


async def test_the_schedule_asks_only_about_deposits_that_wait_for_long(
    connected: Desk, ports: Ports, superuser: asyncpg.Connection
) -> None:
    """A payment of a moment ago is left to its event; an older one is found without it."""
    fresh, old = await connected.start("20.00"), await connected.start("30.00")
    for deposit in (fresh, old):
        await paid(connected, deposit)
    await superuser.execute(
        f"UPDATE {connected.tenant.schema}.deposit SET created_at = now() - interval '1 hour'"
        " WHERE id = $1",
        old.id,
    )

    await schedule.refresh_open(replace(ports, gateways=connected.gateways), connected.tenant)

    assert (await connected.seen(fresh)).state == "created"
    assert (await connected.seen(old)).state == "credited"
