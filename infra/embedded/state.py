"""What is running out of a data folder, and on which ports: MARQUE_DATA/state.json.

It is written by the supervisor and read by `marque status`, `marque down` and the next start,
which also ends what a killed supervisor left behind.
"""

import json
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.embedded.processes import Identity, alive, family, signal_family

LEFTOVER_SECONDS_MAX = 3.0


@dataclass
class Entry:
    """A program as it was last seen."""

    pid: int
    born: int
    port: int | None
    ready: bool
    stop_signal: str

    @property
    def identity(self) -> Identity:
        """The process that was started."""
        return Identity(self.pid, self.born)


@dataclass
class State:
    """The content of state.json; process ids count only within the boot they are from."""

    boot: str = ""
    base_port: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    supervisor: Identity | None = None
    processes: dict[str, Entry] = field(default_factory=dict)
    external: list[str] = field(default_factory=list)

    def supervised(self) -> bool:
        """Say whether the supervisor that wrote this is alive."""
        return self.supervisor is not None and alive(self.supervisor)


def boot() -> str:
    """Return the identity of the present boot of this machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def load(data: Path) -> State:
    """Return what is known; processes of an earlier boot, or a damaged file, count as nothing."""
    try:
        found = json.loads((data / "state.json").read_text())
        known = State(
            boot=found["boot"],
            base_port=found["base_port"],
            ports=found["ports"],
            supervisor=Identity(**found["supervisor"]) if found["supervisor"] else None,
            processes={name: Entry(**one) for name, one in found["processes"].items()},
            external=found["external"],
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return State(boot=boot())
    if known.boot != boot():
        known.boot, known.supervisor, known.processes = boot(), None, {}
    return known


def save(data: Path, state: State) -> None:
    """Write the state in one step, so that a reader never sees half of it."""
    draft = data / "state.json.new"
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n")
    draft.replace(data / "state.json")


def end_leftovers(state: State) -> list[str]:
    """End what an earlier supervisor left running, and nothing else; return the names ended."""
    left = {name: one for name, one in state.processes.items() if family(one.identity)}
    for one in left.values():
        signal_family(one.identity, signal.Signals[one.stop_signal])
    deadline = time.monotonic() + LEFTOVER_SECONDS_MAX
    while time.monotonic() < deadline and any(family(one.identity) for one in left.values()):
        time.sleep(0.02)
    for one in left.values():
        signal_family(one.identity, signal.SIGKILL)
    deadline = time.monotonic() + LEFTOVER_SECONDS_MAX
    while time.monotonic() < deadline and any(family(one.identity) for one in left.values()):
        time.sleep(0.02)
    state.processes = {}
    return sorted(left)
