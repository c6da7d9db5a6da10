"""The Stripe adapter keeps the port's promises against the simulator, a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from connectors import contract
from connectors.contract import PaymentsControl
from connectors.payments.engine import provider_files
from connectors.payments.engine.port import Call, DeclaredGateway, Step
from connectors.payments.port import CredentialsRefused
from connectors.payments.stripe import Stripe
from kernel.money import Money
from tests.connectors.payments.local_server import LocalServer
from tests.fixtures.psp_simulator import PspSimulator

CARD = {"method": "card", "number": "4242424242424242", "expiry": "12 / 39", "cvc": "123"}


@dataclass
class Control:
    """A payer with a good card, and the address that the webhooks were registered for."""

    hooks: LocalServer

    async def pay(self, step: Step) -> tuple[bytes, Mapping[str, str]]:
        """Fill in the provider's page and wait for the event of this payment."""
        async with httpx.AsyncClient() as browser:
            page = await browser.post(step.url, data=CARD)
        assert page.status_code in (302, 303), page.text
        while True:
            hook = await asyncio.wait_for(self.hooks.arrived.get(), 10)
            if step.session_ref.encode() in hook.body:
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


def _gateway(simulator: PspSimulator, credentials: Mapping[str, str]) -> Stripe:
    return Stripe(
        provider_files.load("stripe"),
        {**credentials, "api_base": simulator.url},
        egress_allow=frozenset({simulator.url.removeprefix("http://")}),
    )


@pytest.fixture
async def provider(simulator: PspSimulator, hooks: LocalServer) -> AsyncIterator[Stripe]:
    """The adapter with an account of its own, its webhook registered by itself."""
    key = simulator.create_account()["secret_key"]
    first = _gateway(simulator, {"secret_key": key})
    await first.register(f"{hooks.url}/hooks")
    kept = await first.register(f"{hooks.url}/hooks")
    await first.close()
    made = _gateway(simulator, {"secret_key": key, **kept})
    yield made
    await made.close()


@pytest.mark.parametrize("check", contract.PAYMENTS, ids=lambda check: check.__name__)
async def test_the_adapter_keeps_the_promise(
    provider: Stripe,
    hooks: LocalServer,
    check: Callable[[DeclaredGateway, PaymentsControl], Awaitable[None]],
) -> None:
    """Each promise of the payments port holds over a real socket, with real signatures."""
    await check(provider, Control(hooks))


async def test_registering_twice_leaves_one_address(provider: Stripe, hooks: LocalServer) -> None:
    """The older registration is removed, so that no event comes with a secret we have lost."""
    step = await provider.deposit(contract.payment(Money.of("10", "USD")))
    body, headers = await Control(hooks).pay(step)

    assert [one.state for one in await provider.receive(Call(body, headers))] == ["succeeded"]
    with pytest.raises(TimeoutError):
        while True:
            hook = await asyncio.wait_for(hooks.arrived.get(), 1)
            assert await provider.receive(Call(hook.body, hook.headers)) is not None


async def test_a_wrong_key_fails_the_check(simulator: PspSimulator) -> None:
    """The person who typed it is told which key to copy, and the key is not repeated."""
    provider = _gateway(simulator, {"secret_key": "sk_test_wrong"})

    with pytest.raises(CredentialsRefused) as refused:
        await provider.check()

    await provider.close()
    assert "secret key" in refused.value.text
    assert "sk_test_wrong" not in str(refused.value)
