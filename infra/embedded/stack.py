"""The whole product on one machine: `up`, `down` and `status`, each for one data folder.

Two stacks live side by side when each has its own MARQUE_DATA and MARQUE_PORT.
"""

import fcntl
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.embedded import objects, postgres, secret_file
from infra.embedded import plan as plans
from infra.embedded import state as states
from infra.embedded.detached import run_detached
from infra.embedded.doctor import doctor
from infra.embedded.plan import Plan
from infra.embedded.processes import age_seconds, alive, family, memory_bytes
from infra.embedded.programs import Program
from infra.embedded.supervisor import StartFailed, StopAsked, Supervisor

__all__ = ["Programs", "doctor", "down", "status", "up"]

DOWN_SECONDS_MAX = 15.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Prepare = Callable[[dict[str, str]], None]
Table = Callable[[dict[str, str]], str]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Programs:
    """Which programs a stack runs; tests put small ones of their own here."""

    services: Callable[[Plan], list[Program]] = plans.services
    simulators: Callable[[Plan], list[Program]] = plans.simulators
    applications: Callable[[Plan, Mapping[str, str]], list[Program]] = plans.applications


def up(
    *,
    data: Path,
    port: int,
    domain: str,
    detach: bool,
    live: bool,
    prepare: Prepare,
    table: Table,
    programs: Programs | None = None,
) -> int:
    """Start everything and, unless `detach`, stay until Ctrl-C; return the exit code.

    `prepare` gets the environment of our processes and runs before them, once the services are
    there: migrations and provisioning. `table` makes the text that closes a successful start.
    With `live` the simulated traders trade. A stack that already runs is left alone.
    """
    data = data.resolve()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock(data) as mine:
        if not mine:
            print(f"Marque already runs from {data}; `marque status` shows it.")
            return 0
        chosen = programs or Programs()

        def run(say: Say, ready: Callable[[], None]) -> int:
            stack = _Stack(data, port, domain, live=live, programs=chosen, say=say)
            return stack.run(prepare, table, ready)

        if detach:
            return run_detached(data / "logs" / "supervisor.log", run)
        return run(_print, lambda: None)


def _print(line: str) -> None:
    # A closed terminal or pipe is no reason to stop the stack.
    with suppress(OSError):
        print(line, flush=True)


