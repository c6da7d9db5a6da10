"""Headers and cookies of a request that no framework has read yet."""

from __future__ import annotations

from litestar.types import Scope


def header_of(scope: Scope, wanted: bytes) -> str:
    """Return the first header of that name (in lower case), or nothing."""
    for name, value in scope["headers"]:
        if name == wanted:
            return value.decode("latin-1")
    return ""


def cookie_of(scope: Scope, wanted: str) -> str:
    """Return the value of the first cookie of that name, or nothing."""
    for part in header_of(scope, b"cookie").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value
    return ""
