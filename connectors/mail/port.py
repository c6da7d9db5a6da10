"""What the product asks of a mail server, in the product's words."""

from dataclasses import dataclass, field
from typing import Protocol


class MailError(Exception):
    """The base of everything a mailer raises; its text holds no addresses and no content."""


class MailRefused(MailError):
    """The mail can never be delivered as it is (bad header, recipient refused): do not retry."""


class MailDeferred(MailError):
    """The server could not be reached or asked to come back later: try again after a pause."""


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture that travels with the mail; its HTML names it as `cid:` and `content_id`.

    Readers show such a picture without asking, while they hold back one from a server.
    """

    content_id: str
    data: bytes = field(repr=False)
    subtype: str = "png"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one recipient with a text and, when not empty, an HTML part.

    `message_id` without angle brackets makes a repeated delivery recognisable; empty lets the
    mailer make one. Addresses are `name@host` or `Name <name@host>`.
    """

    sender: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    reply_to: str = ""
    message_id: str = ""
    images: tuple[InlineImage, ...] = ()


class Mailer(Protocol):
    """A way to send mail."""

    async def send(self, mail: Mail) -> str:
        """Hand the mail to the server and return its Message-ID.

        Raises `MailRefused` when repeating is useless and `MailDeferred` when it is not.
        """
