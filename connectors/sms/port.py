"""What the product asks of a carrier of short messages, in the product's words."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class SmsError(Exception):
    """The base of everything a gateway raises; its text holds no numbers and no content."""


class SmsRefused(SmsError):
    """The message can never be delivered as it is (not a telephone, blocked): do not retry."""


class SmsDeferred(SmsError):
    """The carrier could not be reached or asked to come back later: try again after a pause.

    Whether the message was taken is unknown; `find` says so at the next attempt.
    """


@dataclass(frozen=True, slots=True)
class Sms:
    """A message to one telephone; `to` has its country code, such as +4915112345678."""

    to: str = field(repr=False)
    text: str = field(repr=False)


class SmsGateway(Protocol):
    """A way to send short messages."""

    async def send(self, sms: Sms) -> str:
        """Hand the message to the carrier and return its reference.

        Raises `SmsRefused` when repeating is useless and `SmsDeferred` when it is not.
        """

    async def find(self, sms: Sms, *, since: datetime) -> str:
        """Return the reference of an equal message taken since a moment, "" when there is none.

        Carriers take no key that would make a repetition harmless, so whoever does not know
        whether a message was taken asks first. Raises `SmsDeferred`.
        """
