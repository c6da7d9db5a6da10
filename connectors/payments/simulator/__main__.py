"""Start the simulator: `python -m connectors.payments.simulator --data DIR --port P`."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from connectors.payments.simulator import api, checkout, controls, timers
from connectors.payments.simulator.counterparts import Counterparts
from connectors.payments.simulator.desk.controls import STRIPE
from connectors.payments.simulator.store import Store
from connectors.payments.simulator.webhooks import Courier
from connectors.payments.simulator.wire import Request, Response, listen

TOKEN_VARIABLE = "MARQUE_SIM_OPERATOR_TOKEN"  # noqa: S105 - a variable's name


async def run(directory: Path, *, host: str, port: int, token: str) -> None:
    """Serve until SIGINT or SIGTERM."""
    store = Store(directory)
    others = Counterparts(store)

    async def handle(request: Request) -> Response:
        protocol = others.owner(request.path)
        if protocol is not None:
            return await others.call(protocol, request)
        if others.shows(request.path):
            return others.page(request)
        if request.path.startswith("/v1/"):
            return await others.suffer(STRIPE, request, lambda asked: api.answer(store, asked))
        if request.path.startswith("/pay/"):
            return checkout.answer(store, request)
        if request.path.startswith("/_simulator/"):
            return controls.answer(store, request, token, others.desk)
        return Response(404, b"Not found", "text/plain; charset=utf-8")

    courier, clock = Courier(store), timers.Clock(store, others.later)
    wakes = [courier.wake, clock.wake, others.courier.wake]
    store.committed += wakes
    server = await listen(handle, host=host, port=port)
    store.public_url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
    for wake in wakes:
        wake()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sys.stdout.write(f"ready {store.public_url}\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()
    store.connection.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m connectors.payments.simulator")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the state")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free port")
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        parser.error(f"set the operator's token in {TOKEN_VARIABLE}")
    asyncio.run(run(options.data, host=options.host, port=options.port, token=token))


if __name__ == "__main__":
    main()
