"""The reference of deposit-to-mt5: an ASGI application that reads a body and answers 200."""

from __future__ import annotations

import sys

from granian import Granian
from granian.constants import Interfaces, Loops
from litestar.types import Receive, Scope, Send


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, whatever it says."""
    if str(scope["type"]) != "http":
        return
    more = True
    while more:
        more = bool((await receive()).get("more_body", False))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-bare", b"1")]})
    await send({"type": "http.response.body", "body": b"stored", "more_body": False})


if __name__ == "__main__":
    Granian(
        "bench.bare_hook:application",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGINL,
        loop=Loops.uvloop,
        workers=1,
        log_access=False,
        websockets=False,
    ).serve()
