"""What a protocol tells the shared parts: its paths, its verbs, how it signs and is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol as Shape

from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.wire import Request, Response


class Refused(Exception):
    """A person or operator asked for something that this payment cannot do; says what and why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One outcome on the hosted page; `amount` says that the payer may change the amount."""

    verb: str
    label: str
    hint: str = ""
    amount: bool = False


@dataclass(frozen=True, slots=True)
class Sealed:
    """A callback ready to be sent."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the merchant answered to a callback; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Protocol(Shape):
    """One provider's way of speaking."""

    @property
    def name(self) -> str:
        """The word that operators and records use for it."""

    @property
    def tries_max(self) -> int:
        """How often a callback is sent before the provider gives up."""

    @property
    def reply_seconds(self) -> float:
        """How long the provider waits for an answer to a callback."""

    def owns(self, path: str) -> bool:
        """Return whether a request path is this protocol's."""

    def answer(self, records: Records, request: Request) -> Response:
        """Answer one API request inside a transaction."""

    def credentials(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return a merchant's credentials, made up where the operator gave none."""

    def choices(self, payment: JsonObject) -> list[Choice]:
        """Return what a payer can do on the page now; empty when nothing is left to do."""

    def lines(self, payment: JsonObject) -> list[tuple[str, str]]:
        """Return what the page tells the payer besides the amount, such as an address."""

    def act(
        self, records: Records, payment: JsonObject, verb: str, details: Mapping[str, str]
    ) -> None:
        """Do a verb of the payer, the operator or the clock; raise Refused."""

    def back(self, payment: JsonObject) -> str:
        """Return where the payer goes from the page as the payment stands; may be empty."""

    def seal(
        self, merchant: JsonObject, content: JsonObject, *, moment: int, forged: bool
    ) -> Sealed:
        """Sign a callback for sending at `moment`; `forged` signs with a wrong secret."""

    def accepted(self, merchant: JsonObject, answered: Answered) -> bool:
        """Return whether the merchant's answer ends the repeating."""
