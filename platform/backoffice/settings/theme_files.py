"""A look as one file that another brokerage could read: values, texts and pictures.

What is read passes every check that a form passes, and its pictures are drawn anew like any
upload. Nothing of a file that does not pass is kept.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from backoffice.settings import looks
from backoffice.settings.brand_files import PARTS
from kernel import images
from kernel.errors import InvalidInput

BYTES_MAX = 9 * 1024 * 1024
_FORMAT = "marque-theme"
_VERSION = 1
_NOTHING = "Nothing was read."


def written(look: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """Write a look and its pictures by part as a file."""
    body = {
        "format": _FORMAT,
        "version": _VERSION,
        "theme": {name: look.get(name, standard) for name, standard in _STANDARD.items()},
        "pictures": {
            part: base64.b64encode(data).decode() for part, data in sorted(pictures.items())
        },
    }
    return json.dumps(body, indent=2, ensure_ascii=False).encode()


def read(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read a look and its pictures; raise InvalidInput for the field `theme_file`."""
    if not data:
        raise _refused("Choose a theme file first.")
    if len(data) > BYTES_MAX:
        raise _refused(f"This is larger than any theme file. {_NOTHING}")
    try:
        body = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise _refused(f"This is no theme file. {_NOTHING}") from None
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        raise _refused(f"This is no theme file. {_NOTHING}")
    if body.get("version") != _VERSION:
        raise _refused(f"This is no theme file of version {_VERSION}. {_NOTHING}")
    theme, pictures = body.get("theme"), body.get("pictures", {})
    if not isinstance(theme, dict) or set(theme) != set(looks.FIELDS):
        raise _refused(f"A theme file holds exactly {', '.join(looks.FIELDS)}.")
    if not isinstance(pictures, dict) or not set(pictures) <= set(PARTS):
        raise _refused(f"The pictures of a theme file are {', '.join(PARTS)}.")
    try:
        look = looks.checked(theme)
    except InvalidInput as error:
        name, text = next(iter(error.fields.items()))
        raise _refused(f"The file's {name} can't be used. {text}") from None
    return look, {part: _decoded(part, text) for part, text in pictures.items()}


def _decoded(part: str, text: object) -> bytes:
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise _refused(f"The file's {part} picture can't be read. {_NOTHING}") from None
    if len(data) > images.BYTES_MAX:
        raise _refused(f"The file's {part} picture is larger than 5 MB. {_NOTHING}")
    return data


def _refused(text: str) -> InvalidInput:
    return InvalidInput({"theme_file": text})


_STANDARD: dict[str, Any] = {**looks.PLAIN, "menu": {}, "cards": {}, "texts": {}}
