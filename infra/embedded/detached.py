"""Leave the supervisor running in the background and tell the terminal how its start went."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from infra.embedded.processes import rotate

Run = Callable[[Callable[[str], None], Callable[[], None]], int]


def run_detached(log: Path, run: Run) -> int:
    """Run `run(say, ready)` in a process of its own; return once it is ready, or its exit code.

    What it says goes to the log and, until it is ready, to the terminal too. Ctrl-C meanwhile
    stops it.
    """
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rotate(log)
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _leave(log, run, writer)
    os.close(writer)
    grandchild, code = 0, 1
    with os.fdopen(reader, "r", encoding="utf-8", errors="replace") as lines:
        os.waitpid(child, 0)
        while True:
            try:
                line = lines.readline()
            except KeyboardInterrupt:
                with suppress(ProcessLookupError):
                    os.kill(grandchild, signal.SIGTERM)
                continue
            if not line:
                return code
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind == "pid":
                grandchild = int(rest)
            elif kind == "code":
                code = int(rest)
            else:
                with suppress(BrokenPipeError):
                    print(rest, flush=True)


def _leave(log: Path, run: Run, writer: int) -> None:
    """Fork once more, so that init adopts the supervisor, and never return."""
    os.setsid()
    if os.fork():
        os._exit(0)
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDONLY)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(nowhere, 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        terminal = _Terminal(writer)
        terminal.send("pid", str(os.getpid()))

        def say(text: str) -> None:
            print(text, flush=True)
            for line in text.splitlines():
                terminal.send("say", line)

        def ready() -> None:
            terminal.send("code", "0")
            terminal.close()

        code = run(say, ready)
        terminal.send("code", str(code))
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class _Terminal:
    """The pipe to the waiting command; it may be gone at any time."""

    def __init__(self, writer: int) -> None:
        self._writer: int | None = writer

    def send(self, kind: str, text: str) -> None:
        """Send one line, if anybody still listens."""
        if self._writer is not None:
            with suppress(BrokenPipeError):
                os.write(self._writer, f"{kind} {text}\n".encode())

    def close(self) -> None:
        """Let the waiting command go."""
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None
