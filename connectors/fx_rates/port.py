"""What a live source of reference rates is to the product."""

from __future__ import annotations

from typing import Protocol


class RatesUnavailable(Exception):
    """The source does not answer, or answers with something else than a file."""


class RateFeed(Protocol):
    """A source that has a file of reference rates in the ECB's format, XML or CSV."""

    async def latest(self) -> bytes:
        """Return the newest file; raise RatesUnavailable."""
        ...
