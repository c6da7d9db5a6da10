"""A small TLS server that signs a manager in as MT5 does and then misbehaves as a test asks."""

import asyncio
import hashlib
import json
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.oracles import mt5_challenge

PASSWORD = "Api-1234567"
LOGIN = 1011


@dataclass(frozen=True)
class Answer:
    """What is sent back: these very bytes, after a delay, and whether the connection ends."""

    data: bytes
    close: bool = False
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class Request:
    """What came: which connection it was on, the path, its parameters and the body."""

    connection: int
    target: str
    path: str
    parameters: dict[str, str]
    body: bytes


def http(body: bytes, status: int = 200) -> Answer:
    """Make an ordinary HTTP answer."""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
    return Answer(head.encode() + body)


def reply(answer: Any = None, retcode: str = "0 Done", **top: Any) -> Answer:
    """Make an answer in the server's envelope."""
    fields = {"retcode": retcode, **top}
    if answer is not None:
        fields["answer"] = answer
    return http(json.dumps(fields).encode())


Behaviour = Callable[[Request], Answer]


@dataclass
class HostileServer:
    """The server; `behaviours` replaces the answer to a path, `requests` is what has come."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    fingerprint: str = ""
    address: str = ""

    def on(self, path: str, *answers: Answer) -> None:
        """Answer a path with these, one after the other, and then with the last for ever."""
        left = list(answers)
        self.behaviours[path] = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def paths(self) -> list[str]:
        """What was asked, the sign-in left out."""
        return [item.path for item in self.requests if "/auth/" not in item.path]

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        context, self.fingerprint = _identity()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self._writers: set[asyncio.StreamWriter] = set()
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and drop whoever is connected."""
        self._server.close()
        self.drop()
        await asyncio.sleep(0)

    def drop(self) -> None:
        """Drop all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        try:
            challenge = b""
            while (request := await _read(reader, number)) is not None:
                self.requests.append(request)
                answer, challenge = self._answer(request, challenge)
                await asyncio.sleep(answer.delay_seconds)
                writer.write(answer.data)
                await writer.drain()
                if answer.close:
                    break
        except (OSError, EOFError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def _answer(self, request: Request, challenge: bytes) -> tuple[Answer, bytes]:
        behaviour = self.behaviours.get(request.path)
        if behaviour is not None:
            return behaviour(request), challenge
        if request.path == "/api/auth/start":
            random = hashlib.sha256(str(request.connection).encode()).hexdigest()[:32]
            return reply(version_access="4150", srv_rand=random), random.encode()
        if request.path == "/api/auth/answer":
            expected = mt5_challenge.answer(PASSWORD, challenge.decode())
            if request.parameters["srv_rand_answer"] != expected:
                return reply(retcode="1001 Invalid account"), challenge
            proof = mt5_challenge.answer(PASSWORD, request.parameters["cli_rand"])
            return reply(version_access="4150", version_trade="4150", cli_rand_answer=proof), b""
        if request.path == "/api/time/server":
            return reply({"Time": f"{int(datetime.now(UTC).timestamp()) + 7200} x"}), challenge
        if request.path == "/api/time/get":
            return reply({"TimeZone": "120", "Daylight": "0", "DaylightState": "0"}), challenge
        return reply({}), challenge


async def _read(reader: asyncio.StreamReader, number: int) -> Request | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = await reader.readline()
        if not line:
            return None
        head += line
    lines = head.decode().split("\r\n")
    target = lines[0].split(" ")[1]
    length = next(
        (int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")), 0
    )
    parts = urlsplit(target)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(number, target, parts.path, parameters, await reader.readexactly(length))


@cache
def _identity() -> tuple[ssl.SSLContext, str]:
    """Make a self-signed certificate once for all tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hostile")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)
    shown = certificate.public_bytes(serialization.Encoding.DER)
    return context, hashlib.sha256(shown).hexdigest()
