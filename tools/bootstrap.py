"""Sets up .venv and the front end from the machine's own python3 and pip.

Usage: python3 tools/bootstrap.py runtime|dev

Standard library only, because it runs before anything is installed. A second run finds its
stamps and does nothing. Packages come from wherever the machine's pip and npm are set to look,
and each must have a hash of the lock files.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "marque-packages.json"
LOCKS = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
SETUP_LOCK = "requirements-setup.lock"
SOURCE_ROOTS = (ROOT, ROOT / "platform")
COMMAND = """#!/bin/sh
'''exec' '{python}' "$0" "$@"
' '''
import sys

from entrypoints.cli import main

sys.exit(main())
"""


class SetupFailed(Exception):
    """The set-up cannot go on; the text says what to do."""


def main(arguments: list[str]) -> int:
    """Sets up the wanted profile; returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the machine's python3 may be any
        print("Marque needs Python 3.11 or newer: make PYTHON=/path/to/python3.11", file=sys.stderr)
        return 1
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with one_at_a_time():
            install_packages(arguments[0])
            install_front_end(arguments[0])
    except SetupFailed as failure:
        print(f"set-up failed: {failure}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds a lock on this folder, so that two commands do not install over each other."""
    folder = os.open(Path(__file__).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def install_packages(profile: str) -> None:
    """Brings .venv to the lock file of the profile; dev serves for runtime too."""
    wanted = {name: digest(ROOT / lock) for name, lock in LOCKS.items()}
    stamp = read_stamp()
    moved = stamp.get("root", str(ROOT)) != str(ROOT)
    serves = stamp.get("profile") in {profile, "dev"}
    if not moved and serves and stamp.get("locks") == wanted and interpreter_works():
        return
    if moved or (VENV.exists() and not interpreter_works()):
        shutil.rmtree(VENV)
    started = time.monotonic()
    if stamp.get("profile") == "dev":
        profile = "dev"
    say(f"installing the {profile} packages into .venv")
    STAMP.unlink(missing_ok=True)
    make_environment()
    run([uv(), "pip", "sync", "--require-hashes", "--quiet", "--compile-bytecode", LOCKS[profile]])
    write_entries()
    STAMP.write_text(json.dumps({"root": str(ROOT), "profile": profile, "locks": wanted}))
    say(f"packages ready after {time.monotonic() - started:.1f} s")


def make_environment() -> None:
    """Creates .venv and puts uv into it, when they are not there."""
    python = VENV / "bin/python"
    if not (VENV / "bin/pip").exists():
        run(
            [sys.executable, "-m", "venv", str(VENV)],
            hint="the venv module of python3 is needed (on Debian: apt-get install python3-venv)",
        )
    lock = ROOT / SETUP_LOCK
    done = VENV / "marque-setup.sha256"
    if not (VENV / "bin/uv").exists() or not done.exists() or done.read_text() != digest(lock):
        run([str(python), "-m", "pip", "install", "-qq", "--require-hashes", "-r", str(lock)])
        done.write_text(digest(lock))


def write_entries() -> None:
    """Puts the two source roots on the path and the `marque` command into .venv/bin."""
    packages = next(iter(sorted(VENV.glob("lib/python3*/site-packages"))))
    (packages / "marque.pth").write_text("".join(f"{root}\n" for root in SOURCE_ROOTS))
    command = VENV / "bin/marque"
    command.write_text(COMMAND.format(python=VENV / "bin/python"))
    command.chmod(0o755)


def install_front_end(profile: str) -> None:
    """Fetches the browser packages and copies what the pages need, in the new environment."""
    command = [str(VENV / "bin/python"), str(ROOT / "tools/frontend.py"), profile]
    if subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode:
        raise SetupFailed("the front end was not built, see above")


def uv() -> str:
    """The path of uv in .venv."""
    return str(VENV / "bin/uv")


def environment() -> dict[str, str]:
    """The environment for the tools we call: this machine's, pointed at .venv and at its index.

    uv does not read pip's configuration, so the index that pip is set to is handed on, unless
    uv has its own. UV_PYTHON is taken out: it would point uv at another interpreter.
    """
    values = {name: value for name, value in os.environ.items() if name != "UV_PYTHON"}
    values["VIRTUAL_ENV"] = str(VENV)
    values["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    own = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE")
    if not any(name in values for name in own) and not STAMP.exists():
        index = pip_index(values)
        if index:
            values["UV_DEFAULT_INDEX"] = index
    return values


def pip_index(values: dict[str, str]) -> str:
    """The package index that pip is configured to use, or nothing when it has its default."""
    command = [str(VENV / "bin/python"), "-m", "pip", "config", "list"]
    if not (VENV / "bin/pip").exists():
        return ""
    listed = subprocess.run(command, env=values, capture_output=True, text=True, check=False).stdout
    found = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        if name.endswith(".index-url"):
            found[name.split(".")[0]] = value.strip("'\"")
    return next((found[scope] for scope in (":env:", "install", "global") if scope in found), "")


def run(command: list[str], hint: str = "") -> None:
    """Runs a command in the checkout; raises SetupFailed with the hint when it fails."""
    if subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode:
        shown = " ".join([Path(command[0]).name, *command[1:]])
        raise SetupFailed(hint or f"`{shown}` failed, see above; then run the same command again")


def read_stamp() -> dict[str, object]:
    """What the last complete set-up installed; empty when there was none."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def interpreter_works() -> bool:
    """Whether the interpreter that .venv was made from is still installed."""
    return (VENV / "bin/python").exists()


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def say(text: str) -> None:
    """Tells the person at the terminal what takes time."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
