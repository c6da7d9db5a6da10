"""A public client that nobody here wrote, npm's mt5-sdk, works against the simulator."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.mt5_simulator import ROOT, Mt5Simulator

SCRIPT = Path(__file__).with_name("mt5_sdk_deposit.js")
FOLDERS = [ROOT / "node_modules", *map(Path, os.environ.get("NODE_PATH", "").split(os.pathsep))]


def _run(simulator: Mt5Simulator, password: str) -> Any:
    node = shutil.which("node")
    if node is None or not any((folder / "mt5-sdk").is_dir() for folder in FOLDERS):
        if os.environ.get("CI") == "true":
            pytest.fail("node and npm's mt5-sdk are needed")
        pytest.skip("node and npm's mt5-sdk are not installed")
    # Its own TLS check is switched off by the client; node says so, for this process only.
    settings = {"MT5_API_PASSWORD": password, "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
    done = subprocess.run(
        [node, str(SCRIPT), str(simulator.port), str(simulator.manager)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_mt5_sdk_opens_an_account_and_deposits() -> None:
    """The server's own records hold one account and one deal of 250.75."""
    with Mt5Simulator() as simulator:
        answer = _run(simulator, simulator.password)
        users = simulator.records(id="xstranger")
        deals = simulator.records(comment="xstrangerdeposit")
    assert users["users"] == 1
    assert answer["user"]["Login"] == str(users["logins"][0])
    assert (deals["balance_deals"], deals["amounts"]) == (1, ["250.75"])
    assert answer["balance"]["Ticket"] == str(deals["tickets"][0])


def test_mt5_sdk_with_a_wrong_password_changes_nothing() -> None:
    """It sends its commands all the same; the server has neither account nor deal."""
    with Mt5Simulator() as simulator:
        answer = _run(simulator, "Wrong-Password1")
        records = simulator.operator("GET", "/_simulator/records")
    assert answer == {"user": None, "balance": None}
    assert (records["users"], records["deals"]) == (0, 0)
