"""The real services from their wheels: together, deep down in the file system, as any user."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from infra.embedded import postgres
from tests.infra.gateways import s3_client
from tests.infra.stacks import ROOT, Stack, base_port, processes_of

SERVICES = {"postgres", "valkey", "s3", "mail", "sms"}
NOBODY = 65534


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack with all services in a folder whose path has 150 characters."""
    deep = tmp_path / "d"
    while len(str(deep)) < 150:
        deep = deep / ("d" * min(50, 149 - len(str(deep))) or "d")
    made = Stack(deep, base_port())
    yield made
    made.run("down")
    assert processes_of(made.data) == []


def secrets_of(stack: Stack) -> dict[str, str]:
    """Return what the start made up."""
    found: dict[str, str] = json.loads((stack.data / "secrets.json").read_text())
    return found


async def test_services_start_in_a_deep_folder_and_keep_their_data(stack: Stack) -> None:
    """What was written to each service is there after a stop and a second start."""
    assert len(str(stack.data)) >= 150
    first = stack.run("up", "--detach")
    assert first.returncode == 0, first.stdout + first.stderr
    ports, secrets = stack.state().ports, secrets_of(stack)
    address = postgres.address(ports["postgres"], secrets["postgres_password"], "marque")
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE TABLE kept AS SELECT uuidv7() AS id")
    await connection.close()
    cache = redis.Redis(port=ports["valkey"], password=secrets["valkey_password"])
    cache.set("kept", "yes")
    cache.close()
    s3 = s3_client(
        f"http://127.0.0.1:{ports['s3']}", secrets["s3_access_key"], secrets["s3_secret_key"]
    )
    s3.put_object(Bucket="marque", Key="kept", Body=b"yes" * 1000, ServerSideEncryption="AES256")

    begun = time.monotonic()
    assert stack.run("down").returncode == 0
    stopped = time.monotonic()
    assert processes_of(stack.data) == []
    second = stack.run("up", "--detach")
    started = time.monotonic()

    assert second.returncode == 0, second.stdout + second.stderr
    assert stopped - begun < 6
    assert started - stopped < 10
    assert stack.state().ports == ports
    connection = await asyncpg.connect(address)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 1
    assert await connection.fetchval("SHOW wal_level") == "logical"
    await connection.close()
    cache = redis.Redis(port=ports["valkey"], password=secrets["valkey_password"])
    assert cache.get("kept") == b"yes"
    cache.close()
    assert s3.get_object(Bucket="marque", Key="kept")["Body"].read() == b"yes" * 1000
    s3.close()


async def test_services_refuse_whoever_does_not_know_their_secrets(stack: Stack) -> None:
    """Wrong passwords and keys are refused; nothing listens beyond this machine."""
    assert stack.run("up", "--detach").returncode == 0
    ports = stack.state().ports

    for address in (
        postgres.address(ports["postgres"], "wrong", "marque"),
        f"postgresql://postgres@127.0.0.1:{ports['postgres']}/marque",
    ):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(address, password="wrong")
    cache = redis.Redis(port=ports["valkey"])
    with pytest.raises(redis.AuthenticationError):
        cache.get("kept")
    cache.close()
    s3 = s3_client(f"http://127.0.0.1:{ports['s3']}", secrets_of(stack)["s3_access_key"], "wrong")
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        s3.list_buckets()
    s3.close()
    assert _listening_beyond_loopback(set(ports.values())) == set()


def _listening_beyond_loopback(ports: set[int]) -> set[int]:
    """Return those of the ports that are open on other addresses than 127.0.0.1."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports and address != "0100007F":
                found.add(int(port, 16))
    return found


def test_external_services_are_not_started(tmp_path: Path) -> None:
    """A service whose address the environment names is left to others."""
    stack = Stack(tmp_path / "data", base_port())
    outside = {
        "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/d",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "S3_ENDPOINT_URL": "http://127.0.0.1:1",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "SMS_URL": "http://AC1:token@127.0.0.1:1?from=Marque",
    }
    environment = {**stack.environment(), **outside}
    try:
        done = subprocess.run(
            stack.command("up", "--detach"), env=environment, capture_output=True, check=False
        )

        assert done.returncode == 0, done.stdout
        assert not SERVICES & set(stack.state().processes)
        assert stack.ask("/DATABASE_URL") == outside["DATABASE_URL"]
        assert stack.ask("/MARQUE_INBOX_URL") == "ok"
        assert stack.run("status").stdout.count("external") == 5
    finally:
        stack.run("down")


def test_an_ordinary_user_can_run_the_stack() -> None:
    """Without root, without a home folder: all services start and stop."""
    prefix, python = _as_nobody()
    folder = Path(tempfile.mkdtemp(prefix="marque-nobody-"))
    if prefix:
        os.chown(folder, NOBODY, NOBODY)
    path = f"{ROOT}:{sysconfig.get_path('purelib')}"
    stack = Stack(folder / "data", base_port(), prefix, python, path)
    try:
        done = stack.run("up", "--detach")

        assert done.returncode == 0, done.stdout + done.stderr
        state = stack.state()
        assert set(state.processes) >= SERVICES
        if prefix:
            for one in state.processes.values():
                assert Path(f"/proc/{one.pid}").stat().st_uid == NOBODY
        with socket.create_connection(("127.0.0.1", state.ports["smtp"]), 2) as connection:
            assert connection.recv(3) == b"220"
    finally:
        stopped = stack.run("down")
        shutil.rmtree(folder)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def _as_nobody() -> tuple[tuple[str, ...], str]:
    """Return how to run as an ordinary user; skips where no interpreter is open to one."""
    if os.geteuid() != 0:
        return (), sys.executable
    setpriv = shutil.which("setpriv")
    prefix = (
        *(str(setpriv), "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"),
        *("--bounding-set=-all", "--inh-caps=-all", "--"),
    )
    same = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(same, path=os.defpath)):
        if setpriv is None or python is None:
            continue
        # A shell in between shows whether the interpreter can be started again by that user.
        tried = subprocess.run(
            [*prefix, "/bin/sh", "-c", f"exec {python} -c 'import sys; sys.exit(0)'"],
            capture_output=True,
            check=False,
        )
        if tried.returncode == 0:
            return prefix, python
    reason = "no Python here may be run by another user than root"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
