"""The stack starts, restarts, stops and cleans up; its programs are small fakes here."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded import state as states
from infra.embedded.processes import family
from infra.embedded.programs import free_port
from tests.infra.stacks import Stack, base_port, eventually, processes_of

FAKES = ("--only-fakes",)
LISTENING = ("web", "mt5", "psp")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack of fakes that is stopped at the end, whatever happens."""
    made = Stack(tmp_path / "data", base_port())
    yield made
    made.run("down")
    assert processes_of(made.data) == []


def test_a_detached_start_returns_when_all_is_ready(stack: Stack) -> None:
    """The command ends with success and the web answers; status says so too."""
    done = stack.run("up", "--detach", *FAKES)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"web at http://127.0.0.1:{stack.port}" in done.stdout
    assert stack.ask("/readyz") == "ok"
    shown = stack.run("status")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in ("web", "worker", "mt5", "psp"))


def test_the_processes_are_told_where_everything_is(stack: Stack) -> None:
    """The environment carries the simulators' announced addresses and a kept secret key."""
    stack.run("up", "--detach", *FAKES)

    assert stack.ask("/MARQUE_SIM_MT5_FINGERPRINT") == "sha256:ab12"
    ports = stack.state().ports
    allowed = ",".join(f"127.0.0.1:{ports[name]}" for name in ("mt5", "psp", "sms"))
    assert stack.ask("/MARQUE_EGRESS_ALLOW") == allowed
    key = stack.ask("/MARQUE_SECRET_KEY")
    assert len(key) == 64
    stack.run("down")
    stack.run("up", "--detach", *FAKES)
    assert stack.ask("/MARQUE_SECRET_KEY") == key
    assert (stack.data / "prepared").read_text() == "sha256:ab12\n" * 2
    assert (stack.data / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_moves_aside_and_the_choice_is_kept(stack: Stack, tmp_path: Path) -> None:
    """A second copy on the same port takes the next free ones, and finds them again."""
    neighbour = Stack(tmp_path / "neighbour", stack.port)
    try:
        stack.run("up", "--detach", *FAKES)
        done = neighbour.run("up", "--detach", *FAKES)

        assert f"Port {stack.port} is taken, so web moves to" in done.stdout
        ports = neighbour.state().ports
        used = [where[name] for where in (ports, stack.state().ports) for name in LISTENING]
        assert len(set(used)) == 6
        assert stack.ask("/MARQUE_DATA") == str(stack.data)
        assert neighbour.ask("/MARQUE_DATA") == str(neighbour.data)

        neighbour.run("down")
        assert stack.ask("/readyz") == "ok"
        neighbour.run("up", "--detach", *FAKES)
        assert neighbour.state().ports == ports
    finally:
        neighbour.run("down")


def test_a_second_start_leaves_the_running_stack_alone(stack: Stack) -> None:
    """It says that the stack runs, and no process is exchanged."""
    stack.run("up", "--detach", *FAKES)
    before = stack.state().processes

    again = stack.run("up", "--detach", *FAKES)

    assert again.returncode == 0
    assert "already runs" in again.stdout
    assert stack.state().processes == before


def test_a_crashed_process_is_started_again(stack: Stack) -> None:
    """A worker killed while running comes back under a new process id."""
    stack.run("up", "--detach", *FAKES)
    before = stack.state().processes["worker"]

    os.kill(before.pid, signal.SIGKILL)

    def again() -> bool:
        now = stack.state().processes.get("worker")
        return now is not None and now.pid != before.pid and now.ready

    eventually(again)
    assert family(before.identity) == []
    assert stack.ask("/readyz") == "ok"


def test_a_crash_during_the_start_is_tried_again(stack: Stack) -> None:
    """One failure of a process does not fail the start."""
    done = stack.run("up", "--detach", "--crash", *FAKES)

    assert done.returncode == 0, done.stdout
    assert (stack.data / "crashed").exists()


def test_a_process_that_never_starts_fails_the_start_with_its_own_words(stack: Stack) -> None:
    """The reason is shown, the exit code is 1 and nothing is left running."""
    done = stack.run("up", "--detach", "--fail", *FAKES)

    assert done.returncode == 1
    assert "Start failed: worker ended with code 1" in done.stdout
    assert "the database is on fire" in done.stdout
    assert processes_of(stack.data) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_quickly(stack: Stack, number: signal.Signals) -> None:
    """Also a grandchild that ignores SIGTERM; the exit code is 0."""
    process = stack.start(*FAKES)
    begun = time.monotonic()

    process.send_signal(number)

    process.communicate(timeout=10)
    assert process.returncode == 0
    assert time.monotonic() - begun < 6
    assert processes_of(stack.data) == []
    assert stack.run("status").returncode == 3


def test_a_stop_is_heard_while_migrations_run(stack: Stack) -> None:
    """Ctrl-C during a long preparation does not wait for its end."""
    stack.run("up", "--detach", *FAKES)
    stack.run("down")
    process_options = ("--prepare-seconds", "50", *FAKES)
    begun = time.monotonic()
    process = subprocess.Popen(
        stack.command("up", *process_options),
        env=stack.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    # The services are there, so that the preparation runs; the rest loads its code meanwhile.
    eventually(lambda: sum(one.ready for one in stack.state().processes.values()) >= 2)
    time.sleep(0.3)

    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=10)
    assert process.returncode == 0, output
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("verb", ["up", "down"])
def test_a_killed_supervisor_leaves_nothing_for_long(stack: Stack, verb: str) -> None:
    """After kill -9 the next start or stop ends every process of the earlier run."""
    stack.run("up", "--detach", *FAKES)
    state = stack.state()
    assert state.supervisor is not None
    earlier = [one.identity for one in state.processes.values()]

    os.kill(state.supervisor.pid, signal.SIGKILL)
    done = stack.run(verb, *(("--detach", *FAKES) if verb == "up" else ()))

    assert done.returncode == 0, done.stdout + done.stderr
    assert [one for identity in earlier for one in family(identity)] == []
    if verb == "up":
        assert stack.ask("/readyz") == "ok"


def test_a_process_id_given_to_somebody_else_is_not_touched(stack: Stack) -> None:
    """A recorded id whose birth differs names a stranger: it survives a clean-up."""
    stranger = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    stack.data.mkdir()
    state = states.State(boot=states.boot())
    state.processes["web"] = states.Entry(stranger.pid, 1, None, True, "SIGTERM")
    states.save(stack.data, state)

    stack.run("down")

    assert stranger.poll() is None
    stranger.kill()
    stranger.communicate()


def test_ports_go_upward_from_the_wanted_one() -> None:
    """A port named as taken is skipped even though nobody listens there."""
    first = base_port()

    assert free_port(first, taken={first}) > first
