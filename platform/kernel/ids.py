"""Identifiers: time-ordered UUIDs, references people can read out, and random tokens."""

from __future__ import annotations

import os
import secrets
import time
from uuid import UUID

# Crockford's base32: no I, L, O or U, so that a reference survives a telephone call.
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_COMMENT = "abcdefghijklmnopqrstuvwxyz234567"


def uuid7() -> UUID:
    """Return a UUID of version 7 (RFC 9562): milliseconds since 1970, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


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
    return "x" + "".join(secrets.choice(_COMMENT) for _ in range(16))
