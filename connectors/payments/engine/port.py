"""What the treasury and a declared provider say to each other.

Amounts are `Money`, moments are aware, and nothing that a provider sent is believed before it was
verified. The same words serve every provider, whatever its file says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connectors.payments.engine.definitions import Provider, Show, State
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays or is paid; what is not known is empty. Never logged."""

    public_id: str
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    country: str = ""
    city: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    tax_id: str = field(default="", repr=False)
    ip: str = field(default="", repr=False)
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a provider calls and where it sends the payer back to."""

    callback: str
    done: str
    cancel: str


@dataclass(frozen=True, slots=True)
class Order:
    """A payment to make, in either direction.

    `reference` is ours, unique, and comes back with every word about it. The provider's own are
    known later: `session_ref` is the attempt that a Step began, `provider_ref` the payment itself.
    `beneficiary` holds where a payout goes, in the provider's own words.
    """

    reference: str
    amount: Money
    payer: Payer
    addresses: Addresses
    idempotency_key: str
    method: str = ""
    description: str = ""
    session_ref: str = ""
    provider_ref: str = ""
    created: datetime | None = None
    beneficiary: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """One merchant account: which environment, and the opened credentials.

    A secret may be several lines while it is being replaced: the first one signs, and each of
    them is accepted. `stand_in` is where a local counterpart listens in the provider's stead; who
    sets it has checked it against the operator's exceptions.
    """

    environment: str
    credentials: Mapping[str, str] = field(repr=False)
    stand_in: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is ready to be sent; `host` has been checked against the provider's file."""

    method: str
    url: str = field(repr=False)
    host: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """A provider's answer to a request."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """What the payer sees next.

    kind redirect: go to `url`. form_post: the browser posts `fields` to `url`. qr: show `qr` as a
    code (`qr_image` is a PNG in base64). push: wait for the phone. address: pay to `address` with
    `address_tag`. instructions: the lines to copy. hosted: an adapter's own page.
    """

    kind: Show
    session_ref: str = ""
    url: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    qr: str = field(default="", repr=False)
    qr_image: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    address_tag: str = field(default="", repr=False)
    expires: str = ""
    instructions: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came to our address, before anything in it is believed."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    query: str = field(default="", repr=False)
    method: str = "POST"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified word about one payment.

    `event_id` is the same whenever the same event comes again. `state` is what may be acted upon:
    while `must_ask` is set it is "pending" whatever the provider's callback `claims`, because the
    signature does not cover the claim; ask by `query` and act on that answer. `alarm` is not empty
    when a person has to look. `follow_up` names an operation that the provider waits for.
    `amount` is None when it could not be read exactly: nothing is credited then. Some providers
    name only their own `session_ref`, and leave `reference` empty.
    """

    event_id: str
    state: State
    claims: State
    status: str
    reference: str
    session_ref: str
    provider_ref: str
    amount: Money | None
    settled: Money | None
    fee: Money | None
    must_ask: bool
    is_live: bool | None
    follow_up: str = ""
    alarm: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a provider says about one payment when it is asked, or in answer to an order."""

    state: State
    status: str
    reference: str
    provider_ref: str
    amount: Money | None
    settled: Money | None
    fee: Money | None
    alarm: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Answering:
    """What we answer to a callback, after the commit."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """What carries requests. It refuses inner addresses, follows no redirect and has a limit."""

    async def send(self, request: Request) -> Received:
        """Send one request once; raise PaymentUnknown when no answer came."""


class DeclaredGateway(Protocol):
    """One merchant account at a provider, declared or with an adapter of its own.

    Calls raise PaymentRefused (a definite no; `soft` tells whether another provider may be tried)
    or PaymentUnknown (ask by `query` before anything is repeated).
    """

    @property
    def provider(self) -> Provider:
        """The provider's file, for its form, methods, limits, fees and level."""

    async def deposit(self, order: Order) -> Step:
        """Create the payment and say what the payer sees next."""

    async def withdraw(self, order: Order) -> Standing:
        """Pay out. After PaymentUnknown, `query` first: see `provider.capabilities.idempotency`."""

    async def open_withdrawal(self, order: Order) -> Step:
        """Open the provider's own page for a payout (`capabilities.withdraw` "same_session")."""

    async def refund(self, order: Order) -> Standing:
        """Send a payment, or the part of it that `amount` says, back to its source."""

    async def query(self, order: Order) -> Standing:
        """Ask what became of a payment."""

    async def follow_up(self, notice: Notice, order: Order) -> Standing:
        """Make the call that a notice asks for."""

    async def receive(self, call: Call) -> Sequence[Notice]:
        """Verify a callback and read it; raise CallbackRefused (a SignatureRefused)."""

    def answering(self, call: Call) -> Answering:
        """What to answer to a callback once its notices are committed."""

    async def check(self) -> None:
        """Make sure the credentials work, as far as one can tell; raise CredentialsRefused."""

    async def register(self, callback: str) -> Mapping[str, str]:
        """Have the provider call an address of ours; return the credentials to keep for that.

        Empty for providers that are told with each payment, or by a person in their own pages.
        """

    async def close(self) -> None:
        """Close the connections to the provider; the next call would open new ones."""


class PaymentGateways(Protocol):
    """Where the domain gets its gateways from; wiring picks the adapter by the provider's file."""

    def get(
        self, provider_id: str, *, environment: str, credentials: Mapping[str, str]
    ) -> DeclaredGateway:
        """Return one merchant account's gateway; credentials are as unsealed. Nothing is sent.

        Raises ProviderUnknown, or CredentialsRefused for an address that nobody allowed.
        """
