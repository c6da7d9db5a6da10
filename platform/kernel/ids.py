"""Identifiers: time-ordered UUIDs, references people can read out, and random tokens."""

from __future__ import annotations

import base64
import os
import secrets
import threading
import time
from uuid import UUID

# Crockford's base32: no I, L, O or U, so that a reference survives a telephone call.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


_ordering = threading.Lock()
_last_tick = 0


def uuid7() -> UUID:
    """Return a UUID of version 7 that is greater than any this process has made before.

    48 bits of milliseconds, 12 bits of their fraction and 62 random bits: method 3 of RFC 9562
    section 6.2, as PostgreSQL's own `uuidv7()` does it, so that both kinds sort together.
    """
    global _last_tick  # noqa: PLW0603 - the process's clock
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    with _ordering:
        _last_tick = tick = max((milliseconds << 12) | (rest * 4096 // 1_000_000), _last_tick + 1)
    head = (tick >> 12 << 16) | 0x7000 | (tick & 0xFFF)
    tail = (int.from_bytes(os.urandom(8)) & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=(head << 64) | tail)


def reference(prefix: str) -> str:
    """Return a human reference such as `DEP-7F3K2M9Q`: 40 random bits in Crockford's base32."""
    return f"{prefix}-{''.join(secrets.choice(_CROCKFORD) for _ in range(8))}"


def token(size: int = 32) -> str:
    """Return a URL-safe random token of `size` bytes."""
    return secrets.token_urlsafe(size)


def comment_token() -> str:
    """Return the token that marks one write on a trading server: `x` and 16 base32 characters.

    80 random bits, unique over all tenants of a server; short enough to stand first in a
    comment that the server cuts at 31 characters.
    """
    return "x" + base64.b32encode(os.urandom(10)).decode().lower()