@contextmanager
def _lock(data: Path) -> Iterator[bool]:
    """Hold the data folder against a second supervisor; the kernel lets go when we die."""
    with (data / "supervisor.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


class _Stack:
    """One run of the supervisor."""

    def __init__(
        self, data: Path, port: int, domain: str, *, live: bool, programs: Programs, say: Say
    ) -> None:
        self._begun = time.monotonic()
        self._say = say
        self._programs = programs
        self._state = states.load(data)
        if ended := states.end_leftovers(self._state):
            say(f"Ended what an earlier run left: {', '.join(ended)}.")
        external = plans.externals(os.environ)
        before = dict(self._state.ports) if self._state.base_port == port else {"web": port}
        ports = plans.choose_ports(self._state, port, external)
        for name, wanted in before.items():
            if ports.get(name, wanted) != wanted:
                say(f"Port {wanted} is taken, so {name} moves to {ports[name]}.")
        self._state.external = sorted(external)
        self._plan = Plan(data, domain, live, ports, secret_file.load(data), external)
        self._supervisor = Supervisor(data, self._state, say)

    def run(self, prepare: Prepare, table: Table, ready: Callable[[], None]) -> int:
        """Start, call `ready`, stay until a signal, stop; return the exit code."""
        previous = {one: signal.signal(one, self._supervisor.ask_to_stop) for one in STOP_SIGNALS}
        code = 0
        try:
            environment = self._start(prepare)
            if not self._supervisor.stopping:
                self._say(f"All ready in {time.monotonic() - self._begun:.1f} s.")
                self._say(table(environment))
                ready()
            self._supervisor.run()
        except StopAsked:
            pass
        except (StartFailed, OSError, RuntimeError) as failure:
            self._say(f"Start failed: {failure}")
            code = 1
        finally:
            self._stop()
            for one, handler in previous.items():
                signal.signal(one, handler)
        return code

    def _start(self, prepare: Prepare) -> dict[str, str]:
        services = self._programs.services(self._plan)
        simulators = self._programs.simulators(self._plan)
        self._supervisor.start([*services, *simulators])
        # The object store takes 3 s; after its first start nobody needs it before the web is up.
        bucket_made = plans.bucket_marker(self._plan.data).exists()
        names = [one.name for one in (*services, *simulators)]
        self._supervisor.wait(name for name in names if name != "s3" or not bucket_made)
        environment = plans.environment(self._plan, self._facts("mt5"), self._facts("psp"))
        if self._supervisor.stopping:
            return environment
        if any(one.name == "postgres" for one in services):
            self._ensure_database()
        gate, started = self._plan.data / "start.gate", self._plan.data / "started"
        gate.unlink(missing_ok=True)
        gated = {**environment, "MARQUE_START_GATE": str(gate)}
        applications = self._programs.applications(self._plan, gated)
        # A first start prepares for long; later ones load their code while it is prepared.
        if started.exists():
            self._supervisor.start(applications)
        self._prepare(prepare, environment)
        gate.touch()
        if not self._supervisor.stopping:
            if not started.exists():
                self._supervisor.start(applications)
            self._supervisor.wait()
            started.touch()
        return environment

    def _facts(self, name: str) -> str:
        try:
            return self._supervisor.facts(name)
        except KeyError:
            return ""

    def _ensure_database(self) -> None:
        marker = self._plan.data / f"database-{plans.DATABASE}"
        if not marker.exists():
            password = self._plan.secrets["postgres_password"]
            postgres.ensure_database(self._plan.ports["postgres"], password, plans.DATABASE)
            marker.touch()

    def _prepare(self, prepare: Prepare, environment: dict[str, str]) -> None:
        begun = time.monotonic()
        self._supervisor.interruptible = True
        try:
            prepare(environment)
        except Exception as failure:
            log = self._plan.data / "logs" / "prepare.log"
            with log.open("a") as file:
                traceback.print_exc(file=file)
            raise StartFailed(f"preparing: {failure}\n    (whole story: {log})") from failure
        finally:
            self._supervisor.interruptible = False
        self._say(f"{'prepared':<12}ready {time.monotonic() - begun:5.1f} s")

    def _stop(self) -> None:
        begun = time.monotonic()
        self._supervisor.stop()
        objects.forget_sockets(self._plan.ports.values())
        self._say(f"Stopped in {time.monotonic() - begun:.1f} s.")


def down(data: Path) -> int:
    """Stop what runs from this data folder, be the supervisor alive or not; return 0."""
    data = data.resolve()
    begun = time.monotonic()
    state = states.load(data)
    ended: list[str] = []
    if state.supervisor is not None and state.supervised():
        ended = sorted(state.processes)
        os.kill(state.supervisor.pid, signal.SIGTERM)
        while alive(state.supervisor) and time.monotonic() < begun + DOWN_SECONDS_MAX:
            time.sleep(0.02)
        if alive(state.supervisor):
            os.kill(state.supervisor.pid, signal.SIGKILL)
        state = states.load(data)
    ended = ended + states.end_leftovers(state)
    objects.forget_sockets(state.ports.values())
    if not ended:
        print(f"Nothing runs from {data}.")
        return 0
    state.supervisor = None
    states.save(data, state)
    print(f"Stopped {', '.join(sorted(set(ended)))} in {time.monotonic() - begun:.1f} s.")
    return 0


def status(data: Path) -> int:
    """Print a line for each process and return 0 when all are ready, 3 when none should run."""
    data = data.resolve()
    state = states.load(data)
    if not state.supervised() and not any(family(one.identity) for one in state.processes.values()):
        print(f"Marque does not run from {data}; `marque up` starts it.")
        return 3
    healthy = state.supervised()
    if not healthy:
        print("The supervisor is gone; `marque up` or `marque down` cleans up.")
    print(f"{'process':<12}{'state':<10}{'pid':>8}{'port':>7}{'uptime':>10}{'memory':>9}")
    for name, one in state.processes.items():
        members = family(one.identity)
        word = "down" if not members else "ready" if one.ready else "starting"
        healthy = healthy and word == "ready"
        age = _age(age_seconds(one.identity)) if members else "-"
        memory = f"{memory_bytes(members) / 1e6:.0f} MB" if members else "-"
        print(f"{name:<12}{word:<10}{one.pid:>8}{one.port or '-':>7}{age:>10}{memory:>9}")
    for name in state.external:
        print(f"{name:<12}{'external':<10}{'(' + plans.EXTERNAL[name] + ')':>16}")
    sys.stdout.flush()
    return 0 if healthy else 1


def _age(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
