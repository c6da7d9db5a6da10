"""What one program of the stack is: its command line, how it gets ready and how it stops.

A program writes to one log file. A probe looks at that file or at a port, again and again, until
it returns the facts the program announced (often just an empty string).
"""

import os
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Probe = Callable[["Output"], str | None]


@dataclass(frozen=True)
class Output:
    """The part of a log file that belongs to the present run of a program."""

    path: Path
    offset: int

    def text(self) -> str:
        """Return what the program wrote since it was started."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read().decode("utf-8", "replace")


@dataclass(frozen=True)
class Program:
    """One long-running process: `prepare` runs before each start, `probe` says when it is ready."""

    name: str
    command: tuple[str, ...]
    probe: Probe
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 2.0
    last_signal: signal.Signals = signal.SIGKILL
    # What the kernel sends when the supervisor dies; None says that the command sees to it.
    death_signal: signal.Signals | None = signal.SIGTERM
    user: int | None = None


def leashed(command: tuple[str, ...], death: signal.Signals) -> tuple[str, ...]:
    """Prefix a command so that the kernel sends it `death` when its parent dies."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return command
    return (setpriv, "--pdeathsig", death.name.removeprefix("SIG"), "--", *command)


def free_port(wanted: int, *, taken: frozenset[int] | set[int] = frozenset()) -> int:
    """Return the first port from `wanted` upward that nobody listens on and that is not `taken`.

    Raises OSError when none of the next 2000 ports is free.
    """
    for port in range(wanted, min(wanted + 2000, 65536)):
        if port not in taken and port_is_free(port):
            return port
    raise OSError(f"No free port between {wanted} and {wanted + 1999}; choose another MARQUE_PORT.")


def port_is_free(port: int) -> bool:
    """Say whether a server could listen on this port of every local address."""
    with socket.socket() as probe:
        # Without this option a port in TIME_WAIT would look taken after each restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104
        except OSError:
            return False
    return True


def unused_port() -> int:
    """Return a port that the kernel says is free now; for tests and throw-away services."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def announced(output: Output) -> str | None:
    """Ready once the program printed a line that starts with `ready`; returns the line's rest."""
    lines = output.text().splitlines(keepends=True)
    for line in lines:
        if line.endswith("\n") and line.split(maxsplit=1)[:1] == ["ready"]:
            return line.partition("ready")[2].strip()
    return None


def listening(port: int) -> Probe:
    """Ready once something accepts connections on the port."""

    def probe(_: Output) -> str | None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            return None
        return ""

    return probe


def answering(port: int, path: str, *, timeout_seconds: float = 5.0) -> Probe:
    """Ready once GET `path` on the port answers 200; the Host header is 127.0.0.1 and the port."""

    def probe(_: Output) -> str | None:
        return "" if answers(f"http://127.0.0.1:{port}{path}", timeout_seconds) else None

    return probe


def answers(url: str, timeout_seconds: float) -> bool:
    """Say whether the address answers 200 in time; proxies of the environment are not used."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout_seconds) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def base_environment() -> dict[str, str]:
    """Return the environment that our children inherit: the caller's, unbuffered output.

    They may write bytecode whatever the caller prefers: without it every start compiles anew.
    """
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}
