"""Where a webhook may go: only this machine."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook address taken apart: where to connect and what to ask for."""

    secure: bool
    host_header: str
    address: str
    port: int
    path: str


def parse(url: str) -> Target:
    """Take a URL apart; names under `.localhost` go to 127.0.0.1 (RFC 6761).

    Raises ValueError when it is not http(s) or leaves this machine.
    """
    parts = urlsplit(url)
    name = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("http", "https") or not name or parts.username is not None:
        raise ValueError("The URL must start with http:// or https:// and name a host.")
    if any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise ValueError("The URL holds a character that must be percent-encoded.")
    if name == "localhost" or name.endswith(".localhost"):
        address = "127.0.0.1"
    else:
        try:
            local = ip_address(name).is_loopback
        except ValueError:
            local = False
        if not local:
            raise ValueError("This simulator delivers only to this machine: use a loopback host.")
        address = name
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host_header = parts.netloc
    return Target(secure, host_header, address, parts.port or (443 if secure else 80), path)
