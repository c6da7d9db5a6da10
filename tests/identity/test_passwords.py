"""What a password's hash costs in a process of the product."""

from __future__ import annotations

import subprocess
import sys

_ASK = (
    "import asyncio; from identity import passwords;"
    "print(asyncio.run(passwords.hashed('Quiet-harbour-41')), passwords._NOBODY)"
)


def test_a_hash_costs_what_owasp_asks_for_whoever_it_is_of() -> None:
    """Two passes over 19 MiB, for somebody who is not there as well; tests alone pay less."""
    made = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    assert [one.rpartition("$")[0].rpartition("$")[0] for one in made.stdout.split()] == [
        "$argon2id$v=19$m=19456,t=2,p=1"
    ] * 2
