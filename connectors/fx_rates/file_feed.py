"""Reference rates from a file that something else on the machine keeps fresh."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connectors.fx_rates.port import RatesUnavailable

_BYTES_MAX = 12 * 1024 * 1024


class FileFeed:
    """Reads a local file of reference rates each time it is asked."""

    def __init__(self, path: Path) -> None:
        """Remember where the file is."""
        self._path = path

    async def latest(self) -> bytes:
        """Return the file as it is now."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        try:
            if self._path.stat().st_size > _BYTES_MAX:
                raise RatesUnavailable("the file is larger than 12 MB")
            return self._path.read_bytes()
        except OSError as error:
            raise RatesUnavailable(type(error).__name__) from None
