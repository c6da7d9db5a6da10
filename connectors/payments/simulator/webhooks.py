"""Delivery of signed events to webhook endpoints, over kept-alive connections, until 2xx.

Signature: `Stripe-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 of `t.body` with the endpoint's
secret (docs.stripe.com/webhooks#verify-manually).
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import ssl
import time

from connectors.payments.simulator import events
from connectors.payments.simulator.store import JsonObject, Store
from connectors.payments.simulator.targets import Target, parse

REPLY_SECONDS = 10.0
RETRY_FIRST_SECONDS = 1.0
RETRY_SECONDS_MAX = 3600.0
GIVE_UP_SECONDS = 3 * 86400
AT_ONCE_MAX = 64
REPLY_BYTES_MAX = 64 * 1024

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def signature(body: bytes, secret: str, *, moment: int) -> str:
    """Return the value of the signature header for a body sent at `moment` (epoch seconds)."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


class Courier:
    """Sends what the deliveries table holds; kept in step by `wake` after each commit."""

    def __init__(self, store: Store) -> None:
        """Take over deliveries a former process left open."""
        self.store = store
        self.pool: dict[tuple[str, int, bool], list[Connection]] = {}
        self.flying: dict[int, asyncio.Task[None]] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.scheduled = False
        with store.transaction():
            for delivery in store.deliveries("state = 'pending'"):
                delivery["due_at"] = min(delivery["due_at"], time.time())
                store.save_delivery(delivery)

    def wake(self) -> None:
        """Look for due deliveries in the next turn of the loop; cheap to call often."""
        if not self.scheduled:
            self.scheduled = True
            asyncio.get_running_loop().call_soon(self._start_due)

    def _start_due(self) -> None:
        self.scheduled = False
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        next_at: float | None = None
        for delivery in self.store.deliveries("state = 'pending'"):
            if delivery["id"] in self.flying:
                continue
            if delivery["due_at"] > time.time():
                next_at = min(next_at or delivery["due_at"], delivery["due_at"])
            elif len(self.flying) < AT_ONCE_MAX:
                task = asyncio.create_task(self._send(delivery))
                self.flying[delivery["id"]] = task
        if next_at is not None:
            delay = max(0.0, next_at - time.time())
            self.timer = asyncio.get_running_loop().call_later(delay, self.wake)

    async def _send(self, delivery: JsonObject) -> None:
        try:
            endpoint = self.store.get(delivery["account"], delivery["endpoint"])
            event = self.store.get(delivery["account"], delivery["event"])
            if endpoint is None or endpoint["status"] != "enabled" or event is None:
                delivery["state"] = "dropped"
            else:
                await self._attempt(delivery, endpoint, event)
            with self.store.transaction():
                self.store.save_delivery(delivery)
        finally:
            self.flying.pop(delivery["id"], None)
            self.wake()

    async def _attempt(self, delivery: JsonObject, endpoint: JsonObject, event: JsonObject) -> None:
        started = time.time()
        body = json.dumps(events.with_pending_count(self.store, event), indent=2).encode()
        secret = self.store.endpoint_secret(endpoint["id"])
        if (forged := self.store.setting("forge", 0)) > 0:
            with self.store.transaction():
                self.store.set_setting("forge", forged - 1)
            secret = "wrong"  # noqa: S105 - the operator asked for a wrong signature
        status, error = None, None
        try:
            target = parse(endpoint["url"])
            header = signature(body, secret, moment=int(started))
            status = await asyncio.wait_for(self._post(target, body, header), REPLY_SECONDS)
        except (OSError, ValueError, EOFError, TimeoutError) as failure:
            error = type(failure).__name__
        taken = int((time.time() - started) * 1000)
        delivery["attempts"].append(
            {"at": started, "status": status, "error": error, "milliseconds": taken}
        )
        if status is not None and 200 <= status < 300:
            delivery["state"] = "done"
            return
        if started - event["created"] > GIVE_UP_SECONDS:
            delivery["state"] = "failed"
            return
        first = self.store.setting("retry_ms", RETRY_FIRST_SECONDS * 1000) / 1000
        wait = min(first * 2 ** min(len(delivery["attempts"]) - 1, 20), RETRY_SECONDS_MAX)
        delivery["due_at"] = time.time() + wait

    async def _post(self, target: Target, body: bytes, header: str) -> int:
        head = (
            f"POST {target.path} HTTP/1.1\r\nHost: {target.host_header}\r\n"
            f"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*\r\n"
            f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"Stripe-Signature: {header}\r\n\r\n"
        ).encode("ascii")
        key = (target.address, target.port, target.secure)
        idle = self.pool.setdefault(key, [])
        while idle:
            connection = idle.pop()
            # The peer may have closed an idle connection: then nothing was read of the
            # request, so it is sent once more on a fresh one.
            if connection[0].at_eof() or connection[1].is_closing():
                connection[1].close()
                continue
            with contextlib.suppress(EOFError, ConnectionError):
                return await self._exchange(connection, idle, head + body)
        context = ssl.create_default_context() if target.secure else None
        if context is not None:
            # Only this machine is ever contacted, where certificates are self-made.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection = await asyncio.open_connection(
            target.address,
            target.port,
            ssl=context,
            server_hostname=target.host_header.partition(":")[0] if target.secure else None,
            limit=REPLY_BYTES_MAX,
        )
        return await self._exchange(connection, idle, head + body)

    async def _exchange(
        self, connection: Connection, idle: list[Connection], request: bytes
    ) -> int:
        reader, writer = connection
        reusable = False
        try:
            writer.write(request)
            await writer.drain()
            status, reusable = await _read_reply(reader)
        finally:
            if reusable:
                idle.append(connection)
            else:
                writer.close()
        return status


async def _read_reply(reader: asyncio.StreamReader) -> tuple[int, bool]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise ValueError("reply head too large") from None
    lines = head.decode("latin-1").lower().split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
    keep = lines[0].startswith("http/1.1") and headers.get("connection", "").strip() != "close"
    if status in (204, 304):
        return status, keep
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        while (await reader.readline()).strip():
            pass
        return status, keep
    if "content-length" not in headers:
        return status, False
    await reader.readexactly(int(headers["content-length"]))
    return status, keep
