"""The child process that sets one document: reads it from standard input, writes the file.

It gets the page design, the data, the logo and the place of the fonts in one message, works
within its own limits of memory and processor time, and opens nothing but fonts.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
from functools import partial
from typing import Any

MEMORY_BYTES = 1024 * 1024 * 1024
PROCESSOR_SECONDS = 10
_NO_LETTER = "could not be displayed with font"


def limit() -> None:
    """Give up everything that setting a document does not need; there is no way back."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _, hard = resource.getrlimit(what)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (wanted, wanted))


def typeset(order: dict[str, Any]) -> bytes:
    """Return the file of an order; the same order gives the same bytes.

    PDF/UA allows no letter that no font has. A name in such letters gets its document all the
    same, with squares for them, and without the claim to that standard.
    """
    import typst  # noqa: PLC0415 - after the limits, which it then lives in

    compiled = partial(
        typst.compile,
        {name: base64.b64decode(data) for name, data in order["files"].items()},
        font_paths=[order["fonts"]],
        ignore_system_fonts=True,
        format=order["format"],
        ppi=order["ppi"],
        timestamp=0,
    )
    try:
        made = compiled(pdf_standards=["ua-1"] if order["format"] == "pdf" else [])
    except typst.TypstError as error:
        if _NO_LETTER not in str(error):
            raise
        made = compiled()
    first = made[0] if isinstance(made, list) else made
    assert isinstance(first, bytes)
    return first


def main() -> int:
    """Set the document that standard input holds; a failure is one line on standard error."""
    limit()
    order = json.loads(sys.stdin.buffer.read())
    try:
        data = typeset(order)
    except Exception as error:  # noqa: BLE001 - whatever the type-setter says ends here
        sys.stderr.write(f"{type(error).__name__}: {str(error)[:300]}\n")
        return 1
    sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
