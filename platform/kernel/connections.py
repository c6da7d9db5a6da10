"""Connections that go from one transaction to the next without the pool's ceremony.

SQLAlchemy's pool takes a tenth of a millisecond for each hand-out and return. It keeps what it is
good at: how many connections there are, and who waits for one when all are in use.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Connections:
    """The connections of an engine; those that rest here are the pool's, and open."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Take the engine; nothing connects yet."""
        self.engine = engine
        self._resting: list[AsyncConnection] = []
        self._waiting = 0

    @property
    def busy(self) -> int:
        """How many are in a transaction now."""
        pool = cast("QueuePool", self.engine.pool)
        return pool.checkedout() - len(self._resting)

    async def take(self) -> AsyncConnection:
        """Return a connection outside of any transaction; wait for one when all are in use.

        Raises SQLAlchemy's TimeoutError after the pool's patience.
        """
        if self._resting:
            return self._resting.pop()
        self._waiting += 1
        try:
            return await self.engine.connect()
        finally:
            self._waiting -= 1

    async def give(self, connection: AsyncConnection) -> None:
        """Take a connection back: for who waits in the pool's queue, else for who comes next."""
        unclean = connection.closed or connection.invalidated or connection.in_transaction()
        if self._waiting or unclean:
            await connection.close()
        else:
            self._resting.append(connection)

    async def close(self) -> None:
        """Close every connection that rests, and the pool."""
        while self._resting:
            await self._resting.pop().close()
        await self.engine.dispose()
