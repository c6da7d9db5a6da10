"""Reference rates from an address: the ECB's own, or whoever serves the same file format."""

from __future__ import annotations

import httpx

from connectors.fx_rates.port import RatesUnavailable
from kernel import http


class HttpFeed:
    """Reads the file from an address, which must be public unless the operator allows it."""

    def __init__(self, address: str, *, allow: frozenset[str]) -> None:
        """Remember the address, and the operator's exceptions from the guard (`host:port`)."""
        self._address = address
        self._allow = allow

    async def latest(self) -> bytes:
        """Return the newest file."""
        try:
            answer = await http.request("GET", self._address, allow=self._allow)
        except (http.EgressRefused, httpx.HTTPError) as error:
            raise RatesUnavailable(type(error).__name__) from None
        if answer.status != 200:
            raise RatesUnavailable(f"status {answer.status}")
        return answer.body
