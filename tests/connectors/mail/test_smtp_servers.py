"""Mail servers that tenants typed: guarded, encrypted by name, and diagnosed stage by stage."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from connectors.mail.port import Mail, RecipientRefused, ServerAddress, ServerUnusable
from connectors.mail.smtp import SmtpServers

MAIL = Mail(
    sender="Alpha <hello@alpha.example>",
    to="omar@mail.example",
    subject="Hi",
    text="Hello",
    envelope_sender="bounce+abc@alpha.example",
    unsubscribe_url="https://www.alpha.example/unsubscribe/t",
)


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """Make a certificate of its own authority for a name, beside `folder/ca.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


class Server:
    """A mail server that knows one user, one sender and no `gone` mailbox."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.taken: list[Any] = []

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        """Let alpha in with the right password."""
        right = isinstance(data, LoginPassword) and data == LoginPassword(b"alpha", b"right")
        return AuthResult(success=right, handled=True)

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take mails of one domain."""
        envelope.mail_from = address
        return "250 ok" if address.endswith("@alpha.example") else "553 5.7.1 not yours"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Know everybody but one."""
        envelope.rcpt_tos.append(address)
        return "550 5.1.1 no such user" if address.startswith("gone@") else "250 ok"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Keep what came."""
        self.taken.append(envelope)
        return "250 ok"


@asynccontextmanager
async def listening(
    server: Server, context: ssl.SSLContext | None, security: str
) -> AsyncIterator[int]:
    """Serve SMTP on a free port with the encryption asked for."""
    loop = asyncio.get_running_loop()
    starttls = context if security == "starttls" else None
    made = await loop.create_server(
        lambda: SMTP(
            server,
            loop=loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=server.authenticate,
            auth_require_tls=False,
        ),
        "127.0.0.1",
        0,
        ssl=context if security == "implicit" else None,
    )
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        await asyncio.sleep(0.05)  # for the ends of connections that were cut


def reached(port: int, *hosts: str) -> SmtpServers:
    """Return servers that the operator lets us reach here."""
    return SmtpServers(
        allow=frozenset(f"{host}:{port}" for host in hosts or ("localhost",)), timeout_seconds=3
    )


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for localhost whose authority this process trusts."""
    context = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context


@pytest.mark.parametrize("security", ["implicit", "starttls"])
async def test_a_mail_goes_through_an_encrypted_server(
    trusted: ssl.SSLContext, security: str
) -> None:
    """Signed in, under its return path, with the headers of one click."""
    server = Server()
    async with listening(server, trusted, security) as port:
        address = ServerAddress("localhost", port, security, "alpha", "right")
        await reached(port).at(address).send(MAIL)
        steps = await reached(port).check(address, sender="hello@alpha.example")

    [envelope] = server.taken
    assert envelope.mail_from == "bounce+abc@alpha.example"
    assert b"List-Unsubscribe: <https://www.alpha.example/unsubscribe/t>" in envelope.content
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in envelope.content
    assert [one.stage for one in steps] == ["address", "connect", "tls", "auth", "sender"]
    assert all(one.passed for one in steps)


@pytest.mark.parametrize("security", ["implicit", "starttls"])
async def test_the_certificate_must_be_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    """Another name's certificate, though trusted, ends at the encryption; nothing is sent."""
    context = certificate(tmp_path, "mail.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = Server()
    async with listening(server, context, security) as port:
        address = ServerAddress("localhost", port, security, "alpha", "right")
        steps = await reached(port).check(address, sender="hello@alpha.example")
        with pytest.raises(ServerUnusable):
            await reached(port).at(address).send(MAIL)

    assert (steps[-1].stage, steps[-1].passed) == ("tls", False)
    assert "certificate" in steps[-1].says
    assert server.taken == []


async def test_each_stage_says_what_is_wrong(trusted: ssl.SSLContext) -> None:
    """Password, sender, missing encryption, closed port: each in its own words."""
    async with listening(Server(), trusted, "starttls") as port:
        wrong = ServerAddress("localhost", port, "starttls", "alpha", "wrong")
        auth = await reached(port).check(wrong, sender="hello@alpha.example")
        right = ServerAddress("localhost", port, "starttls", "alpha", "right")
        sender = await reached(port).check(right, sender="hello@beta.example")
    async with listening(Server(), None, "none") as port:
        bare = ServerAddress("localhost", port, "starttls")
        tls = await reached(port).check(bare, sender="hello@alpha.example")
    closed = ServerAddress("localhost", 1, "starttls")
    connect = await reached(1).check(closed, sender="hello@alpha.example")

    ended = [(one[-1].stage, one[-1].passed) for one in (auth, sender, tls, connect)]
    assert ended == [("auth", False), ("sender", False), ("tls", False), ("connect", False)]
    assert "wrong" not in auth[-1].says


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001"])
async def test_a_server_inside_is_not_reached(host: str) -> None:
    """Without the operator's word no connection is made, however the address is written."""
    met: list[object] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for allow in (frozenset[str](), frozenset({f"other:{port}"})):
        for tried in (port, 587):
            with pytest.raises(ServerUnusable) as raised:
                await SmtpServers(allow=allow).at(ServerAddress(host, tried, "starttls")).send(MAIL)
            assert raised.value.stage == "address"
    server.close()
    assert met == []


async def test_a_recipient_that_is_gone_is_told_with_its_status(trusted: ssl.SSLContext) -> None:
    """So that the address is suppressed at once."""
    async with listening(Server(), trusted, "starttls") as port:
        address = ServerAddress("localhost", port, "starttls", "alpha", "right")
        gone = Mail(MAIL.sender, "gone@mail.example", "Hi", "Hello")
        with pytest.raises(RecipientRefused) as raised:
            await reached(port).at(address).send(gone)

    assert raised.value.status == "5.1.1"
    assert "gone@" not in str(raised.value)


async def test_plain_text_is_for_whom_the_operator_allows() -> None:
    """A tenant's server without encryption is refused before anything is sent."""
    with pytest.raises(ServerUnusable) as raised:
        address = ServerAddress("mail.example", 587, "none")
        await SmtpServers(allow=frozenset()).at(address).send(MAIL)

    assert raised.value.stage == "tls"
