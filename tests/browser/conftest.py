"""A running copy of the product with demo data, and a Chromium that finds only this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.eyes import CHROMIUM, Copy, chromium
from infra.embedded.processes import spawn, stop_all
from infra.embedded.programs import Program, answering, unused_port
from kernel.language import LANGUAGES
from tests.fixtures import pseudo

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 400
WEB_SECONDS_MAX = 90


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a whole stack with demo brokerages, stopped when no test needs it any more.

    MARQUE_BROWSER_DATA names a copy that runs already: it is used and left running.
    """
    if not CHROMIUM.exists():
        pytest.skip("no Chromium on this machine")
    if running := os.environ.get("MARQUE_BROWSER_DATA"):
        yield Path(running)
        return
    folder = tmp_path_factory.mktemp("copy")
    services = ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT_URL", "SMTP_URL", "SMS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in services}
    environment |= {"MARQUE_DATA": str(folder), "MARQUE_PORT": str(unused_port())}
    command = [sys.executable, "-m", "entrypoints.cli"]
    up = [*command, "up", "--detach", "--scale", "0.02"]
    try:
        told = subprocess.run(
            up, check=False, env=environment, cwd=ROOT, timeout=START_SECONDS_MAX,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if told.returncode:
            raise RuntimeError(f"the copy did not start:\n{told.stdout[-3000:]}")
        yield folder
    finally:
        subprocess.run(
            [*command, "down"], check=False, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL
        )


@pytest.fixture(scope="package")
def copy(data: Path) -> Copy:
    """Where the copy listens and who may sign in."""
    return Copy.of(data)


@pytest.fixture(scope="module")
def bracketed_copy(
    data: Path, copy: Copy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copy]:
    """The running copy by another web process of it, which reads bracketed texts."""
    folder = tmp_path_factory.mktemp("bracketed")
    pseudo.write(folder / "texts", *LANGUAGES)
    port = unused_port()
    kept: dict[str, str] = json.loads((data / "environment.json").read_text())
    command = (sys.executable, "-m", "tests.browser.bracketed_web", str(folder / "texts"))
    web = Program(
        name="web",
        command=(*command, str(port)),
        probe=answering(port, "/readyz"),
        environment={**kept, "MARQUE_PORT": str(port)},
    )
    running = spawn(web, folder / "web.log")
    try:
        deadline = time.monotonic() + WEB_SECONDS_MAX
        while web.probe(running.output) is None:
            if running.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"it did not start: {running.output.text()[-3000:]}")
            time.sleep(0.1)
        yield replace(copy, port=port)
    finally:
        stop_all([running])


# No wider than a module: while Playwright lives, its event loop runs in this thread, and no
# coroutine test could run beside it in the same worker.
@pytest.fixture(scope="module")
def eyes() -> Iterator[Browser]:
    """The browser itself; each test opens contexts of its own."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium on this machine")
    with chromium() as browser:
        yield browser
