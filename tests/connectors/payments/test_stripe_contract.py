"""The Stripe adapter keeps the port's promises against the simulator, a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from connectors import contract
from connectors.contract import PaymentsControl
from connectors.payments.port import CredentialsRefused, Payment, PaymentProvider
from connectors.payments.stripe import Stripe
from kernel.money import Money
from tests.connectors.payments.local_server import LocalServer
from tests.fixtures.psp_simulator import PspSimulator

CARD = {"method": "card", "number": "4242424242424242", "expiry": "12 / 39", "cvc": "123"}


@dataclass
class Control:
    """A payer with a good card, and the address that the webhooks were registered for."""

    hooks: LocalServer

    async def pay(self, payment: Payment) -> tuple[bytes, Mapping[str, str]]:
        """Fill in the provider's page and wait for the event of this payment."""
        async with httpx.AsyncClient() as browser:
            page = await browser.post(payment.redirect_url, data=CARD)
        assert page.status_code in (302, 303), page.text
        while True:
            hook = await asyncio.wait_for(self.hooks.arrived.get(), 10)
            if payment.provider_reference.encode() in hook.body:
                return hook.body, hook.headers


@pytest.fixture(scope="module")
def simulator() -> Iterator[PspSimulator]:
    """One simulator for the module."""
    running = PspSimulator()
    yield running
    running.stop()


@pytest.fixture
async def hooks() -> AsyncIterator[LocalServer]:
    """Where webhooks arrive."""
    async with LocalServer() as running:
        yield running


@pytest.fixture
async def provider(simulator: PspSimulator, hooks: LocalServer) -> AsyncIterator[Stripe]:
    """The adapter with an account of its own, its webhook registered by itself."""
    key = simulator.create_account()["secret_key"]
    first = Stripe({"secret_key": key}, api_base=simulator.url)
    await first.register_webhook(f"{hooks.url}/hooks")
    secret = await first.register_webhook(f"{hooks.url}/hooks")
    await first.close()
    made = Stripe(
        {"secret_key": key, "webhook_secret": secret, "api_base": simulator.url},
        egress_allow=frozenset({simulator.url.removeprefix("http://")}),
    )
    yield made
    await made.close()


@pytest.mark.parametrize("check", contract.PAYMENTS, ids=lambda check: check.__name__)
async def test_the_adapter_keeps_the_promise(
    provider: Stripe,
    hooks: LocalServer,
    check: Callable[[PaymentProvider, PaymentsControl], Awaitable[None]],
) -> None:
    """Each promise of the payments port holds over a real socket, with real signatures."""
    await check(provider, Control(hooks))


async def test_registering_twice_leaves_one_address(provider: Stripe, hooks: LocalServer) -> None:
    """The older registration is removed, so that no event comes with a secret we have lost."""
    payment = await provider.create_payment(contract._payment(Money.of("10", "USD")))
    body, headers = await Control(hooks).pay(payment)

    assert provider.verify(body, headers).kind == "paid"
    with pytest.raises(TimeoutError):
        while True:
            hook = await asyncio.wait_for(hooks.arrived.get(), 1)
            assert provider.verify(hook.body, hook.headers).event_id


async def test_a_wrong_key_fails_the_check(simulator: PspSimulator) -> None:
    """The person who typed it is told which key to copy, and the key is not repeated."""
    provider = Stripe({"secret_key": "sk_test_wrong"}, api_base=simulator.url)

    with pytest.raises(CredentialsRefused) as refused:
        await provider.check()

    await provider.close()
    assert "secret key" in refused.value.text
    assert "sk_test_wrong" not in str(refused.value)
