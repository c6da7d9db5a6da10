"""The servers of a test run: one set for all workers, gone when the run is."""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.services import create_database, database_url, drop_database, ensure_services
from tests.infra.stacks import EXTERNALS, ROOT, eventually, processes_of

ASK = (
    "import sys; from tests.fixtures.services import ensure_services as e;"
    "s = e(); sys.stdout.write(s.database_url + s.redis_url + chr(10))"
)
# The middle process stands for pytest itself: both workers are its children.
CONTROLLER = (
    "import subprocess, sys;"
    f"runs = [subprocess.Popen([sys.executable, '-c', {ASK!r}]) for _ in range(2)];"
    "codes = [run.wait() for run in runs]; input(); sys.exit(max(codes))"
)


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_workers_share_servers_that_end_with_the_run(end: str) -> None:
    """Two workers get the same servers; when pytest ends or is killed nothing is left."""
    run = uuid.uuid4().hex
    kept = {name: value for name, value in os.environ.items() if name not in EXTERNALS}
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER],
        cwd=ROOT,
        env={**kept, "PYTEST_XDIST_TESTRUNUID": run},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert controller.stdout is not None
    first, second = controller.stdout.readline(), controller.stdout.readline()
    folder = Path(tempfile.gettempdir()) / f"marque-tests-{os.getuid()}" / run

    assert first.startswith("postgresql://")
    assert first == second
    assert processes_of(folder / "postgres")
    if end == "kill":
        controller.kill()
        controller.communicate()
    else:
        controller.communicate("\n")
        assert controller.returncode == 0
    eventually(lambda: not processes_of(folder) and not folder.exists())


async def test_a_database_is_copied_from_a_template() -> None:
    """A copy holds what the template held, and is another database."""
    create_database("test_infra_template")
    connection = await asyncpg.connect(database_url("test_infra_template"))
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
    await connection.close()
    try:
        connection = await asyncpg.connect(
            create_database("test_infra_copy", template="test_infra_template")
        )
        assert await connection.fetchval("SELECT id FROM kept") == 1
        await connection.execute("DROP TABLE kept")
        await connection.close()
        connection = await asyncpg.connect(database_url("test_infra_template"))
        assert await connection.fetchval("SELECT id FROM kept") == 1
        await connection.close()
        with pytest.raises(asyncpg.DuplicateDatabaseError):
            create_database("test_infra_copy")
    finally:
        drop_database("test_infra_copy")
        drop_database("test_infra_template")


def test_a_database_name_is_plain() -> None:
    """A name that would need quoting is refused before any statement is sent."""
    with pytest.raises(ValueError, match="no plain database name"):
        create_database('x"; DROP DATABASE y; --')


def test_services_are_asked_for_once() -> None:
    """Within a worker the same object comes back."""
    assert ensure_services() is ensure_services()
