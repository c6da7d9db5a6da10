"""Run the simulator: ``python -m connectors.trading.simulator --data DIR --port P``.

The manager's API password comes from MARQUE_SIM_MT5_PASSWORD, the token for operator calls
from MARQUE_SIM_OPERATOR_TOKEN. One line on standard output says when it is ready.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from . import certificate, server
from .clock import ServerClock
from .market import Market
from .simulation import LOGIN_RANGES, LoginRange, Simulation
from .storage import Store


def _login_range(text: str) -> LoginRange:
    prefix, _, numbers = text.partition("=")
    first, _, last = numbers.partition("-")
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise argparse.ArgumentTypeError("write a range as PREFIX=FIRST-LAST")
    return LoginRange(prefix, int(first), int(last))


def parser() -> argparse.ArgumentParser:
    """Return the command line: times in seconds, the zone in minutes."""
    made = argparse.ArgumentParser(prog="python -m connectors.trading.simulator")
    made.add_argument("--data", type=Path, required=True, help="folder for certificate and state")
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, required=True, help="0 picks a free port")
    made.add_argument("--manager", type=int, default=1011, help="the manager's login")
    made.add_argument("--timezone-minutes", type=int, default=120)
    made.add_argument("--seed", type=int, default=1, help="seed of the market's prices")
    made.add_argument("--challenge-seconds", type=float, default=10)
    made.add_argument("--idle-seconds", type=float, default=180)
    made.add_argument("--live", type=float, default=0, help="trade every so many seconds")
    made.add_argument("--group-masks", default="*", help="groups the manager may see")
    made.add_argument("--deny", default="", help="commands refused with code 8, by commas")
    made.add_argument(
        "--until-input-ends",
        action="store_true",
        help="end when standard input does, so that no server outlives the tests that started it",
    )
    made.add_argument("--login-range", type=_login_range, action="append", default=[])
    return made


async def run(options: argparse.Namespace, password: str, token: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    context, fingerprint = certificate.load(options.data, options.host)
    store = Store(options.data / "server.sqlite3")
    simulation = Simulation(
        store,
        ServerClock(options.timezone_minutes),
        Market(options.seed),
        options.manager,
        login_ranges=(*options.login_range, *LOGIN_RANGES),
        group_masks=options.group_masks,
        denied=frozenset(part.strip() for part in options.deny.split(",") if part.strip()),
    )
    simulation.load()
    limits = server.Limits(options.challenge_seconds, options.idle_seconds)
    front = server.Front(simulation, password, token, limits)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if options.until_input_ends:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stopped.set)
    listening = await server.listen(front, context, options.host, options.port)
    live = None
    if options.live > 0:
        live = asyncio.create_task(front.trade_live(options.live, options.seed))
    port = listening.sockets[0].getsockname()[1]
    print(f"ready https://{options.host}:{port} sha256:{fingerprint}", flush=True)  # noqa: T201
    await stopped.wait()
    listening.close()
    if live is not None:
        live.cancel()
    store.close()


def main() -> int:
    """Check the environment and run; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    password = os.environ.get("MARQUE_SIM_MT5_PASSWORD", "")
    if not password:
        sys.stderr.write("Set MARQUE_SIM_MT5_PASSWORD to the manager's API password.\n")
        return 2
    options = parser().parse_args()
    asyncio.run(run(options, password, os.environ.get("MARQUE_SIM_OPERATOR_TOKEN", "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
