"""Tells the relay, through Redis, whose outbox has news. PostgreSQL is the truth, this the bell."""

from __future__ import annotations

import asyncio
import time

import redis.asyncio
from redis.exceptions import RedisError

from kernel.keys import shared_key
from kernel.log import logger

_LOG = logger(__name__)
_BELL = shared_key("outbox", "bell")
_LENGTH_MAX = 10_000
# A mark is believed so long: the relay looks again AGAIN_SECONDS after each, which is longer.
_MARK_SECONDS = 0.25
AGAIN_SECONDS = 1.0
# Commits of this long are told of together.
_GATHER_SECONDS = 0.001


class RedisDoorbell:
    """The bell of one process. Redis being down fails no commit: the relay's sweep finds all."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Take the connection; nothing is sent yet."""
        self._redis = client
        self._marked: dict[str, float] = {}
        self._gathering: set[str] = set()
        self._ringing: set[asyncio.Task[None]] = set()

    async def mark(self, channel: str) -> None:
        """Say that news may follow, unless that was said a moment ago."""
        moment = time.monotonic()
        if moment - self._marked.get(channel, 0.0) < _MARK_SECONDS:
            return
        if len(self._marked) > _LENGTH_MAX:
            self._marked.clear()
        self._marked[channel] = moment
        await self._push(channel)

    def ring(self, channel: str) -> None:
        """Say that there is news; commits that follow at once share the message."""
        if channel not in self._gathering:
            self._gathering.add(channel)
            task = asyncio.get_running_loop().create_task(self._soon(channel))
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)

    async def close(self) -> None:
        """Wait until all that was rung is said; the connection belongs to somebody else."""
        if self._ringing:
            await asyncio.wait(self._ringing)

    async def heard(self, seconds: float) -> set[str] | None:
        """Wait for the bell and return who rang; None when Redis is out of reach."""
        try:
            first = await self._redis.brpop([_BELL], timeout=seconds)
            if first is None:
                return set()
            rest = await self._redis.rpop(_BELL, 1000) or []
        except (RedisError, OSError):
            return None
        return {value.decode() for value in (first[1], *rest)}

    async def _soon(self, channel: str) -> None:
        try:
            await asyncio.sleep(_GATHER_SECONDS)
        finally:
            self._gathering.discard(channel)
        await self._push(channel)

    async def _push(self, channel: str) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as both:
                both.lpush(_BELL, channel)
                both.ltrim(_BELL, 0, _LENGTH_MAX)
                await both.execute()
        except (RedisError, OSError):
            _LOG.warning("the doorbell is out of reach", reason="redis")
