"""Web push (RFC 8030) through the guarded client: a browser may name any address it likes."""

from connectors.push import encryption
from connectors.push.port import PushDeferred, PushGone, PushRefused, PushTarget, Sender
from kernel import http
from kernel.http import EgressRefused, HostUnknown

_GONE = frozenset({404, 410})
_LATER = frozenset({408, 425, 429})


class WebPush:
    """Hands pushes to whatever service a browser has named."""

    def __init__(self, *, allow: frozenset[str]) -> None:
        """Take the exceptions (`host:port`) to the rule that only public https is reached."""
        self._allow = allow

    async def push(
        self, target: PushTarget, message: bytes, *, sender: Sender, seconds: int, topic: str
    ) -> None:
        """Encrypt and hand over one message; raise PushGone, PushRefused or PushDeferred."""
        import httpx  # noqa: PLC0415 - a fifth of a second, for the few processes that need it

        try:
            body = encryption.encrypted(message, target)
        except ValueError:
            raise PushGone("The browser's key can't be used.") from None
        headers = {
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(seconds),
            "topic": topic,
            "urgency": "normal",
            "authorization": encryption.authorization(target.endpoint, sender),
        }
        try:
            answer = await http.request(
                "POST", target.endpoint, allow=self._allow, body=body, headers=headers
            )
        except HostUnknown:
            raise PushDeferred("The push service's host has no address.") from None
        except EgressRefused:
            raise PushGone("The browser's push service is at no public address.") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise PushDeferred(f"The push service failed: {type(error).__name__}.") from None
        if answer.status in _GONE:
            raise PushGone(f"The push service answered {answer.status}.")
        if answer.status in _LATER or answer.status >= 500:
            raise PushDeferred(f"The push service answered {answer.status}.")
        if answer.status >= 300:
            raise PushRefused(f"The push service answered {answer.status}.")
