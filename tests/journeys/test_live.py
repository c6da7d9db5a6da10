"""Live updates through the real processes: two web servers, a Redis that goes and comes, a stop."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from identity.models import UserAccount
from infra.embedded.processes import Running, signal_family, spawn, stop_all
from infra.embedded.programs import Program, answering, unused_port
from tests.entrypoints.reader import tell, trader
from tests.factories import people
from tests.fixtures.database import ALPHA
from tests.fixtures.stack import Stack, eventually

Holds = Callable[[], Awaitable[bool]]
HOST = "my.alpha.localhost"
# A bell is heard in a moment; without one, a stream looks at its next heartbeat.
RUNG_SECONDS, HEARTBEAT_SECONDS = 9.0, 25.0


def _second_web(stack: Stack, port: int) -> Running:
    program = Program(
        name="web",
        command=(sys.executable, "-m", "entrypoints.web", "--port", str(port)),
        probe=answering(port, "/healthz"),
        environment={**stack.environment, "MARQUE_PORT": str(port)},
    )
    return spawn(program, stack.folder / "logs" / "second.log")


async def _cookie(port: int, user: UserAccount) -> str:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        host = {"host": f"{HOST}:{port}", "accept": "text/html"}
        page = await client.get("/login", headers=host)
        token = page.text.split('name="_csrf_token" value="')[1].split('"')[0]
        form = {"email": user.email, "password": people.PASSWORD, "_csrf_token": token}
        cookie = {"cookie": f"csrf={page.cookies['csrf']}"}
        answer = await client.post("/login", data=form, headers={**host, **cookie})
        assert answer.status_code == 303, answer.text
        return answer.cookies["marque"]


@asynccontextmanager
async def _window(port: int, cookie: str) -> AsyncIterator[list[str]]:
    """Read a stream into a list of its lines until it ends, which is the line `end`."""
    lines: list[str] = []

    async def read() -> None:
        headers = {"host": f"{HOST}:{port}", "cookie": f"marque={cookie}"}
        address = f"http://127.0.0.1:{port}/events"
        async with (
            httpx.AsyncClient(timeout=None) as client,
            client.stream("GET", address, headers=headers) as answer,
        ):
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                lines.append(line)  # noqa: PERF401 - read by others as they come

    def ended(_: object) -> None:
        lines.append("end")

    reading = asyncio.create_task(read())
    reading.add_done_callback(ended)
    try:
        assert await eventually(_has(lines, "unread"), seconds=10)
        yield lines
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _has(lines: list[str], text: str) -> Holds:
    async def holds() -> bool:
        return any(text in line for line in lines)

    return holds


@pytest.mark.timeout(240)
async def test_live_updates_survive_redis_and_end_with_the_process() -> None:
    """Both servers tell; without Redis the heartbeat does; a stop waits for no window."""
    stack = await Stack().start()
    port = unused_port()
    second = _second_web(stack, port)
    try:
        await stack.run("web", "relay", "worker")
        user = await trader(stack.ports.database, ALPHA)
        assert await eventually(_answers(second), seconds=30)
        cookie = await _cookie(stack.port, user)
        async with _window(stack.port, cookie) as one, _window(port, cookie) as other:
            await tell(stack.ports.database, ALPHA, user.id, title="Both are told")
            for lines in (one, other):
                assert await eventually(_has(lines, "Both are told"), seconds=RUNG_SECONDS)

            redis = urlsplit(stack.environment["REDIS_URL"])
            stop_all([stack._valkey])
            await tell(stack.ports.database, ALPHA, user.id, title="Without Redis")
            for lines in (one, other):
                assert await eventually(_has(lines, "Without Redis"), seconds=HEARTBEAT_SECONDS)

            assert redis.port is not None
            stack._valkey = stack._spawn_valkey(redis.port, redis.password or "")
            await asyncio.sleep(3)
            await tell(stack.ports.database, ALPHA, user.id, title="Redis is back")
            for lines in (one, other):
                assert await eventually(_has(lines, "Redis is back"), seconds=RUNG_SECONDS)

            started = time.monotonic()
            signal_family(second.identity, signal.SIGTERM)
            assert await eventually(_has(other, "end"), seconds=20)
            assert await eventually(_ended(second), seconds=20), time.monotonic() - started
            assert "end" not in one
    finally:
        stop_all([second])
        await stack.close()


def _answers(running: Running) -> Holds:
    async def holds() -> bool:
        return running.program.probe(running.output) is not None

    return holds


def _ended(running: Running) -> Holds:
    async def holds() -> bool:
        return running.process.poll() is not None

    return holds
