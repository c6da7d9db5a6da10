"""Mail over SMTP.

The address is `smtp://user:password@host:port` with `?starttls=1` to insist on encryption, or
`smtps://` for encryption from the first byte; user and password are percent-encoded.
"""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from connectors.mail.port import InlineImage, Mail, MailDeferred, MailRefused

_FORBIDDEN = re.compile(r"[\x00\r\n]")
_MESSAGE_ID = re.compile(r"^[A-Za-z0-9._+=-]{1,128}@[A-Za-z0-9.-]{1,128}$")
_MAILBOX = re.compile(r"^(?P<name>[^<>]*)<(?P<address>[^<>]*)>$")
_ADDRESS = re.compile(r"^[^@\s<>\"(),:;\\]{1,64}@[^@\s<>\"(),:;\\]{1,253}$")
_CONTENT_ID = re.compile(r"^[a-z0-9.-]{1,60}@[a-z0-9.-]{1,60}$")
_SUBJECT_LIMIT = 250


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """A mail server and how to speak to it."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    encrypted: bool
    starttls: bool

    @classmethod
    def parse(cls, url: str) -> "SmtpAddress":
        """Read an SMTP_URL; raise ValueError for what is not one."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:port?starttls=1")
        encrypted = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if encrypted else 25),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            encrypted=encrypted,
            starttls=parse_qs(parts.query).get("starttls", ["0"])[-1] == "1",
        )


class Smtp:
    """A `Mailer` that opens a connection for each mail, because mails are rare and jobs many."""

    def __init__(self, url: str, *, timeout_seconds: float = 15.0) -> None:
        """Remember the server; nothing is sent yet."""
        self._address = SmtpAddress.parse(url)
        self._timeout_seconds = timeout_seconds

    async def send(self, mail: Mail) -> str:
        """Hand the mail to the server and return its Message-ID."""
        message = compose(mail)
        address = self._address
        encrypted = address.encrypted or address.starttls
        try:
            await aiosmtplib.send(
                message,
                hostname=address.host,
                port=address.port,
                username=address.user,
                password=address.password,
                use_tls=address.encrypted,
                start_tls=address.starttls,
                tls_context=ssl.create_default_context() if encrypted else None,
                timeout=self._timeout_seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            worst = max((refusal.code for refusal in error.recipients), default=500)
            raise _refusal(worst) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailDeferred(
                f"The mail server gave no answer ({type(error).__name__})."
            ) from None
        return str(message["Message-ID"])


def compose(mail: Mail) -> EmailMessage:
    """Build the message: text, and HTML as its alternative; raise MailRefused for bad headers."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox(mail.sender, "sender")
    message["To"] = _mailbox(mail.to, "recipient")
    if mail.reply_to:
        message["Reply-To"] = _mailbox(mail.reply_to, "reply address")
    message["Subject"] = _clean(mail.subject, "subject")[:_SUBJECT_LIMIT]
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = _message_id(mail)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
        _embed(message, mail.images)
    return message


def _embed(message: EmailMessage, images: Sequence[InlineImage]) -> None:
    """Put pictures beside the HTML part (RFC 2387), where only that part names them."""
    html = message.get_body(("html",))
    for image in images:
        if html is None or not _CONTENT_ID.match(image.content_id):
            raise MailRefused("A picture of the mail has no proper name.")
        html.add_related(
            image.data,
            "image",
            image.subtype,
            cid=f"<{image.content_id}>",
            disposition="inline",
            filename=f"{image.content_id.partition('@')[0]}.{image.subtype}",
        )


def _refusal(code: int) -> MailRefused | MailDeferred:
    """A 5xx answer is final, except for a sign-in that the operator has to put right."""
    if 500 <= code < 600 and code not in (530, 534, 535):
        return MailRefused(f"The mail server refused the mail with {code}.")
    return MailDeferred(f"The mail server answered {code}.")


def _clean(value: str, what: str) -> str:
    if _FORBIDDEN.search(value):
        raise MailRefused(f"The {what} of a mail may hold no line breaks.")
    return value


def _mailbox(value: str, what: str) -> Address:
    found = _MAILBOX.match(_clean(value, what).strip())
    name, address = (found["name"], found["address"]) if found else ("", value.strip())
    if not _ADDRESS.match(address):
        raise MailRefused(f"The {what} of the mail is not a mail address.")
    try:
        return Address(display_name=name.strip(' "'), addr_spec=address)
    except (HeaderParseError, ValueError, IndexError):
        raise MailRefused(f"The {what} of the mail is not a mail address.") from None


def _message_id(mail: Mail) -> str:
    if not mail.message_id:
        return make_msgid(domain=mail.sender.rpartition("@")[2].rstrip("> "))
    if not _MESSAGE_ID.match(mail.message_id):
        raise MailRefused("The Message-ID of the mail is not one.")
    return f"<{mail.message_id}>"
