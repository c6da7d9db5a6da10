"""One TLS connection that carries HTTP/1.1 requests one after the other.

The MT5 Web API binds its session to the TCP connection, so nothing here reconnects or pools:
a wire that has failed stays closed. Certificates are verified against the system's
authorities, or, with a fingerprint, against that one certificate (SHA-256 of its DER form).
"""

import asyncio
import contextlib
import hashlib
import hmac
import ssl
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from connectors.trading.port import Unreachable, Untrusted
from kernel.http import EgressRefused, resolve

_HEADER_BYTES_MAX = 64 * 1024
_HEADERS_MAX = 100


class LostWire(Exception):
    """The connection ended or spoke something that is not HTTP before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: host and port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `host`, `host:port` or `https://host:port`; raise ValueError for anything else."""
        parts = urlsplit(text if "//" in text else f"//{text}")
        if parts.scheme not in ("", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("Enter the server's address as host:port.")
        return cls(parts.hostname, parts.port or 443)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP answer: its status and whole body."""

    status: int
    body: bytes


class Wire:
    """A connected, trusted stream; a failed request leaves it unusable."""

    def __init__(
        self,
        address: Address,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        body_bytes_max: int,
    ) -> None:
        """Wrap an open stream; use `dial` to get one."""
        self._fixed_headers = (
            f"Host: {address.host}:{address.port}\r\n"
            "Connection: keep-alive\r\n"
            "Accept: application/json\r\n"
        )
        self._reader = reader
        self._writer = writer
        self._body_bytes_max = body_bytes_max
        self.closing = False

    @property
    def usable(self) -> bool:
        """Say whether a request may start: open on our side, and not ended on the server's."""
        return not (self.closing or self._writer.is_closing() or self._reader.at_eof())

    async def request(
        self, target: str, body: bytes | None, *, timeout_seconds: float
    ) -> HttpReply:
        """Send one request and read its answer; raise `TimeoutError` or `LostWire`."""
        if body is None:
            data = f"GET {target} HTTP/1.1\r\n{self._fixed_headers}\r\n".encode("ascii")
        else:
            head = (
                f"POST {target} HTTP/1.1\r\n{self._fixed_headers}"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            data = head.encode("ascii") + body
        try:
            async with asyncio.timeout(timeout_seconds):
                self._writer.write(data)
                await self._writer.drain()
                return await self._read()
        except TimeoutError:
            raise
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise LostWire(type(error).__name__) from None

    async def _read(self) -> HttpReply:
        status, headers = await self._head()
        while status // 100 == 1:
            status, headers = await self._head()
        if headers.get("connection", "").lower() == "close":
            self.closing = True
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return HttpReply(status, await self._chunks())
        if status in (204, 304):
            return HttpReply(status, b"")
        if "content-length" in headers:
            return HttpReply(status, await self._exactly(_number(headers["content-length"], 10)))
        self.closing = True
        return HttpReply(status, await self._to_the_end())

    async def _head(self) -> tuple[int, dict[str, str]]:
        head = (await self._reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1")
        first, *lines = head.split("\r\n")
        status_line = first.split(" ", 2)
        if len(status_line) < 2 or not status_line[0].startswith("HTTP/1."):
            raise LostWire("not HTTP")
        if len(lines) > _HEADERS_MAX:
            raise LostWire("too many headers")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return _number(status_line[1], 10), headers

    async def _line(self) -> str:
        line = await self._reader.readuntil(b"\n")
        return line.rstrip(b"\r\n").decode("latin-1")

    async def _exactly(self, size: int) -> bytes:
        if size > self._body_bytes_max:
            raise LostWire("the answer is larger than accepted")
        return await self._reader.readexactly(size)

    async def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := _number((await self._line()).partition(";")[0].strip(), 16):
            total += size
            if total > self._body_bytes_max:
                raise LostWire("the answer is larger than accepted")
            parts.append(await self._reader.readexactly(size))
            await self._line()
        while await self._line():
            pass
        return b"".join(parts)

    async def _to_the_end(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while part := await self._reader.read(64 * 1024):
            total += len(part)
            if total > self._body_bytes_max:
                raise LostWire("the answer is larger than accepted")
            parts.append(part)
        return b"".join(parts)

    def drop(self) -> None:
        """Close the connection at once; whatever the server has not begun dies with it."""
        self.closing = True
        transport = self._writer.transport
        with contextlib.suppress(RuntimeError, OSError):
            transport.abort()


def _number(text: str, base: int) -> int:
    """Read a length or status as HTTP writes it; `int` alone would take signs and underscores."""
    if not text.isascii() or not text.isalnum() or len(text) > 12:
        raise LostWire("a number of the answer can't be read")
    return int(text, base)


@cache
def _public() -> ssl.SSLContext:
    """Return what trusts the machine's authorities; to read them takes 20 ms of a core."""
    return ssl.create_default_context()


@cache
def _pinned() -> ssl.SSLContext:
    """Return what trusts nobody by itself: the certificate is compared with the pinned one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def dial(
    address: Address,
    *,
    fingerprint: str | None,
    egress_allow: frozenset[str] | None,
    timeout_seconds: float,
    body_bytes_max: int,
) -> Wire:
    """Connect and make sure of the server's certificate before a byte is sent.

    With `egress_allow` the address was typed by a tenant: only public addresses, and those the
    operator allows, are connected to. Raises `Unreachable` when there is no connection and
    `Untrusted` when the server can't be believed.
    """
    context = _pinned() if fingerprint else _public()
    try:
        async with asyncio.timeout(timeout_seconds):
            target = address.host
            if egress_allow is not None:
                target = await resolve(address.host, address.port, allow=egress_allow)
            reader, writer = await asyncio.open_connection(
                target,
                address.port,
                ssl=context,
                server_hostname=address.host,
                limit=_HEADER_BYTES_MAX,
            )
    except EgressRefused as error:
        raise Unreachable(f"The trading server's address was refused: {error.text}") from None
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(
            f"The trading server's certificate is not trusted: {error.verify_message}. Install a "
            "certificate of a public authority there, or pin its fingerprint."
        ) from None
    except (OSError, TimeoutError) as error:
        raise Unreachable(
            f"The trading server can't be reached ({type(error).__name__})."
        ) from None
    if fingerprint and not _matches(writer, fingerprint):
        writer.transport.abort()
        raise Untrusted("The trading server shows another certificate than the pinned one.")
    return Wire(address, reader, writer, body_bytes_max)


def _matches(writer: asyncio.StreamWriter, fingerprint: str) -> bool:
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    wanted = fingerprint.lower().removeprefix("sha256:").replace(":", "").strip()
    shown = hashlib.sha256(certificate).hexdigest()
    return hmac.compare_digest(shown.encode(), wanted.encode())
