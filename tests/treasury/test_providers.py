"""Deposits through declared providers: somebody else's counterparts, over real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from connectors.payments.engine.port import Call, Step
from entrypoints.connections import Gateways
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.crypto import Vault
from kernel.database import Database
from kernel.errors import InvalidInput
from kernel.money import Money
from ledger import queries as ledger_queries
from tests.connectors.payments.local_server import Arrived, LocalServer
from tests.fixtures.psp_simulator import PspSimulator
from tests.treasury.desk import Desk, add_client
from treasury import connections, deposits, queries
from treasury.connections import Currency, Reach
from treasury.deposits import Place, ProviderUnavailable
from treasury.models import Deposit
from treasury.offers import queries as offer_queries

_ENVIRONMENT = {
    "MARQUE_SECRET_KEY": "s" * 40,
    "MARQUE_DATA": "unused",
    "DATABASE_URL": "postgresql://127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "SMTP_URL": "smtp://127.0.0.1:1",
}
# protocol of the counterpart, further credentials, how its names are ours
COUNTERPARTS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "praxis": ("praxis", {}, {}),
    "skrill": ("skrill", {}, {}),
    "vpg": (
        "vpg",
        {"base_url": "https://checkout.example"},
        {"merchant_pass": "password"},
    ),
    "nowpayments": ("crypto", {}, {}),
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """One simulator for the module."""
    running = PspSimulator()
    yield running
    running.stop()


@pytest.fixture
async def hooks() -> AsyncIterator[LocalServer]:
    """Where the providers call."""
    async with LocalServer() as running:
        yield running


@dataclass
class Shop(Desk):
    """A desk whose connection is a declared provider's, and where its calls arrive."""

    hooks: LocalServer
    simulator: PspSimulator
    merchant: str
    provider: str

    def reach(self) -> Reach:
        """Return what reaches providers, who call us at the local server."""
        port = str(urlsplit(self.hooks.url).port)
        settings = kernel_settings.load({**_ENVIRONMENT, "MARQUE_PORT": port})
        return Reach(self.gateways, self.vault, settings)

    async def pay(self, deposit: Deposit) -> Step:
        """Ask the provider for what the payer sees next."""
        return await deposits.create_payment(
            self.database,
            self.tenant,
            deposit_id=deposit.id,
            reach=self.reach(),
            place=Place("https://my.example/deposit/x", "https://my.example/deposit", "192.0.2.7"),
        )

    async def choose(self, step: Step, verb: str, **details: str) -> None:
        """Do something on the provider's page as its payer."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.post(
                await self._page(browser, step), data={"verb": verb, **details}
            )
        assert page.status_code in (200, 303), page.text

    async def _page(self, browser: httpx.AsyncClient, step: Step) -> str:
        seen = await browser.get(step.url, follow_redirects=True)
        return str(seen.url)

    async def heard(self, count: int = 1) -> list[Arrived]:
        """Wait for calls of the provider."""
        return [await asyncio.wait_for(self.hooks.arrived.get(), 10) for _ in range(count)]

    async def deliver(self, arrived: Arrived) -> str:
        """Let a call come to our door; return what became of it."""
        parts = urlsplit(arrived.path)
        token = parts.path.rsplit("/", 1)[1]
        call = Call(arrived.body, arrived.headers, parts.query, arrived.method, parts.path)
        return (await self.reception().receive(self.tenant, token=token, call=call)).outcome


async def open_shop(
    database: Database, tenant: TenantRef, vault: Vault, hooks: LocalServer, *, provider: str,
    simulator: PspSimulator,
) -> Shop:  # fmt: skip
    """Open an account at the counterpart and connect it."""
    protocol, more, names = COUNTERPARTS[provider]
    account = await asyncio.to_thread(simulator.open_merchant, protocol)
    given = {names.get(name, name): text for name, text in account["credentials"].items()}
    allow = frozenset({urlsplit(simulator.url).netloc})
    async with database.tenant(tenant) as session:
        made = await connections.create(
            session,
            provider=provider,
            name=f"{provider} {account['id']}"[:80],
            credentials={**given, **more, "api_base": simulator.url},
            limits={"USD": (Decimal(10), Decimal(5000)), "EUR": (Decimal(10), Decimal(5000))},
            vault=vault,
        )
        client_id = await add_client(session)
    return Shop(
        database,
        tenant,
        vault,
        Gateways(allow=allow),
        made.id,
        made.webhook_token,
        client_id,
        hooks,
        simulator,
        account["id"],
        provider,
    )


@pytest.fixture
async def shop(
    request: pytest.FixtureRequest,
    *,
    database: Database,
    tenant: TenantRef,
    vault: Vault,
    simulator: PspSimulator,
    hooks: LocalServer,
) -> Shop:
    """A shop of the provider that a test names."""
    made = await open_shop(
        database, tenant, vault, hooks, provider=request.param, simulator=simulator
    )
    if made.provider == "vpg":
        # Its callback address stands in the account and not in the order.
        async with database.tenant_read(tenant) as session:
            connection = await queries.connection(session, made.connection_id)
            assert connection is not None
            address = connections.callback_of(made.reach().settings, tenant, connection)
        await asyncio.to_thread(
            simulator.operator,
            "POST",
            f"/_simulator/merchants/{made.merchant}",
            {"options": {"notification_url": address}},
        )
    return made


EVERY = pytest.mark.parametrize("shop", ["praxis", "skrill", "vpg", "nowpayments"], indirect=True)


async def told(shop: Shop, deposit: Deposit, *, calls: int = 8) -> list[Arrived]:
    """Let the provider's calls in until the deposit is decided; return them."""
    seen: list[Arrived] = []
    for _ in range(calls):
        if (await shop.seen(deposit)).state not in ("created", "pending"):
            break
        seen += await shop.heard()
        assert await shop.deliver(seen[-1]) in ("stored", "repeated")
        await shop.work()
    return seen


