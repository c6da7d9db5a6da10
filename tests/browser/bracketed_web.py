"""A web process of a running copy whose every catalogue text is bracketed.

Usage: python -m tests.browser.bracketed_web FOLDER PORT     catalogues lie in FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces

from entrypoints.application import Web
from entrypoints.application import create as create_usual
from kernel import language

_FOLDER = "BRACKETED_TEXTS"


def create() -> Web:
    """Build the product's own application, and let it read its texts elsewhere."""
    web = create_usual()
    language.read_from(Path(os.environ[_FOLDER]))
    return web


if __name__ == "__main__":
    os.environ[_FOLDER] = sys.argv[1]
    Granian(
        "tests.browser.bracketed_web:create",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[2]),
        interface=Interfaces.ASGI,
        workers_kill_timeout=2,
        log_access=False,
        websockets=False,
    ).serve()
