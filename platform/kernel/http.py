"""The one HTTP client for addresses that somebody typed: it refuses to reach inside.

The host is resolved once, every address is checked, and the connection goes to a checked
address. Only https on 443 or 8443, no redirects, five seconds, two megabytes. The
operator's MARQUE_EGRESS_ALLOW (`host:port` entries) is the sole exception.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from kernel.errors import ProductError

_PORTS = frozenset({443, 8443})
_BYTES_MAX = 2 * 1024 * 1024
# Python calls these global although they lead inside: NAT64, 6to4, IETF's own, multicast.
_DENIED = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "192.0.0.0/24", "100.64.0.0/10")
)


class EgressRefused(ProductError):
    """The address leads to a place that the product must not reach."""

    code = "egress_refused"
    status = 422
    message = "This address can't be used. Give a public https address."


class HostUnknown(EgressRefused):
    """The host has no address at the moment: its name is wrong, or the name server is silent."""

    message = "This host has no address. Check its spelling."


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def check_address(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return a resolved address that is public; raise EgressRefused for any other."""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        parsed = mapped
    denied = any(parsed in network for network in _DENIED if network.version == parsed.version)
    if not parsed.is_global or parsed.is_multicast or denied:
        raise EgressRefused
    return parsed


async def resolve(
    host: str, port: int, *, allow: frozenset[str], ports: frozenset[int] = _PORTS
) -> str:
    """Return one address to connect to, after all of the host's have been checked."""
    exempt = f"{host}:{port}" in allow
    if not exempt and port not in ports:
        raise EgressRefused
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise HostUnknown from None
    addresses = [str(entry[4][0]) for entry in found]
    if not exempt:
        for address in addresses:
            check_address(address)
    return addresses[0]


@cache
def _trust(*, verify: bool) -> ssl.SSLContext:
    """Return what checks certificates, made once: to read the authorities takes 20 ms of a core."""
    import httpx  # noqa: PLC0415 - as in `request`

    return httpx.create_ssl_context(verify=verify, trust_env=False)


async def request(
    method: str,
    url: str,
    *,
    allow: frozenset[str],
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    verify: bool = True,
) -> Answer:
    """Send one request to a checked address; raise EgressRefused or httpx.HTTPError."""
    import httpx  # noqa: PLC0415 - a fifth of a second, for the few processes that need it

    parts = urlsplit(url)
    host = parts.hostname or ""
    default = 443 if parts.scheme == "https" else 80
    port = parts.port or default
    if parts.scheme != "https" and f"{host}:{port}" not in allow:
        raise EgressRefused
    address = await resolve(host, port, allow=allow)
    literal = f"[{address}]" if ":" in address else address
    target = f"{parts.scheme}://{literal}:{port}{parts.path or '/'}"
    if parts.query:
        target += f"?{parts.query}"
    named = {**(headers or {}), "host": parts.netloc.rpartition("@")[2]}
    async with (
        httpx.AsyncClient(
            verify=_trust(verify=verify), follow_redirects=False, timeout=5, trust_env=False
        ) as http,
        http.stream(
            method, target, content=body, headers=named, extensions={"sni_hostname": host}
        ) as answer,
    ):
        received = bytearray()
        async for chunk in answer.aiter_bytes():
            received += chunk
            if len(received) > _BYTES_MAX:
                raise EgressRefused("The answer from this address is too large.")
        return Answer(answer.status_code, bytes(received))
