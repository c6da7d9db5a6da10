"""Mail over SMTP.

The address is `smtp://user:password@host:port` with `?starttls=1` to insist on encryption, or
`smtps://` for encryption from the first byte; user and password are percent-encoded.
"""

import asyncio
import re
import socket
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

from connectors.mail.port import (
    InlineImage,
    Mail,
    MailDeferred,
    MailRefused,
    RecipientRefused,
    ServerAddress,
    ServerUnusable,
    Step,
)
from kernel.http import EgressRefused, resolve

_FORBIDDEN = re.compile(r"[\x00\r\n]")
_MESSAGE_ID = re.compile(r"^[A-Za-z0-9._+=-]{1,128}@[A-Za-z0-9.-]{1,128}$")
_MAILBOX = re.compile(r"^(?P<name>[^<>]*)<(?P<address>[^<>]*)>$")
_ADDRESS = re.compile(r"^[^@\s<>\"(),:;\\]{1,64}@[^@\s<>\"(),:;\\]{1,253}$")
_CONTENT_ID = re.compile(r"^[a-z0-9.-]{1,60}@[a-z0-9.-]{1,60}$")
_SUBJECT_LIMIT = 250
_STATUS = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_UNSUBSCRIBE = re.compile(r"^https?://[^\s<>,]{1,400}$")
# Where mail servers take mail from programs; 2525 is what hosts that block 25 use.
_PORTS = frozenset({25, 465, 587, 2525})
_HOST_MISMATCH = 62
_SLOW = (
    "The server does not answer in time. Check host and port, and whether a firewall lets mail out."
)
_INSIDE = (
    "This address can't be used. Give your provider's public host, with port 25, 465, 587 or 2525."
)


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
    """A `Mailer` that opens a connection for each mail, because mails are rare and jobs many.

    With `allow` (the operator's exceptions, as `host:port`) the address is one that a tenant
    typed: its host is resolved once, every address is judged, and the connection goes to the
    one that was. The certificate must be the host's whatever the address.
    """

    def __init__(
        self,
        url: str | SmtpAddress,
        *,
        timeout_seconds: float = 15.0,
        allow: frozenset[str] | None = None,
    ) -> None:
        """Remember the server; nothing is sent yet."""
        self._address = SmtpAddress.parse(url) if isinstance(url, str) else url
        self._timeout_seconds = timeout_seconds
        self._allow = allow

    async def send(self, mail: Mail) -> str:
        """Hand the mail to the server and return its Message-ID."""
        message = compose(mail)
        sender = mail.envelope_sender or message["From"].addresses[0].addr_spec
        if not _ADDRESS.match(sender):
            raise MailRefused("The return address of the mail is not a mail address.")
        recipient = message["To"].addresses[0].addr_spec
        # A server that drips its answers must not hold a job for longer than all its stages.
        try:
            async with asyncio.timeout(4 * self._timeout_seconds):
                client = await self._opened()
                try:
                    await self._transfer(client, sender, recipient, message)
                finally:
                    await _leave(client)
        except TimeoutError:
            raise ServerUnusable("connect", _SLOW) from None
        return str(message["Message-ID"])

    async def check(self, sender: str) -> list[Step]:
        """Go to the server's consent to a sender and no further; see `MailServers.check`."""
        steps: list[Step] = []
        try:
            async with asyncio.timeout(4 * self._timeout_seconds):
                client = await self._opened(steps)
                try:
                    await self._name_sender(client, sender)
                finally:
                    await _leave(client)
                steps.append(Step("sender", passed=True, says=f"The server takes {sender}."))
        except ServerUnusable as error:
            steps.append(Step(error.stage, passed=False, says=str(error)))
        except MailDeferred as error:
            steps.append(Step("sender", passed=False, says=str(error)))
        except TimeoutError:
            steps.append(Step("connect", passed=False, says=_SLOW))
        return steps

    async def _opened(self, steps: list[Step] | None = None) -> aiosmtplib.SMTP:
        """Return a connection that is encrypted and signed in; raise ServerUnusable."""
        address = self._address
        passed = steps if steps is not None else []
        place = await self._place()
        passed.append(Step("address", passed=True, says=f"{address.host} is {place}."))
        sock = await self._socket(place)
        client = aiosmtplib.SMTP(
            hostname=address.host,
            sock=sock,
            use_tls=address.encrypted,
            start_tls=False,
            tls_context=_trust() if address.encrypted or address.starttls else None,
            timeout=self._timeout_seconds,
        )
        try:
            await self._greet(client)
            passed.append(Step("connect", passed=True, says=f"Port {address.port} answers."))
            words = "Encrypted from the first byte." if address.encrypted else ""
            if address.starttls:
                await self._encrypt(client)
                words = f"Encrypted; the certificate is for {address.host}."
            passed.append(Step("tls", passed=True, says=words or "Not encrypted, as allowed here."))
            if address.user:
                await self._sign_in(client)
            words = f"Signed in as {address.user}." if address.user else "No sign-in asked for."
            passed.append(Step("auth", passed=True, says=words))
        except BaseException:
            client.close()  # the connection owns the socket by now, and closes it
            raise
        return client

    async def _place(self) -> str:
        address = self._address
        if self._allow is None:
            return address.host
        if not (address.encrypted or address.starttls) and not self._exempt:
            raise ServerUnusable("tls", "Mail must travel encrypted. Choose STARTTLS or TLS.")
        try:
            found = await asyncio.wait_for(
                resolve(address.host, address.port, allow=self._allow, ports=_PORTS),
                self._timeout_seconds,
            )
        except TimeoutError:
            raise ServerUnusable(
                "address", "The name of this server was not found in time."
            ) from None
        except EgressRefused as refused:
            words = refused.text if refused.text != EgressRefused.message else _INSIDE
            raise ServerUnusable("address", words) from None
        return found

    @property
    def _exempt(self) -> bool:
        return f"{self._address.host}:{self._address.port}" in (self._allow or ())

    async def _socket(self, place: str) -> socket.socket:
        """Connect to the address that was judged, and to no other."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await loop.getaddrinfo(place, self._address.port, type=socket.SOCK_STREAM)
                family, kind, protocol, _, target = found[0]
                sock = socket.socket(family, kind, protocol)
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, target)
                except BaseException:
                    sock.close()
                    raise
                return sock
        except TimeoutError:
            raise ServerUnusable("connect", _SLOW) from None
        except OSError:
            raise ServerUnusable(
                "connect",
                f"Nothing answers at port {self._address.port}. Check host and port, and"
                " whether a firewall lets mail out.",
            ) from None

    async def _greet(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
            await client.ehlo()
        except ssl.SSLCertVerificationError as error:
            raise ServerUnusable("tls", _untrusted(self._address.host, error)) from None
        except ssl.SSLError:
            raise ServerUnusable(
                "tls",
                "The server does not speak TLS at this port. Choose STARTTLS, or another port.",
            ) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                words = _untrusted(self._address.host, error.__cause__)
                raise ServerUnusable("tls", words) from None
            if isinstance(error.__cause__, ssl.SSLError):
                raise ServerUnusable(
                    "tls",
                    "The server does not speak TLS at this port. Choose STARTTLS, or another port.",
                ) from None
            raise ServerUnusable(
                "connect",
                "The port is open, but no mail server greets. Check the port and the encryption.",
            ) from None

    async def _encrypt(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.starttls(server_hostname=self._address.host)
        except ssl.SSLCertVerificationError as error:
            raise ServerUnusable("tls", _untrusted(self._address.host, error)) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                words = _untrusted(self._address.host, error.__cause__)
                raise ServerUnusable("tls", words) from None
            raise ServerUnusable(
                "tls",
                "The server offers no STARTTLS at this port. Choose TLS and port 465, or ask your"
                " provider.",
            ) from None

    async def _sign_in(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.login(self._address.user or "", self._address.password or "")
        except aiosmtplib.SMTPAuthenticationError:
            raise ServerUnusable(
                "auth",
                "The server refuses this user and password. Some providers want a password made"
                " for programs.",
            ) from None
        except (aiosmtplib.SMTPException, OSError):
            raise ServerUnusable(
                "auth", "The server offers no sign-in that we know (PLAIN, LOGIN, CRAM-MD5)."
            ) from None

    async def _name_sender(self, client: aiosmtplib.SMTP, sender: str) -> None:
        try:
            await client.mail(sender)
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600:
                raise ServerUnusable("sender", _sender_refused(error.code, sender)) from None
            raise MailDeferred(f"The mail server answered {error.code}.") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _silent(error) from None

    async def _transfer(
        self, client: aiosmtplib.SMTP, sender: str, recipient: str, message: EmailMessage
    ) -> None:
        await self._name_sender(client, sender)
        try:
            await client.rcpt(recipient)
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600:
                raise RecipientRefused(
                    f"The mail server refused the recipient with {error.code}.",
                    status=_enhanced(error),
                ) from None
            raise MailDeferred(f"The mail server answered {error.code}.") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _silent(error) from None
        try:
            await client.data(message.as_bytes())
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _silent(error) from None


class SmtpServers:
    """The mail servers of tenants, behind the guard of outgoing connections."""

    def __init__(self, *, allow: frozenset[str], timeout_seconds: float = 8.0) -> None:
        """Take the addresses outside the internet that the operator allows."""
        self._allow = allow
        self._timeout_seconds = timeout_seconds

    def at(self, address: ServerAddress) -> Smtp:
        """Return a way to send through the server; nothing connects yet."""
        return Smtp(
            SmtpAddress(
                host=address.host,
                port=address.port,
                user=address.user or None,
                password=address.password or None,
                encrypted=address.security == "implicit",
                starttls=address.security == "starttls",
            ),
            timeout_seconds=self._timeout_seconds,
            allow=self._allow,
        )

    async def check(self, address: ServerAddress, *, sender: str) -> list[Step]:
        """Go all the way to the server's consent to a sender, sending nothing."""
        return await self.at(address).check(sender)


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye, for a second at most: the mail is out of our hands already."""
    try:
        async with asyncio.timeout(1):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        pass  # a goodbye that is not heard changes nothing, and is no failure of this mail
    finally:
        client.close()


def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _untrusted(host: str, error: ssl.SSLCertVerificationError) -> str:
    if "mismatch" in error.verify_message.lower() or error.verify_code == _HOST_MISMATCH:
        return f"The server's certificate is not for {host}. Use the name that your provider gives."
    return f"The server's certificate can't be trusted: {error.verify_message}."


def _sender_refused(code: int, sender: str) -> str:
    return (
        f"The server refuses {sender} as sender ({code}). Send from an address that this user"
        " may use, or have it confirmed at your provider."
    )


def _silent(error: BaseException) -> MailDeferred:
    return MailDeferred(f"The mail server gave no answer ({type(error).__name__}).")


def _enhanced(error: aiosmtplib.SMTPResponseException) -> str:
    found = _STATUS.search(error.message or "")
    return found.group(0) if found else "5.0.0"


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
    if mail.unsubscribe_url:
        if not _UNSUBSCRIBE.match(mail.unsubscribe_url):
            raise MailRefused("The address to unsubscribe at is not one.")
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
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
