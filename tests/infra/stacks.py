"""Start and stop stacks from tests, and look at what runs."""

import os
import random
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from infra.embedded import state as states
from infra.embedded.programs import free_port

ROOT = Path(__file__).parents[2]
EXTERNALS = (
    *("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT_URL", "SMTP_URL", "SMS_URL"),
    "MARQUE_EGRESS_ALLOW",
)


def base_port() -> int:
    """Return a port below the range that the kernel hands out, far from other workers'."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    return free_port(20_000 + worker % 10 * 1_000 + random.randrange(45) * 20)


@dataclass(frozen=True)
class Stack:
    """A data folder and the commands on it; `prefix` may change the user."""

    data: Path
    port: int
    prefix: tuple[str, ...] = ()
    python: str = sys.executable
    path: str = str(ROOT)

    def run(self, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            self.command(verb, *options),
            env=self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start in the foreground and return once all is ready."""
        process = subprocess.Popen(
            self.command("up", *options),
            env=self.environment(),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        heard = []
        for line in process.stdout:
            heard.append(line)
            if line.startswith("web at "):
                return process
        raise AssertionError("".join(heard))

    def command(self, verb: str, *options: str) -> list[str]:
        """Return the command line."""
        place = [str(self.data), *([str(self.port)] if verb == "up" else [])]
        return [*self.prefix, self.python, "-m", "tests.infra.fake_stack", verb, *place, *options]

    def environment(self) -> dict[str, str]:
        """Return the environment without the addresses of this test run's own servers."""
        kept = {name: value for name, value in os.environ.items() if name not in EXTERNALS}
        tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**kept, "PYTHONPATH": self.path, "PATH": tools, "PYTHONDONTWRITEBYTECODE": "1"}

    def state(self) -> states.State:
        """Return what the stack says runs."""
        return states.load(self.data)

    def ask(self, path: str) -> str:
        """Return what the fake web answers."""
        address = f"http://127.0.0.1:{self.state().ports['web']}{path}"
        with urllib.request.urlopen(address, timeout=5) as response:
            answer: bytes = response.read()
        return answer.decode()


def processes_of(data: Path) -> list[str]:
    """Return the command lines of living processes that were told of this data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            living = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            continue
        if living and str(data).encode() in told:
            found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def eventually(condition: object, seconds: float = 10) -> None:
    """Wait until the callable returns something true; fail when it does not in time."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.05)
