"""The SMTP adapter: the port's promises against the mail catcher, and servers that say no."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from connectors import contract
from connectors.contract import MailControl
from connectors.mail.port import Mail, MailDeferred, Mailer, MailRefused
from connectors.mail.smtp import Smtp, SmtpAddress, compose
from tests.fixtures.services import ensure_services

MAIL = Mail(
    sender="Alpha Markets <no-reply@alpha.example>",
    to="ada@example.com",
    subject="Your account",
    text="Hello Ada",
)


class Catcher:
    """The handle on the mail catcher."""

    def __init__(self, inbox_url: str) -> None:
        """Remember where the inbox is."""
        self._inbox_url = inbox_url

    async def received(self, subject: str) -> tuple[str, str]:
        """Look at the inbox until the mail with the subject is there."""
        for _ in range(50):
            for listed in await self._get("/api/messages"):
                if listed["subject"] == subject:
                    mail = await self._get(f"/api/messages/{listed['id']}")
                    return mail["text"], mail["html"]
            await asyncio.sleep(0.1)
        raise AssertionError("the mail did not arrive")

    async def _get(self, path: str) -> Any:
        def fetch() -> Any:
            with urllib.request.urlopen(self._inbox_url + path, timeout=5) as answer:
                return json.load(answer)

        return await asyncio.to_thread(fetch)


@pytest.mark.parametrize("check", contract.MAIL, ids=lambda check: check.__name__)
async def test_the_adapter_keeps_the_promise(
    check: Callable[[Mailer, MailControl], Awaitable[None]],
) -> None:
    """Each promise of the mail port holds against a server of its own process."""
    services = ensure_services()

    await check(Smtp(services.smtp_url), Catcher(services.inbox_url))


class Refusing:
    """A server that answers a recipient, or the whole mail, as a test asks."""

    def __init__(self, recipient: str = "250 ok", data: str = "250 ok") -> None:
        """Remember the two answers."""
        self.recipient = recipient
        self.data = data

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Answer RCPT."""
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Answer DATA."""
        return self.data


@asynccontextmanager
async def listening(handler: Refusing) -> AsyncIterator[int]:
    """Serve SMTP on a free port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("server", "error"),
    [
        (Refusing(recipient="550 no such user ada@example.com"), MailRefused),
        (Refusing(recipient="450 mailbox busy ada@example.com"), MailDeferred),
        (Refusing(data="554 spam"), MailRefused),
        (Refusing(data="451 come back later"), MailDeferred),
    ],
)
async def test_a_no_is_final_or_for_now(server: Refusing, error: type[Exception]) -> None:
    """5xx ends the mail, 4xx asks to come back, and no error repeats the address."""
    async with listening(server) as port:
        with pytest.raises(error) as raised:
            await Smtp(f"smtp://127.0.0.1:{port}").send(MAIL)

    assert "ada@" not in str(raised.value)


async def test_a_server_that_is_not_there_defers_the_mail() -> None:
    """Nothing is lost when the mail server is down."""
    with pytest.raises(MailDeferred):
        await Smtp("smtp://127.0.0.1:9").send(MAIL)


async def test_a_silent_server_ends_in_time() -> None:
    """A server that accepts and says nothing holds the job for no longer than the limit."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(MailDeferred):
        await Smtp(f"smtp://127.0.0.1:{port}", timeout_seconds=0.2).send(MAIL)

    server.close()


async def test_encryption_that_was_asked_for_is_insisted_on() -> None:
    """With starttls=1 a server that offers none gets no mail."""
    async with listening(Refusing()) as port:
        with pytest.raises(MailDeferred):
            await Smtp(f"smtp://127.0.0.1:{port}?starttls=1").send(MAIL)


@pytest.mark.parametrize("character", ["\r", "\n", "\r\n", "\0"])
@pytest.mark.parametrize("field", ["subject", "to", "sender", "reply_to", "message_id"])
def test_no_header_takes_a_line_break(field: str, character: str) -> None:
    """Whoever types a name or a subject can't add a recipient."""
    mail = replace(MAIL, reply_to="help@alpha.example", message_id="1@alpha.example")
    spoiled = f"{getattr(mail, field)}{character}Bcc: eve@example.com"
    changed: dict[str, Any] = {field: spoiled}

    with pytest.raises(MailRefused):
        compose(replace(mail, **changed))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "x@y.example <a@b.example>, c@d.example",
        "ada@",
        "@example.com",
        "a@b@c",
        "a@b.example, c@d.example",
        "<>",
    ],
)
def test_an_address_is_exactly_one(address: str) -> None:
    """Lists and fragments are refused before the server sees them."""
    with pytest.raises(MailRefused):
        compose(Mail(MAIL.sender, address, "Hi", "Hi"))


def test_a_mail_has_text_before_html_and_an_identity() -> None:
    """Readers that show no HTML find the text; the Message-ID is of the sender's domain."""
    plain = compose(MAIL)
    both = compose(Mail(MAIL.sender, MAIL.to, "Hi", "Text", html="<p>Html</p>"))

    assert plain.get_content_type() == "text/plain"
    assert [part.get_content_type() for part in both.iter_parts()] == ["text/plain", "text/html"]
    assert plain["Message-ID"].endswith("@alpha.example>")
    assert plain["Auto-Submitted"] == "auto-generated"


def test_an_smtp_address_is_read() -> None:
    """User and password are percent-encoded; the port has a default for each scheme."""
    address = SmtpAddress.parse("smtp://us%40er:p%2Fw@mail.example:587?starttls=1")

    assert (address.host, address.port) == ("mail.example", 587)
    assert (address.user, address.password, address.starttls) == ("us@er", "p/w", True)
    assert SmtpAddress.parse("smtps://mail.example").port == 465
    assert "p/w" not in repr(address)


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://"])
def test_what_is_no_smtp_address_is_refused(url: str) -> None:
    """The operator is shown the form it should have."""
    with pytest.raises(ValueError, match="SMTP_URL"):
        SmtpAddress.parse(url)
