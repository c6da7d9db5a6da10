"""How the Stripe SDK reaches the network here: httpx, without proxies, redirects or globals."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache

import httpx
import stripe as sdk

_CONNECTIONS_MAX = 20


@cache
def _authorities() -> ssl.SSLContext:
    """Whom to trust, read once in a process: it takes 30 milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


class StripeHttp(sdk.HTTPClient):
    """The SDK's extension point for a transport; only the asynchronous half exists."""

    name = "httpx"

    def __init__(self, timeout_seconds: float) -> None:
        """Make a pool of its own; the timeout is for connecting and for each wait for bytes."""
        super().__init__()
        self._timeout_seconds = timeout_seconds
        self._opened: httpx.AsyncClient | None = None

    @property
    def _pool(self) -> httpx.AsyncClient:
        """The pool, made when first used: most providers only verify an event."""
        if self._opened is None:
            self._opened = httpx.AsyncClient(
                timeout=self._timeout_seconds,
                trust_env=False,
                follow_redirects=False,
                verify=_authorities(),
                limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
            )
        return self._opened

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: str | bytes | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request; a failure on the way may be retried, with the same idempotency key."""
        try:
            answer = await self._pool.request(
                method, url, headers=dict(headers), content=post_data or b""
            )
        except httpx.HTTPError as error:
            reason = type(error).__name__
            failure = sdk.APIConnectionError(reason, should_retry=True)  # type: ignore[no-untyped-call]
            raise failure from None
        return answer.content, answer.status_code, answer.headers

    async def sleep_async(self, secs: float) -> None:
        """Wait between attempts."""
        await asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Close all connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None
