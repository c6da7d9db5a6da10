"""Start and stop single operating system processes, and recognise them later by id and birth.

Every program gets a session of its own, so that Ctrl-C in a terminal reaches the supervisor only
and a whole family can be signalled at once. Facts about processes come from /proc (Linux).
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.programs import Output, Program, base_environment, leashed

LOG_BYTES_MAX = 5_000_000


@dataclass(frozen=True)
class Identity:
    """A process as it can be recognised later: a process id may be given to another one."""

    pid: int
    born: int


def identify(pid: int) -> Identity | None:
    """Return the identity of a living process; `born` is in clock ticks since boot."""
    fields = _fields(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    return Identity(pid, int(fields[19]))


def alive(identity: Identity) -> bool:
    """Say whether exactly this process still runs."""
    return identify(identity.pid) == identity


def family(identity: Identity) -> list[int]:
    """Return the living processes of the session that this process leads or led.

    A session's number is not given away while a member lives, so a leader of the same number
    with another birth means that the whole family is gone.
    """
    leader = _fields(identity.pid)
    if leader is not None and int(leader[19]) != identity.born:
        return []
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _fields(int(entry.name))
            if fields and fields[0] != "Z" and int(fields[3]) == identity.pid:
                members.append(int(entry.name))
    return members


def memory_bytes(pids: list[int]) -> int:
    """Return the resident memory of these processes together; shared pages count each time."""
    total = 0
    for pid in pids:
        fields = _fields(pid)
        total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else 0
    return total


def age_seconds(identity: Identity) -> float:
    """Return how long ago the process was started."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, uptime - identity.born / os.sysconf("SC_CLK_TCK"))


def _fields(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from the third field (state) on, see proc_pid_stat(5)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    # The second field is the program's name in parentheses and may hold spaces or parentheses.
    return text.rpartition(")")[2].split()


@dataclass
class Running:
    """A started program with its process and the part of the log that it writes."""

    program: Program
    process: "subprocess.Popen[bytes]"
    identity: Identity
    output: Output


def rotate(log: Path) -> None:
    """Move a log that has grown too large aside; one older copy is kept."""
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))


def spawn(program: Program, log: Path) -> Running:
    """Start a program; its output is appended to `log`.

    Call it from a thread that lives as long as the program may: the kernel's parent death
    signal watches the thread, not the process.
    """
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as file:
        output = Output(log, file.seek(0, os.SEEK_END))
        command = program.command
        if program.death_signal is not None:
            command = leashed(command, program.death_signal)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**base_environment(), **program.environment},
            start_new_session=True,
            user=program.user,
        )
    identity = identify(process.pid) or Identity(process.pid, -1)
    return Running(program, process, identity, output)


def signal_family(identity: Identity, number: signal.Signals) -> None:
    """Send a signal to every process of the family that still lives."""
    for pid in family(identity):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def stop_all(running: list[Running]) -> None:
    """Stop programs side by side: the polite signal, patience, then the last one."""
    begun = time.monotonic()
    for one in running:
        if one.process.poll() is None:
            one.process.send_signal(one.program.stop_signal)
    for one in running:
        _wait(one, begun + one.program.stop_seconds)
    for one in running:
        if one.process.poll() is None:
            one.process.send_signal(one.program.last_signal)
            _wait(one, time.monotonic() + 1.0)
        signal_family(one.identity, signal.SIGKILL)
        one.process.wait()


def _wait(one: Running, until: float) -> None:
    try:
        one.process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return
