"""A small HTTP/1.1 server on asyncio streams: kept-alive connections, bounded input."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

HEAD_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = 1024 * 1024
IDLE_SECONDS = 75


@dataclass(slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Response:
    """One reply."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


# A handler returns this to close the connection without a word, as a broken line would.
HANG_UP = Response(0)


class BadRequest(Exception):
    """Bytes that are not a request this server takes; the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status to answer with."""
        super().__init__(message)
        self.status = status


Handler = Callable[[Request], Awaitable[Response]]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request, or None at the end of the connection. Raises BadRequest."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_SECONDS)
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431, "Request head too large") from None
    lines = head[:-4].decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(400, "Malformed request line")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400, "Malformed header")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequest(411, "Send Content-Length")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400, "Malformed Content-Length")
    if int(length) > BODY_BYTES_MAX:
        raise BadRequest(413, "Request body too large")
    try:
        body = await asyncio.wait_for(reader.readexactly(int(length)), IDLE_SECONDS)
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
        return None
    target = urlsplit(parts[1])
    return Request(parts[0].upper(), unquote(target.path), target.query, headers, body)


def encode(response: Response, *, head_only: bool, keep: bool) -> bytes:
    """Return the bytes of a reply."""
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [
        f"HTTP/1.1 {response.status} {phrase}",
        f"Content-Length: {len(response.body)}",
        f"Content-Type: {response.content_type}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Connection: {'keep-alive' if keep else 'close'}",
    ]
    for name, value in response.headers.items():
        # A value may come from a caller's parameter: a line break would forge a header.
        lines.append(f"{name}: {value.replace(chr(13), '').replace(chr(10), '')}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    return head if head_only else head + response.body


async def _serve(
    handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    keep = True
    while keep:
        head_only = False
        try:
            request = await read_request(reader)
            if request is None:
                return
            keep = request.headers.get("connection", "").lower() != "close"
            head_only = request.method == "HEAD"
            if head_only:
                request.method = "GET"
            response = await handler(request)
        except BadRequest as error:
            keep = False
            response = Response(error.status, str(error).encode(), "text/plain; charset=utf-8")
        if response is HANG_UP:
            return
        writer.write(encode(response, head_only=head_only, keep=keep))
        await writer.drain()


async def listen(handler: Handler, *, host: str, port: int) -> asyncio.Server:
    """Start serving; port 0 takes a free one."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await _serve(handler, reader, writer)
        writer.close()

    return await asyncio.start_server(connected, host, port, limit=HEAD_BYTES_MAX, backlog=512)
