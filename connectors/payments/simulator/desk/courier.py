"""Sends callbacks when they are due and again, with growing pauses, until they are accepted."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping

from connectors.payments.simulator.desk.protocols import Answered, Protocol, Sealed
from connectors.payments.simulator.desk.records import Records
from connectors.payments.simulator.store import JsonObject
from connectors.payments.simulator.targets import Target, parse

AT_ONCE_MAX = 64
PAUSE_SECONDS_MAX = 3600.0
REPLY_BYTES_MAX = 64 * 1024


class Courier:
    """Keeps in step with the callbacks table; `wake` is called after each commit."""

    def __init__(self, records: Records, protocols: Mapping[str, Protocol]) -> None:
        """Take over what a former process left open."""
        self.records = records
        self.protocols = protocols
        self.flying: dict[int, asyncio.Task[None]] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.scheduled = False

    def wake(self) -> None:
        """Look for due callbacks in the next turn of the loop; cheap to call often."""
        if not self.scheduled:
            self.scheduled = True
            asyncio.get_running_loop().call_soon(self._start_due)

    def _start_due(self) -> None:
        self.scheduled = False
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        next_at: float | None = None
        for callback in self.records.callbacks("state = 'pending'"):
            if callback["id"] in self.flying:
                continue
            if callback["due_at"] > time.time():
                next_at = min(next_at or callback["due_at"], callback["due_at"])
            elif len(self.flying) < AT_ONCE_MAX:
                task = asyncio.create_task(self._send(callback))
                self.flying[callback["id"]] = task
        if next_at is not None:
            delay = max(0.0, next_at - time.time())
            self.timer = asyncio.get_running_loop().call_later(delay, self.wake)

    async def _send(self, callback: JsonObject) -> None:
        try:
            await self._attempt(callback)
            with self.records.store.transaction():
                self.records.save_callback(callback)
        finally:
            self.flying.pop(callback["id"], None)
            self.wake()

    async def _attempt(self, callback: JsonObject) -> None:
        protocol = self.protocols[callback["protocol"]]
        merchant = self.records.merchant(callback["merchant"])
        started = time.time()
        # Signed anew at each attempt: a timestamp under the signature is the attempt's own.
        sealed = protocol.seal(
            merchant, callback["content"], moment=int(started), forged=bool(callback["forged"])
        )
        answered, error = None, None
        try:
            target = parse(callback["url"])
            answered = await asyncio.wait_for(post(target, sealed), protocol.reply_seconds)
        except (OSError, ValueError, EOFError, TimeoutError) as failure:
            error = type(failure).__name__
        accepted = answered is not None and protocol.accepted(merchant, answered)
        callback["attempts"].append(
            {
                "at": started,
                "body": sealed.body.decode(),
                "headers": dict(sealed.headers),
                "status": None if answered is None else answered.status,
                "answer": "" if answered is None else answered.body.decode("utf-8", "replace"),
                "accepted": accepted,
                "error": error,
            }
        )
        tries = len(callback["attempts"])
        if accepted:
            callback["state"] = "done"
        elif tries >= protocol.tries_max:
            callback["state"] = "failed"
        else:
            first = self.records.schedule(protocol.name)["retry_ms"] / 1000
            pause = min(first * 2 ** min(tries - 1, 20), PAUSE_SECONDS_MAX)
            callback["due_at"] = time.time() + pause


async def post(target: Target, sealed: Sealed) -> Answered:
    """Send one callback over a connection of its own. Raises OSError, ValueError, EOFError."""
    context = ssl.create_default_context() if target.secure else None
    if context is not None:
        # Only this machine is ever contacted, where certificates are self-made.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        target.address,
        target.port,
        ssl=context,
        server_hostname=target.host_header.partition(":")[0] if target.secure else None,
        limit=REPLY_BYTES_MAX,
    )
    head = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.host_header}",
        "Connection: close",
        "Accept: */*",
        f"Content-Type: {sealed.content_type}",
        f"Content-Length: {len(sealed.body)}",
        *(f"{name}: {value}" for name, value in sealed.headers.items()),
    ]
    try:
        writer.write("\r\n".join(head).encode("ascii") + b"\r\n\r\n" + sealed.body)
        await writer.drain()
        return await _read_answer(reader)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read_answer(reader: asyncio.StreamReader) -> Answered:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise ValueError("reply head too large") from None
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:] if line)
    }
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read(REPLY_BYTES_MAX)
    return Answered(status, headers, body)
