"""Puts the protocols, their hosted page and the operator's requests behind one address.

No two providers share a path, so one process with one port speaks for all of them: small memory,
and one `api_base` for every connection.
"""

from collections.abc import Callable

from connectors.payments.simulator.coinspaid.api import CoinsPaid
from connectors.payments.simulator.crypto.api import Crypto
from connectors.payments.simulator.desk import faults, hosted
from connectors.payments.simulator.desk.controls import STRIPE, Desk
from connectors.payments.simulator.desk.courier import Courier
from connectors.payments.simulator.desk.protocols import Protocol, Refused
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.praxis.api import Praxis
from connectors.payments.simulator.skrill.api import Skrill
from connectors.payments.simulator.store import Store
from connectors.payments.simulator.vpg.api import Vpg
from connectors.payments.simulator.wire import Request, Response


class Counterparts:
    """Everything beside the Stripe-like API."""

    def __init__(self, store: Store) -> None:
        """Share the simulator's store."""
        known: list[Protocol] = [Praxis(), Skrill(), Vpg(), Crypto(), CoinsPaid()]
        self.protocols = {protocol.name: protocol for protocol in known}
        self.records = Records(store)
        self.desk = Desk(self.records, self.protocols)
        self.courier = Courier(self.records, self.protocols)

    def shows(self, path: str) -> bool:
        """Return whether a path is a hosted page."""
        return path.startswith(hosted.PREFIX)

    def page(self, request: Request) -> Response:
        """Answer a request on a hosted page."""
        return hosted.answer(self.records, self.protocols, request)

    def owner(self, path: str) -> Protocol | None:
        """Return the protocol whose path it is."""
        return next((one for one in self.protocols.values() if one.owns(path)), None)

    async def call(self, protocol: Protocol, request: Request) -> Response:
        """Answer an API call, with the fault that the operator ordered for it."""

        def work(request: Request) -> Response:
            with self.records.store.transaction():
                return protocol.answer(self.records, request)

        return await self.suffer(protocol.name, request, work)

    async def suffer(
        self, name: str, request: Request, work: Callable[[Request], Response]
    ) -> Response:
        """Do the work of a call with the fault that was ordered, and record the call."""
        fault = None
        if faults.waiting(self.records.store):
            with self.records.store.transaction():
                fault = faults.take(self.records.store, name, request.path)
        response = await faults.suffer(fault, request, work)
        if name != STRIPE:
            kind = "" if fault is None else fault["kind"]
            with self.records.store.transaction():
                self.records.log_call(name, request, status=response.status, fault=kind)
        return response

    def later(self, merchant: str, verb: str, payment_id: str) -> None:
        """Do what was planned for a payment; a plan that no longer fits is dropped."""
        payment = self.records.store.get(merchant, payment_id)
        if payment is None:
            return
        try:
            self.protocols[payment["protocol"]].act(self.records, payment, verb, {})
        except Refused:
            return
