"""A book of its own to measure on: PostgreSQL, one migrated brokerage, and pgbench beside it.

PostgreSQL is the embedded one with its safe defaults, fsync on and every commit in the log; it has
more memory than the small defaults give it, and a log long enough that no checkpoint falls into
the round of one side. pgbench comes with it.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import asyncpg

from infra.embedded import postgres
from infra.embedded.processes import Running, spawn, stop_all
from infra.embedded.programs import unused_port
from kernel import settings as kernel_settings
from kernel.actor import TenantRef
from kernel.database import APP_LOGIN, Database, role_password
from kernel.ids import token
from kernel.money import Money
from kernel.settings import Settings
from ledger import bookings, entries
from ledger.lines import Draft
from tenants.schemas import runner

ACCOUNTS = 100_000
CLIENTS = 8
THREADS = 2
# TPC-B has a branch and 100,000 accounts for each unit of scale: at 1, as pgbench makes it unless
# told otherwise, it has as many accounts as the book has wallets, and one branch for everybody; at
# 10 its clients seldom wait for each other.
SCALE, WIDE = 1, 10
SECONDS = 2
PROVIDER = "p1"
# Owners' ids are as long as real ones: this, and twelve digits from the first on.
OWNERS, FIRST = "01900000-0000-7000-8000-", 100_000_000_000
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
}
_TENANT, _TPCB = "marque", {SCALE: "tpcb", WIDE: "tpcb_wide"}
_FILL = 1_000
_START_SECONDS = 30.0
_SPEED = re.compile(r"^tps = ([\d.]+) \(without", re.MULTILINE)
_FAILED = re.compile(r"number of failed transactions: (\d+)")

TPCB_FUNCTION = """
CREATE FUNCTION tpcb(p_aid int, p_tid int, p_bid int, p_delta int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE v_balance int;
BEGIN
  UPDATE pgbench_accounts SET abalance = abalance + p_delta WHERE aid = p_aid;
  SELECT abalance INTO v_balance FROM pgbench_accounts WHERE aid = p_aid;
  UPDATE pgbench_tellers SET tbalance = tbalance + p_delta WHERE tid = p_tid;
  UPDATE pgbench_branches SET bbalance = bbalance + p_delta WHERE bid = p_bid;
  INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
  VALUES (p_tid, p_bid, p_aid, p_delta, CURRENT_TIMESTAMP);
  RETURN v_balance;
END $$
"""


@dataclass(frozen=True)
class Bench:
    """The running server, the brokerage's book on it, and where pgbench's scripts lie."""

    folder: Path
    port: int
    password: str
    settings: Settings
    database: Database
    tenant: TenantRef

    async def pgbench(self, *arguments: str, own: bool = False, scale: int = SCALE) -> float:
        """Return the seconds for each transaction of pgbench, as 8 clients of 2 threads see them.

        With `own` it works in the book, as the application's login in the brokerage's role, which
        is all that the product ever is; else it works in pgbench's own tables of this scale.
        Raises RuntimeError with its words when a transaction failed.
        """
        database = _TENANT if own else _TPCB[scale]
        return await self._run(
            ["-n", "-c", str(CLIENTS), "-j", str(THREADS), "-T", str(SECONDS), "-M", "prepared",
             *arguments, database], own=own,
        )  # fmt: skip

    async def _run(self, arguments: list[str], *, own: bool) -> float:
        done = await asyncio.to_thread(
            subprocess.run,
            [str(postgres.binaries() / "pgbench"), *arguments],
            env=self._environment(own=own),
            capture_output=True,
            check=False,
            text=True,
        )
        speed, failed = _SPEED.search(done.stdout), _FAILED.search(done.stdout)
        if done.returncode or speed is None or failed is None or failed[1] != "0":
            raise RuntimeError(f"pgbench: {done.stderr.strip() or done.stdout}")
        return 1 / float(speed[1])

    def _environment(self, *, own: bool) -> dict[str, str]:
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port)}
        login = {"PGUSER": postgres.USER, "PGPASSWORD": self.password}
        if own:
            schema = self.tenant.schema
            login = {
                "PGUSER": APP_LOGIN,
                "PGPASSWORD": role_password(self.settings.secret_key, APP_LOGIN),
                "PGOPTIONS": f"-c role={schema} -c search_path={schema},pg_temp",
            }
        return {**os.environ, **address, **login}

    async def prepare_tpcb(self) -> None:
        """Fill pgbench's tables, and put TPC-B's five statements into one function."""
        for scale, database in _TPCB.items():
            await asyncio.to_thread(
                subprocess.run,
                [str(postgres.binaries() / "pgbench"), "-i", "-q", "-s", str(scale), database],
                env=self._environment(own=False),
                capture_output=True,
                check=True,
            )
            await self.execute(TPCB_FUNCTION, database=database)

    async def fill(self) -> None:
        """Open a wallet for each of 100,000 clients, with a million in it."""
        for first in range(0, ACCOUNTS, _FILL):
            drafts = [
                Draft(f"fill:{number}", "deposit", bookings.deposit(PROVIDER, owner(number), _MUCH))
                for number in range(first, first + _FILL)
            ]
            async with self.database.tenant(self.tenant) as session:
                await entries.post_batch(session, drafts=drafts)
        await self.execute("VACUUM ANALYZE", database=_TENANT)
        await self.execute("CHECKPOINT", database=_TENANT)

    async def connections(self, count: int) -> list[asyncpg.Connection]:
        """Open connections of the application's login which stay in the brokerage's role."""
        schema = self.tenant.schema
        return [
            await asyncpg.connect(
                host="127.0.0.1",
                port=self.port,
                user=APP_LOGIN,
                password=role_password(self.settings.secret_key, APP_LOGIN),
                database=_TENANT,
                server_settings={"role": schema, "search_path": f"{schema}, pg_temp"},
            )
            for _ in range(count)
        ]

    async def execute(self, statement: str, *, database: str) -> None:
        """Run one statement as the server's superuser."""
        connection = await asyncpg.connect(postgres.address(self.port, self.password, database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


_MUCH = Money(Decimal(1_000_000), "EUR")


def owner(number: int) -> str:
    """Return a client's id, as long as real ones are."""
    return f"{OWNERS}{FIRST + number}"


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """Start PostgreSQL with a filled book and TPC-B's tables; stop it and forget it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="marque-bench-"))
    port, password = unused_port(), token(18)
    program = postgres.program(folder / "postgres", port, password, SETTINGS)
    running = None
    try:
        initialise = program.prepare
        assert initialise is not None
        initialise()
        # In this thread: the kernel stops the child when the thread that made it ends.
        running = spawn(program, folder / "postgres.log")
        _wait_for(running)
        made = await _migrated(folder, port, password)
        try:
            await made.prepare_tpcb()
            await made.fill()
            yield made
        finally:
            await made.database.close()
    finally:
        if running is not None:
            stop_all([running])
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(running: Running) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while running.program.probe(running.output) is None:
        if time.monotonic() > deadline or running.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL: {running.output.text()[-2000:]}")
        time.sleep(0.05)


async def _migrated(folder: Path, port: int, password: str) -> Bench:
    for name in (_TENANT, *_TPCB.values()):
        postgres.ensure_database(port, password, name)
    settings = kernel_settings.load(_variables(folder, port, password))
    tenant = TenantRef(
        id=UUID(int=1),
        slug="bench",
        name="Bench Markets",
        schema="t_bench",
        base_currency="EUR",
        timezone="UTC",
        language="en",
        generation=1,
    )
    await runner.bootstrap(settings)
    await runner.create_schema(settings, tenant.schema)
    await runner.migrate_tenant(settings, tenant.schema)
    database = Database.from_settings(settings, pool_size=CLIENTS)
    return Bench(folder, port, password, settings, database, tenant)


def _variables(folder: Path, port: int, password: str) -> Mapping[str, str]:
    # The book asks nobody else, so nothing listens at the other addresses.
    return {
        "MARQUE_SECRET_KEY": token(36),
        "MARQUE_DATA": str(folder),
        "DATABASE_URL": postgres.address(port, password, _TENANT),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "MARQUE_QUIET_SECONDS": "1",
    }
