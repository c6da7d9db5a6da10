"""A TCP proxy in front of a real server that loses a reply or cuts connections when asked."""

import asyncio
from contextlib import suppress
from typing import Self


class CuttingProxy:
    """Forwards bytes to one server; `address` is where to connect instead of it."""

    def __init__(self, port: int) -> None:
        """Remember the server's port on 127.0.0.1."""
        self._port = port
        self._losing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and cut whoever is connected."""
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lose_next_reply(self) -> None:
        """Let the next request through, swallow what the server answers, and cut."""
        self._losing = True

    def cut(self) -> None:
        """Cut all connections."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, server_writer}
        for coroutine in (
            self._forward(reader, server_writer, replies=False),
            self._forward(server_reader, writer, replies=True),
        ):
            self._tasks.add(asyncio.create_task(coroutine))

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, replies: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if replies and self._losing:
                    self._losing = False
                    self.cut()
                    return
                target.write(data)
                await target.drain()
        target.transport.abort()
        self._writers.discard(target)
