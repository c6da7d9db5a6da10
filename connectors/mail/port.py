"""What the product asks of a mail server, in the product's words."""

from dataclasses import dataclass, field
from typing import Protocol


class MailError(Exception):
    """The base of everything a mailer raises; its text holds no addresses and no content."""


class MailRefused(MailError):
    """The mail can never be delivered as it is (bad header, recipient refused): do not retry."""


class RecipientRefused(MailRefused):
    """The server says that this recipient gets no mail; `status` is its code (RFC 3463)."""

    def __init__(self, text: str, *, status: str) -> None:
        """Keep the enhanced status code, such as 5.1.1."""
        super().__init__(text)
        self.status = status


class MailDeferred(MailError):
    """The server could not be reached or asked to come back later: try again after a pause."""


class ServerUnusable(MailDeferred):
    """The server is of no use as it is set up; `stage` says where it ended.

    The stages are those of `STAGES`; the text says in words what to do, for whoever set it up.
    """

    def __init__(self, stage: str, text: str) -> None:
        """Remember how far the way to the server went."""
        super().__init__(text)
        self.stage = stage


STAGES = ("address", "connect", "tls", "auth", "sender")


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
    mailer make one. Addresses are `name@host` or `Name <name@host>`. Reports of what did not
    arrive go to the bare address `envelope_sender`, or to the sender when it is empty.
    `unsubscribe_url` is offered to mailboxes for one click (RFC 8058).
    """

    sender: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    reply_to: str = ""
    message_id: str = ""
    images: tuple[InlineImage, ...] = ()
    envelope_sender: str = ""
    unsubscribe_url: str = field(default="", repr=False)


class Mailer(Protocol):
    """A way to send mail."""

    async def send(self, mail: Mail) -> str:
        """Hand the mail to the server and return its Message-ID.

        Raises `MailRefused` when repeating is useless and `MailDeferred` when it is not.
        """


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A mail server as somebody typed it; `security` is implicit, starttls or none."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage on the way to a server: whether it was passed, and what was seen there."""

    stage: str
    passed: bool
    says: str


class MailServers(Protocol):
    """Mail servers whose addresses tenants typed: reached only where the product may go."""

    def at(self, address: ServerAddress) -> Mailer:
        """Return a way to send through the server; nothing connects yet."""

    async def check(self, address: ServerAddress, *, sender: str) -> list[Step]:
        """Go all the way to the server's consent to a sender, sending nothing.

        The steps are in the order of `STAGES`, and end with the first that fails.
        """
