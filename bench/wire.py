"""A keep-alive HTTP/1.1 client that costs next to nothing, the same for both sides."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """An answer: status and body; only Content-Length and chunked bodies are understood."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection, used by one coroutine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap an open stream; use `connect`."""
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int, *, context: ssl.SSLContext | None = None) -> Connection:
        """Connect to a port of this machine, with TLS when a context is given."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, limit=1 << 20
        )
        return cls(reader, writer)

    async def send(self, request: bytes) -> Answer:
        """Send a whole request and read its answer."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        else:
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self._reader.readline(), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readline()
        await self._reader.readline()
        return b"".join(parts)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


def request(
    method: str, target: str, host: str, *, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept: text/html,*/*"]
    lines.extend(f"{name}: {value}" for name, value in (headers or {}).items())
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
