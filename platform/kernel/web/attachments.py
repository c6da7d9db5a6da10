"""A file that a browser saves and that nothing between us and the browser keeps."""

from __future__ import annotations

import re

from litestar import Response

_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def attachment(data: bytes, *, name: str, media_type: str) -> Response[bytes]:
    """Return the answer that saves a file; its name is cut to letters, digits, dot and dash."""
    return Response(
        data,
        status_code=200,
        media_type=media_type,
        headers={
            "content-disposition": f'attachment; filename="{_NAME.sub("-", name)[:80]}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )
