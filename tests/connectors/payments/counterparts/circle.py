"""A declared provider's account at its counterpart, and the callbacks as our address gets them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.payments.declared import Declared, GuardedTransport
from connectors.payments.engine import provider_files
from connectors.payments.engine.port import Addresses, Call, Notice, Order, Payer
from kernel.money import Money
from tests.connectors.payments.simulator.merchant import Got, Merchant
from tests.fixtures.psp_simulator import PspSimulator

PAYER = Payer(
    public_id="cust-55",
    first_name="Ada",
    last_name="Test",
    email="ada@example.com",
    phone="+491701234567",
    country="DE",
    city="Berlin",
    address="Test Street 1",
    postal_code="10115",
    birth_date="1990-02-17",
    ip="127.0.0.1",
    language="en",
)


class Circle:
    """One account of a provider: orders go out, callbacks come in."""

    def __init__(
        self,
        simulator: PspSimulator,
        endpoint: Merchant,
        provider: str,
        protocol: str,
        words: Mapping[str, str],
        *,
        path: str = "",
        **options: Any,
    ) -> None:
        """`words` maps the file's credentials to the simulator's; `path` ends the base address."""
        self.simulator = simulator
        self.endpoint = endpoint
        self.account = simulator.open_merchant(protocol, options=options)
        known = {ours: self.account["credentials"][theirs] for ours, theirs in words.items()}
        allow = frozenset({urlsplit(simulator.url).netloc})
        loaded = provider_files.load(provider)
        base = {"base_url": simulator.url} if "base_url" in loaded.credentials else {}
        self.gateway = Declared(
            loaded,
            {**known, **base, "api_base": simulator.url + path},
            environment="sandbox",
            transport=GuardedTransport(allow=allow),
            egress_allow=allow,
        )

    def order(self, reference: str, amount: str, currency: str, **more: Any) -> Order:
        """Return an order with our addresses."""
        return Order(
            reference=reference,
            amount=Money.of(amount, currency),
            payer=PAYER,
            addresses=Addresses(
                self.endpoint.url, "http://noor.localhost/ok", "http://noor.localhost/no"
            ),
            idempotency_key=f"key-{reference}",
            **{"description": f"Deposit {reference}", **more},
        )

    def payment(self, reference: str) -> dict[str, Any]:
        """Return the simulator's payment with our reference."""
        return self.simulator.payments(reference=reference, merchant=self.account["id"])[-1]

    def moved(self, reference: str) -> list[tuple[str, str, str]]:
        """Return what really moved: kind, amount, currency."""
        moves = self.simulator.moves(reference=reference, merchant=self.account["id"])
        return [(one["kind"], one["amount"], one["currency"]) for one in moves]

    async def notices(self, count: int) -> list[Notice]:
        """Wait for callbacks and return what the engine makes of all of them."""
        found: list[Notice] = []
        for got in self.endpoint.wait(count):
            found += await self.gateway.receive(call_of(got))
        return found

    def answer_as_we_do(self) -> None:
        """Let the address answer what the engine says."""

        def answer(got: Got) -> tuple[int, dict[str, str], bytes]:
            answering = self.gateway.answering(call_of(got))
            return answering.status, dict(answering.headers), answering.body

        self.endpoint.answer = answer


def call_of(got: Got) -> Call:
    """Return a callback as it comes to our address."""
    return Call(body=got.body, headers=got.headers, path="/hooks")
