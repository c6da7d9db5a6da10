"""The product's own processes on services of their own, for as long as a benchmark runs.

PostgreSQL and Valkey keep their safe defaults (fsync on, every write in the log). Everything
listens on free ports of 127.0.0.1, lives in a temporary folder, and is gone afterwards.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from entrypoints import prepare, wiring
from infra.embedded import plan as plans
from infra.embedded import postgres, secret_file
from infra.embedded.plan import Plan
from infra.embedded.processes import Running, spawn, stop_all
from infra.embedded.programs import Program, unused_port
from infra.embedded.state import State
from kernel import settings as kernel_settings
from tenants.ports import Ports

SLUG = "bench"
START_SECONDS_MAX = 60.0


class Stack:
    """Services, simulators and one brokerage; the product's processes are started by name."""

    def __init__(self, folder: Path) -> None:
        """Choose ports and secrets; nothing runs yet."""
        external = frozenset({"s3"})
        ports = plans.choose_ports(State(), unused_port(), external)
        secrets = secret_file.load(folder)
        self.folder = folder
        self.plan = Plan(folder, "localhost", live=False, ports=ports, secrets=secrets,
                         external=external)  # fmt: skip
        self.environment: dict[str, str] = {}
        self._running: list[Running] = []

    @property
    def port(self) -> int:
        """Where the web process listens."""
        return self.plan.ports["web"]

    def prepare_services(self) -> None:
        """Start the services and simulators, and learn what the processes are to be told."""
        programs = [*plans.services(self.plan), *plans.simulators(self.plan)]
        facts = self.start(programs)
        password = self.plan.secrets["postgres_password"]
        postgres.ensure_database(self.plan.ports["postgres"], password, plans.DATABASE)
        self.environment = plans.environment(self.plan, facts["mt5"], facts["psp"])

    def start_product(self, *names: str) -> None:
        """Start the product's processes of these names: web, worker, relay and so on."""
        programs = plans.applications(self.plan, self.environment)
        self.start([program for program in programs if program.name in names])

    def start(self, programs: Sequence[Program]) -> dict[str, str]:
        """Start programs and return what each announced; raise RuntimeError with its last words."""
        for program in programs:
            if program.prepare is not None:
                program.prepare()
        started = [spawn(one, self.folder / "logs" / f"{one.name}.log") for one in programs]
        self._running.extend(started)
        return {one.program.name: _facts(one) for one in started}

    def stop(self) -> None:
        """Stop what was started, the latest first."""
        while self._running:
            stop_all([self._running.pop()])


def _facts(running: Running) -> str:
    deadline = time.monotonic() + START_SECONDS_MAX
    while running.process.poll() is None and time.monotonic() < deadline:
        facts = running.program.probe(running.output)
        if facts is not None:
            return facts
        time.sleep(0.02)
    raise RuntimeError(f"{running.program.name}: {running.output.text()[-2000:]}")


@asynccontextmanager
async def stack() -> AsyncIterator[tuple[Stack, Ports]]:
    """Start services and simulators and provision one brokerage; stop everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="marque-bench-"))
    made = Stack(folder)
    try:
        # In this thread: the kernel stops the children when the thread that made them ends.
        made.prepare_services()
        ports = await _provisioned(made.environment)
        try:
            yield made, ports
        finally:
            await wiring.close(ports)
    finally:
        made.stop()
        if os.environ.get("BENCH_KEEP", "") != "1":
            shutil.rmtree(folder, ignore_errors=True)


async def _provisioned(environment: Mapping[str, str]) -> Ports:
    said: list[str] = []
    await prepare.everything(environment, scale="0", demo=False, say=said.append)
    ports = wiring.ports(kernel_settings.load(environment), pool_size=10)
    options: dict[str, Any] = {"demo": False}
    await prepare.provision(
        ports, slug=SLUG, name="Bench Markets", brand={}, options=options, say=said.append
    )
    return ports


async def until(
    check: Callable[[], Awaitable[bool]], *, seconds: float, every: float = 0.05, what: str
) -> None:
    """Wait until an async check is true; raise TimeoutError that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not await check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(every)
