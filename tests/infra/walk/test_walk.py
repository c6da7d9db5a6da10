"""The whole walk on a fresh copy: green, repeatable, side by side, and red when it must be."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.programs import unused_port
from infra.walk.surroundings import Surroundings

START_SECONDS_MAX = 300
PATIENCE = "60"


def marque(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    """Run the product's command on a data folder and return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", *arguments],
        env={**os.environ, "MARQUE_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        check=False,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running copy with a small demo, on ports of its own."""
    folder = tmp_path_factory.mktemp("walk") / "data"
    folder.mkdir()
    try:
        arguments = ("--port", str(unused_port()), "--scale", "0.005", "--detach")
        started = marque("up", *arguments, data=folder)
        assert started.returncode == 0, started.stdout + started.stderr
        yield folder
    finally:
        marque("down", data=folder)


def walk(data: Path, *tenants: str) -> tuple[int, str]:
    """Walk through these tenants at once and return exit code and output."""
    chosen = [word for slug in tenants for word in ("--tenant", slug)]
    ended = subprocess.run(
        [sys.executable, "-m", "infra.walk", "--patience", PATIENCE, *chosen],
        env={**os.environ, "MARQUE_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def spread(data: Path, points: int) -> None:
    """Give the standard group other points of extra spread, without telling the product."""
    server = Surroundings.of(data).server()
    group = "real\\meridian\\STD-USD"
    server.operate("group", {"group": group, "path": "EURUSD", "spread_diff": points})


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_the_walk_is_green_again_and_again_and_red_for_one_point(data: Path) -> None:
    """Two tenants at once, then one again; a point more on the server alone turns it red."""
    code, told = walk(data, "meridian", "noor")
    assert code == 0, told
    assert " 0 failed, " in told.splitlines()[-1]
    spread(data, 11)
    code, told = walk(data, "meridian")
    assert code == 1, told
    assert "11 points on the server" in told
    assert told.splitlines()[-1].startswith("walk: 25 steps, 1 failed, ")
    spread(data, 10)
    code, told = walk(data, "meridian")
    assert code == 0, told


def test_without_a_running_copy_the_walk_says_what_to_do(tmp_path: Path) -> None:
    """Exit code 2, and the folder that was looked into."""
    code, told = walk(tmp_path, "meridian")
    assert code == 2
    assert "make up" in told
