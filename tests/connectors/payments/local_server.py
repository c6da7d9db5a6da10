"""A small HTTP server for tests: it records what comes and answers what a test asks for."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Arrived:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The form fields of the body."""
        return dict(parse_qsl(self.body.decode()))


@dataclass
class LocalServer:
    """The server; `answers` are used up one by one, the last stays. None drops the connection."""

    answers: list[tuple[int, Any] | None] = field(default_factory=lambda: [(200, {})])
    delay_seconds: float = 0.0
    url: str = ""
    arrived: asyncio.Queue[Arrived] = field(default_factory=asyncio.Queue)

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        self._server.close()

    def all(self) -> list[Arrived]:
        """Everything that has come since this was last asked."""
        return [self.arrived.get_nowait() for _ in range(self.arrived.qsize())]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            lower = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(lower.get("content-length", 0)))
            self.arrived.put_nowait(Arrived(method, path, headers, body))
            await asyncio.sleep(self.delay_seconds)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is not None:
                data = json.dumps(answer[1]).encode()
                head_out = f"HTTP/1.1 {answer[0]} X\r\nConnection: close\r\n"
                writer.write(f"{head_out}Content-Length: {len(data)}\r\n\r\n".encode() + data)
                await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()
