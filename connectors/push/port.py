"""What the product asks of push services, in the product's words."""

from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()


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


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key of a private one as an uncompressed point: 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def new_key() -> tuple[bytes, bytes]:
    """Make a sender's key pair: the private number, and the public point."""
    key = ec.generate_private_key(CURVE)
    return key.private_numbers().private_value.to_bytes(32), point(key)


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