def verb(shop: Shop) -> str:
    """Return what a payer chooses who pays."""
    return "send" if shop.provider == "nowpayments" else "approve"


@EVERY
async def test_a_payment_on_the_providers_page_is_credited_once(shop: Shop) -> None:
    """Whatever the signature leaves open is asked; calls that come again change nothing."""
    deposit = await shop.start("100.00")
    step = await shop.pay(deposit)
    assert (await shop.pay(deposit)).url == step.url
    await shop.choose(step, verb(shop))
    seen = await told(shop, deposit)
    found = await shop.seen(deposit)

    for one in seen * 2:
        assert await shop.deliver(one) == "repeated"
    await shop.work()

    assert (found.state, found.settled_amount) == ("credited", Decimal(100)), found.reason
    assert (await shop.wallet()).available == Decimal(100)
    assert await shop.entries() == 1


@EVERY
async def test_a_changed_callback_is_refused(shop: Shop) -> None:
    """Another amount in the very bytes: nothing is stored, nothing credited."""
    deposit = await shop.start("100.00")
    await shop.choose(await shop.pay(deposit), verb(shop))
    [arrived] = await shop.heard()
    changed = arrived.body.replace(b"100", b"900").replace(b"10000", b"90000")

    outcome = await shop.deliver(dataclasses.replace(arrived, body=changed))
    await shop.work()

    assert changed != arrived.body
    assert outcome == "refused"
    assert (await shop.seen(deposit)).state == "created"


@EVERY
async def test_twice_at_once_is_once(shop: Shop) -> None:
    """The same calls beside each other, in the other order, handled by several at once."""
    deposit = await shop.start("100.00")
    await shop.choose(await shop.pay(deposit), verb(shop))
    calls = await shop.heard()
    await asyncio.sleep(0.5)
    calls += shop.hooks.all()
    await asyncio.gather(*(shop.deliver(one) for one in calls[::-1] * 3))
    async with shop.database.tenant_read(shop.tenant) as session:
        waiting = await queries.unhandled_events(session)

    await asyncio.gather(*(shop.handle([one]) for one in waiting * 2))
    await told(shop, deposit)

    assert (await shop.wallet()).available == Decimal(100)
    assert await shop.entries() == 1


@pytest.mark.parametrize("shop", ["praxis"], indirect=True)
async def test_another_amount_than_ordered_waits_for_a_person(shop: Shop) -> None:
    """What was paid is known to the person, who credits it."""
    deposit = await shop.start("100.00")
    await shop.choose(await shop.pay(deposit), "part", amount="90.00")
    await told(shop, deposit)
    held = await shop.seen(deposit)

    async with shop.database.tenant(shop.tenant) as session:
        await deposits.decide(session, deposit_id=deposit.id, credit=True, reason="Agreed")

    assert (held.state, held.reason) == ("held", "Paid 90.00 USD, ordered 100.00 USD.")
    assert (await shop.wallet()).available == Decimal(90)


@pytest.mark.parametrize("shop", ["nowpayments"], indirect=True)
@pytest.mark.parametrize("share", ["0.5", "1.5"])
async def test_coins_that_differ_are_credited_by_what_came(shop: Shop, share: str) -> None:
    """Too little or too much is held; the person types what it was worth, nobody guesses."""
    deposit = await shop.start("100.00")
    step = await shop.pay(deposit)
    payment = (await asyncio.to_thread(_payments, shop, deposit))[0]
    amount = Decimal(payment["extra"]["pay_amount"]) * Decimal(share)
    await shop.choose(step, "part", amount=f"{amount:.6f}")
    await told(shop, deposit)
    held = await shop.seen(deposit)
    assert held.state == "held", held.reason

    if held.settled_currency != "USD":
        with pytest.raises(InvalidInput):
            await _decide(shop, deposit, None)
        await _decide(shop, deposit, Decimal(100) * Decimal(share))

        assert (await shop.wallet()).available == Decimal(100) * Decimal(share)
        assert await shop.entries() == 1


async def _decide(shop: Shop, deposit: Deposit, amount: Decimal | None) -> None:
    async with shop.database.tenant(shop.tenant) as session:
        await deposits.decide(
            session, deposit_id=deposit.id, credit=True, reason="Seen", amount=amount
        )


