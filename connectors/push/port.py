"""What the product asks of push services, in the product's words."""

from dataclasses import dataclass, field
from typing import Protocol


class PushError(Exception):
    """The base of everything a pusher raises; its text holds no addresses and no content."""


class PushGone(PushError):
    """The browser takes no pushes there any more, or never could: forget the subscription."""


class PushRefused(PushError):
    """This push can't be delivered as it is; another one may."""


class PushDeferred(PushError):
    """The push service could not be reached or asked to come back later: try again."""


@dataclass(frozen=True, slots=True)
class PushTarget:
    """A browser at its push service: the address, its public key and the shared secret.

    `public_key` is an uncompressed point of P-256 (65 bytes), `secret` has 16 bytes; both come
    from the browser (`p256dh` and `auth` of the Push API).
    """

    endpoint: str = field(repr=False)
    public_key: bytes = field(repr=False)
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who pushes: a private key of P-256 (its 32-byte number) and an address to complain to."""

    private_key: bytes = field(repr=False)
    contact: str


class Pusher(Protocol):
    """Delivers pushes."""

    async def push(
        self, target: PushTarget, message: bytes, *, sender: Sender, seconds: int, topic: str
    ) -> None:
        """Hand a message over; the service keeps it for so many seconds.

        A later message of the same topic (at most 32 characters) replaces one that waits. Raises
        PushGone, PushRefused or PushDeferred.
        """
        ...
