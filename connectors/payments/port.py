"""What the product asks of a payment provider, in the product's words.

Amounts are `Money`; the provider's minor units never leave the adapter. A payment is created at
most once for one idempotency key, and what the provider tells later comes in as signed events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from kernel.money import Money

EventKind = Literal["paid", "pending", "failed", "expired", "disputed", "refunded", "ignored"]
PaymentState = Literal["pending", "paid", "failed", "expired"]


class PaymentError(Exception):
    """The base of everything a payment provider raises; its text holds no secrets."""


class PaymentRefused(PaymentError):
    """The provider answered with a definite no: no payment exists for this key."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the provider's code and its text, which may be shown to staff."""
        super().__init__(f"The payment provider refused: {code} {text}".rstrip())
        self.code = code
        self.text = text


class PaymentUnknown(PaymentError):
    """The outcome is unknown; the same call with the same idempotency key is safe to repeat."""


class CredentialsRefused(PaymentRefused):
    """The provider does not accept the key: ask for the account's current secret key."""


class SignatureRefused(PaymentError):
    """A webhook is not from the provider, or too old: nothing in it may be believed."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment to create; the reference is ours and comes back with every event."""

    reference: str
    amount: Money
    description: str
    customer_email: str = field(repr=False)
    return_url: str
    cancel_url: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A created payment: the provider's own reference, and where to send the payer."""

    provider_reference: str
    redirect_url: str


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """A verified webhook. `event_id` is unique per provider; `reference` is ours when known.

    `amount` is what the event is about (paid, refunded or disputed), `fee` what the provider
    keeps of it when the event says so. `kind` 'ignored' is an event we do not act on.
    """

    event_id: str
    kind: EventKind
    type: str
    provider_reference: str
    reference: str
    amount: Money | None
    fee: Money | None
    occurred_at: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """What the provider says about a payment when asked."""

    provider_reference: str
    reference: str
    state: PaymentState
    amount: Money | None
    fee: Money | None


class PaymentProvider(Protocol):
    """One merchant account at a provider. Calls raise `PaymentRefused` (a definite no) or
    `PaymentUnknown` (repeat with the same key).
    """

    async def create_payment(self, request: PaymentRequest) -> Payment:
        """Create the payment once for its idempotency key and say where to send the payer."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> PaymentEvent:
        """Check the signature over the raw bytes and read the event, or raise `SignatureRefused`.

        Header names are matched without regard to case.
        """

    async def query(self, provider_reference: str) -> PaymentStatus:
        """Ask the provider what became of a payment."""

    async def register_webhook(self, url: str) -> str:
        """Have the provider send its events to the address; returns the signing secret."""

    async def check(self) -> None:
        """Make sure the credentials work, or raise `CredentialsRefused`."""

    async def close(self) -> None:
        """Close the connections to the provider; the next call would open new ones."""


class PaymentProviders(Protocol):
    """Where the domain gets its providers from; wiring picks the adapter by name."""

    def get(self, provider: str, credentials: Mapping[str, str]) -> PaymentProvider:
        """Build the provider for one merchant account; credentials are as unsealed."""