def _payments(shop: Shop, deposit: Deposit) -> list[dict[str, Any]]:
    path = f"/_simulator/payments?reference={deposit.reference}"
    found: list[dict[str, Any]] = shop.simulator.operator("GET", path)["payments"]
    return found


@pytest.mark.parametrize("shop", ["praxis", "vpg", "skrill"], indirect=True)
async def test_a_decline_credits_nothing_whatever_the_callback_claims(shop: Shop) -> None:
    """The payer's card is refused for good: the deposit fails and is not held."""
    deposit = await shop.start("100.00")
    await shop.choose(await shop.pay(deposit), "hard")
    await told(shop, deposit)

    found = await shop.seen(deposit)
    assert found.state == "failed", found.reason
    assert await shop.entries() == 0


@pytest.mark.parametrize("shop", ["vpg", "skrill"], indirect=True)
async def test_a_chargeback_of_a_paid_deposit_is_a_dispute(shop: Shop) -> None:
    """It is flagged with its kind and amount; whoever books it hears of it."""
    deposit = await shop.start("100.00")
    await shop.choose(await shop.pay(deposit), verb(shop))
    await told(shop, deposit)
    [payment] = await asyncio.to_thread(_payments, shop, deposit)
    await asyncio.to_thread(
        shop.simulator.operator, "POST", f"/_simulator/payments/{payment['id']}/chargeback", {}
    )
    for one in await shop.heard():
        await shop.deliver(one)
    outcomes = await shop.work()

    assert (await shop.seen(deposit)).disputed_at is not None, outcomes
    assert (await shop.wallet()).available == Decimal(100)


@pytest.mark.parametrize("shop", ["praxis"], indirect=True)
async def test_a_lost_answer_leaves_the_deposit_to_be_tried_again(shop: Shop) -> None:
    """The provider's answer is lost after it acted: the same reference opens the same payment."""
    deposit = await shop.start("100.00")
    await asyncio.to_thread(
        shop.simulator.operator,
        "POST",
        "/_simulator/faults",
        {"protocol": "praxis", "kind": "drop"},
    )
    with pytest.raises(ProviderUnavailable):
        await shop.pay(deposit)

    step = await shop.pay(deposit)
    await shop.choose(step, "approve")
    await told(shop, deposit)

    async with shop.database.tenant_read(shop.tenant) as session:
        attempts = await offer_queries.attempts_of(session, deposit_id=deposit.id)
    assert [one.outcome for one in attempts] == ["asked", "broken", "asked", "good"]
    assert (await shop.wallet()).available == Decimal(100)


async def test_a_fee_that_the_client_bears_is_the_brokerages(
    database: Database, tenant: TenantRef, vault: Vault, simulator: PspSimulator, hooks: LocalServer
) -> None:
    """The payer sends the sum, the wallet gets what was asked for, the rest is income."""
    shop = await open_shop(database, tenant, vault, hooks, provider="skrill", simulator=simulator)
    async with database.tenant(tenant) as session:
        await connections.change_currencies(
            session,
            connection_id=shop.connection_id,
            currencies={
                "USD": Currency(
                    Decimal(10), Decimal(5000), Decimal("2.9"), Decimal("0.30"), "client"
                )
            },
        )
    deposit = await shop.start("100.00")
    await shop.choose(await shop.pay(deposit), "approve")
    await told(shop, deposit)

    found = await shop.seen(deposit)
    assert (found.ordered, found.state) == (Money.of("103.20", "USD"), "credited"), found.reason
    assert (found.settled_amount, (await shop.wallet()).available) == (Decimal(100), Decimal(100))
    async with database.tenant_read(tenant) as session:
        fees = await ledger_queries.balance(
            session, code="income.fees", currency="USD", owner=("house", "house")
        )
    assert abs(fees.amount) == Decimal("3.20")
    assert await shop.entries() == 1


async def test_a_bank_transfer_shows_our_account_and_waits_for_a_person(
    desk: Desk, vault: Vault
) -> None:
    """Nobody is called; the reference is on the page; the money is credited by what came."""
    async with desk.database.tenant(desk.tenant) as session:
        made = await connections.create(
            session,
            provider="bank_wire",
            name="Wire",
            credentials={"account_holder": "Alpha", "bank_name": "Bank", "iban": "LV80BANK"},
            limits={"USD": (Decimal(250), Decimal(50_000))},
            vault=vault,
            environment="live",
        )
    desk.connection_id = made.id
    deposit = await desk.start("300.00")
    step = await desk.pay(deposit)
    async with desk.database.tenant(desk.tenant) as session:
        await deposits.hold(session, deposit_id=deposit.id, reason="On the statement.")
        await deposits.decide(
            session, deposit_id=deposit.id, credit=True, reason="Booked", amount=Decimal("299.00")
        )

    assert step.kind == "instructions"
    assert deposit.reference in dict(step.instructions).values()
    assert (await desk.wallet()).available == Decimal(299)
