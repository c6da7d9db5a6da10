"""Run programs side by side: start them, know when they are ready, restart what crashes, stop all.

One thread starts every process, because the kernel ties a child's death signal to the thread that
started it. Slow preparations and readiness probes run in threads of their own.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from infra.embedded import state as states
from infra.embedded.processes import Identity, Running, identify, rotate, spawn, stop_all
from infra.embedded.programs import Program
from infra.embedded.state import Entry, State

START_SECONDS_MAX = 90.0
ATTEMPTS_MAX = 3
BACKOFF_SECONDS = 0.25
BACKOFF_SECONDS_MAX = 30.0
CALM_SECONDS = 60.0
TICK_SECONDS = 0.02
IDLE_SECONDS = 0.1


class StartFailed(Exception):
    """A program did not get ready; carries the last lines it wrote."""


class StopAsked(BaseException):
    """Somebody asked the stack to stop while a step was running that cannot be waited for."""


class Watched:
    """One program under supervision."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.running: Running | None = None
        self.ready = False
        self.facts: str | None = None
        self.was_ready = False
        self.failures = 0
        self.problem = ""
        self.begun = time.monotonic()
        self.not_before = 0.0
        self._prepared: threading.Event | None = None
        self._prepare_problem = ""

    def begin(self) -> None:
        """Run the program's preparation in a thread; `advance` starts it when that is done."""
        self.begun = time.monotonic()
        self.facts = None
        self.ready = False
        self._prepare_problem = ""
        self._prepared = threading.Event()
        if self.program.prepare is None:
            self._prepared.set()
        else:
            threading.Thread(target=self._prepare, daemon=True).start()

    def _prepare(self) -> None:
        assert self.program.prepare is not None
        assert self._prepared is not None
        try:
            self.program.prepare()
        except Exception as error:  # noqa: BLE001
            self._prepare_problem = str(error)
        self._prepared.set()

    def _watch(self, running: Running) -> None:
        while self.running is running:
            facts = self.program.probe(running.output)
            if facts is not None:
                self.facts = facts
                return
            time.sleep(TICK_SECONDS)

    def advance(self) -> bool:
        """Look after the program once; say whether something changed."""
        if self.running is None:
            return self._advance_stopped()
        if self.running.process.poll() is not None:
            code = self.running.process.returncode
            self._failed(f"ended with code {code}")
            return True
        if self.ready:
            return False
        if self.facts is not None:
            self.ready = self.was_ready = True
            return True
        if time.monotonic() - self.begun > START_SECONDS_MAX:
            self._failed(f"was not ready after {START_SECONDS_MAX:.0f} s")
            return True
        return False

    def _advance_stopped(self) -> bool:
        if self._prepared is None:
            if time.monotonic() >= self.not_before:
                self.begin()
            return False
        if not self._prepared.is_set():
            return False
        self._prepared = None
        if self._prepare_problem:
            self._failed(self._prepare_problem)
            return True
        self.running = spawn(self.program, self.log)
        threading.Thread(target=self._watch, args=(self.running,), daemon=True).start()
        return True

    def _failed(self, problem: str) -> None:
        if self.ready and time.monotonic() - self.begun > CALM_SECONDS:
            self.failures = 0
        self.failures += 1
        pause = min(BACKOFF_SECONDS * 2 ** (self.failures - 1), BACKOFF_SECONDS_MAX)
        self.not_before = time.monotonic() + pause
        self.ready = False
        self.problem = problem
        if self.running is not None:
            # Its own children may have outlived it and may hold the port.
            stop_all([self.running])
            self.problem += "\n" + last_lines(self.running)
            self.running = None


def last_lines(running: Running, count: int = 15) -> str:
    """Return the end of what a program wrote, for a message."""
    return "\n".join(f"    {line}" for line in running.output.text().splitlines()[-count:])


class Supervisor:
    """Looks after the programs of one data folder; use it from one thread."""

    def __init__(self, data: Path, state: State, say: Callable[[str], None]) -> None:
        self._data = data
        self._state = state
        self._say = say
        self._watched: dict[str, Watched] = {}
        self._stages: list[list[str]] = []
        self.stopping = False
        self.interruptible = False
        state.supervisor = identify(os.getpid()) or Identity(os.getpid(), -1)
        self._save()

    def ask_to_stop(self, *_: object) -> None:
        """Stop soon; a signal handler. Raises StopAsked within a step marked as interruptible."""
        self.stopping = True
        if self.interruptible:
            self.interruptible = False
            raise StopAsked

    def start(self, programs: Iterable[Program]) -> None:
        """Begin to start these programs side by side; they will stop before earlier ones."""
        stage = []
        for program in programs:
            log = self._data / "logs" / f"{program.name}.log"
            rotate(log)
            watched = Watched(program, log)
            self._watched[program.name] = watched
            stage.append(program.name)
            watched.begin()
        self._stages.append(stage)
        self.tick()

    def facts(self, name: str) -> str:
        """Return what a ready program announced."""
        return self._watched[name].facts or ""

    def tick(self) -> None:
        """Look after every program once, and tell of changes."""
        changed = False
        for watched in self._watched.values():
            was_ready, failures = watched.was_ready, watched.failures
            if not watched.advance():
                continue
            changed = True
            if watched.ready:
                self._say(_ready_line(watched, again=was_ready))
            elif watched.failures > failures and watched.was_ready:
                self._say(f"{watched.program.name} {watched.problem.splitlines()[0]}; restarting")
        if changed:
            self._save()

    def wait(self, names: Iterable[str] | None = None) -> None:
        """Return once these programs (all, without names) are ready or a stop is asked for.

        Raises StartFailed when one of all programs failed ATTEMPTS_MAX times.
        """
        wanted = [self._watched[name] for name in (names if names is not None else self._watched)]
        while not self.stopping and not all(one.ready for one in wanted):
            for one in self._watched.values():
                if one.failures >= ATTEMPTS_MAX and not one.was_ready:
                    raise StartFailed(
                        f"{one.program.name} {one.problem}\n    (whole log: {one.log})"
                    )
            time.sleep(TICK_SECONDS)
            self.tick()

    def run(self) -> None:
        """Look after the programs until a stop is asked for."""
        while not self.stopping:
            time.sleep(IDLE_SECONDS)
            self.tick()

    def stop(self) -> None:
        """Stop everything: the latest stage first, the programs of a stage side by side."""
        for stage in reversed(self._stages):
            running = [self._watched[name].running for name in stage]
            stop_all([one for one in running if one is not None])
            for name in stage:
                self._watched[name].running = None
        self._stages = []
        self._watched = {}
        self._state.supervisor = None
        self._save()

    def _save(self) -> None:
        self._state.processes = {
            name: Entry(
                pid=one.running.identity.pid,
                born=one.running.identity.born,
                port=one.program.port,
                ready=one.ready,
                stop_signal=one.program.stop_signal.name,
            )
            for name, one in self._watched.items()
            if one.running is not None
        }
        states.save(self._data, self._state)


def _ready_line(watched: Watched, *, again: bool) -> str:
    seconds = time.monotonic() - watched.begun
    place = f"  127.0.0.1:{watched.program.port}" if watched.program.port else ""
    word = "again" if again else "ready"
    return f"{watched.program.name:<12}{word} {seconds:5.1f} s{place}"
