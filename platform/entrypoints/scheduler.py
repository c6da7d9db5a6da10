"""The scheduler process: one leader by lease, which runs each room's repeated jobs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from functools import partial

import uvloop

from backoffice import schedule as backoffice_jobs
from crm import schedule as crm_jobs
from entrypoints import wiring
from entrypoints.relay import tenants
from entrypoints.wordings import Wordings
from identity import schedule as identity_jobs
from introducers import schedule as introducers_jobs
from kernel import gate, memory
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.language import SOURCE, speaking
from kernel.log import configure, logger
from messaging import schedule as messaging_jobs
from revenue import schedule as revenue_jobs
from tenants import leases
from tenants.ports import Ports
from tenants.schedule import Job
from trading import schedule as trading_jobs
from treasury import schedule as treasury_jobs
from treasury.withdrawals import schedule as withdrawal_jobs

_LOG = logger(__name__)
LEASE_SECONDS = 15.0
_AT_ONCE = 4


def jobs() -> list[Job]:
    """Return every room's repeated jobs."""
    rooms = (
        *(identity_jobs, trading_jobs, treasury_jobs, revenue_jobs, introducers_jobs),
        *(crm_jobs, backoffice_jobs, messaging_jobs, withdrawal_jobs),
    )
    return [job for room in rooms for job in room.JOBS]


class Scheduler:
    """Runs jobs while it leads; a follower only waits for the lease."""

    def __init__(self, ports: Ports, known: list[Job]) -> None:
        """Take the jobs to run."""
        self._ports = ports
        self._jobs = known
        self._wordings = Wordings(ports.database)
        self._holder = f"{socket.gethostname()}-{os.getpid()}"
        self._due: dict[tuple[str, str], float] = {}
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._leads_until = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Loop until told to stop."""
        while not stop.is_set():
            try:
                if await self._leads():
                    await self._start_due()
            except Exception as error:  # noqa: BLE001 - the loop must outlive any failure
                _LOG.error("the scheduler met an error", error=type(error).__name__)
            await asyncio.sleep(0.5)
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _leads(self) -> bool:
        if time.monotonic() < self._leads_until - LEASE_SECONDS / 2:
            return True
        async with self._ports.database.control() as session:
            leads = await leases.take(
                session, name="scheduler", holder=self._holder, seconds=LEASE_SECONDS
            )
        self._leads_until = time.monotonic() + LEASE_SECONDS if leads else 0.0
        return leads

    async def _start_due(self) -> None:
        moment = time.monotonic()
        for tenant in await tenants(self._ports.database):
            for job in self._jobs:
                key = (job.name, tenant.slug)
                if self._due.get(key, 0.0) > moment or key in self._running:
                    continue
                self._due[key] = moment + job.every_seconds
                task = asyncio.create_task(self._one(job, tenant))
                self._running[key] = task
                task.add_done_callback(partial(self._forget, key))

    def _forget(self, key: tuple[str, str], _task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)

    async def _one(self, job: Job, tenant: TenantRef) -> None:
        async with self._gate:
            try:
                own = await self._wordings.of(tenant)
                with speaking(SOURCE, own=own, plainly=True):
                    await job.run(self._ports, tenant)
            except Exception as error:  # noqa: BLE001 - one job's failure is not another's
                _LOG.error(
                    "a scheduled job failed",
                    operation=job.name,
                    tenant=tenant.slug,
                    error=type(error).__name__,
                )


async def run() -> None:
    """Schedule until told to stop."""
    ports = wiring.ports(kernel_settings.load(), pool_size=6)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    memory.settle()
    os.write(1, b"ready\n")
    await Scheduler(ports, jobs()).run(stop)
    await wiring.close(ports)


def main() -> None:
    """Start the process."""
    configure("scheduler")
    gate.wait()
    uvloop.run(run())


if __name__ == "__main__":
    main()
