"""The puller process: one loop that keeps every leased trading server's mirror up to date."""

from __future__ import annotations

import asyncio
import os
import signal

import uvloop

from entrypoints import wiring
from kernel import gate, memory
from kernel import settings as kernel_settings
from kernel.log import configure
from trading import puller


async def run() -> None:
    """Pull until told to stop."""
    ports = wiring.ports(kernel_settings.load(), pool_size=6)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    memory.settle()
    os.write(1, b"ready\n")
    await puller.run(ports.database, ports.trading, stop)
    await wiring.close(ports)


def main() -> None:
    """Start the process."""
    configure("puller")
    gate.wait()
    uvloop.run(run())


if __name__ == "__main__":
    main()
