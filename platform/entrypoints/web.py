"""The web process: granian serves the application; the master itself imports none of it."""

from __future__ import annotations

import argparse
import os
import sys

from granian import Granian
from granian.constants import Interfaces, Loops, RuntimeModes


def main(arguments: list[str]) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="web")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("MARQUE_PORT", "8000")))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    Granian(
        "entrypoints.application:create",
        factory=True,
        address=options.host,
        port=options.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        # One thread beside the loop: each process has one Python thread to feed.
        runtime_mode=RuntimeModes.st,
        workers=options.workers,
        # Requests have so many seconds to end at a stop. Open windows would never: granian waits
        # for them before it says that it stops, and their browsers come back by themselves.
        workers_kill_timeout=5,
        log_access=False,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
