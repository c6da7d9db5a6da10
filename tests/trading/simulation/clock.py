"""An event loop whose time is a number: whoever waits is there at once."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 11, 24, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks in a fixed order and jumps to the next moment when all of them wait."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = 0.0
        super().__init__(_Jumps(self))

    def time(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self.seconds

    def moment(self) -> datetime:
        """Return the virtual moment, as the database's clock shows it."""
        return EPOCH + timedelta(seconds=self.seconds)


class _Jumps(selectors.SelectSelector):
    """Waits for nothing: the time that it was asked to wait has passed."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for another one")
        if timeout > 0:
            self._loop.seconds += timeout
        return []
