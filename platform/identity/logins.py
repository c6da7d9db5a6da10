"""The first people of a brokerage: passwords are made at the first start and kept beside the data.

The file stands in MARQUE_DATA with mode 0600 and is what `marque up` prints its table from;
the database holds only hashes.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_WORDS = (
    *("amber", "anchor", "basin", "birch", "cedar", "cobalt", "coral", "delta", "ember", "fjord"),
    *("garnet", "harbor", "indigo", "jasper", "kelp", "lagoon", "linden", "maple", "meadow"),
    *("nectar", "onyx", "orchid", "pebble", "pine", "quartz", "raven", "saffron", "slate"),
    *("spruce", "summit", "thistle", "topaz", "tundra", "umber", "velvet", "willow", "zephyr"),
)


@dataclass(frozen=True)
class Login:
    """Who may sign in, as what, with which password."""

    role: str
    name: str
    email: str
    password: str


def keep(data: Path, group: str, wanted: list[tuple[str, str, str]]) -> list[Login]:
    """Return the logins of a group (a tenant's slug, or `console`), made when first asked.

    `wanted` holds (role, name, e-mail) triples; passwords that exist are kept.
    """
    with _locked(data) as file:
        known: dict[str, dict[str, str]] = json.loads(file.read() or "{}")
        passwords = known.setdefault(group, {})
        for _, _, email in wanted:
            passwords.setdefault(email, _passphrase())
        file.seek(0)
        file.truncate()
        json.dump(known, file, indent=1)
    return [Login(role, name, email, passwords[email]) for role, name, email in wanted]


def known(data: Path) -> dict[str, dict[str, str]]:
    """Return every kept password by group and address."""
    with _locked(data) as file:
        found: dict[str, dict[str, str]] = json.loads(file.read() or "{}")
        return found


@contextmanager
def _locked(data: Path) -> Iterator[IO[str]]:
    data.mkdir(parents=True, exist_ok=True)
    handle = os.open(data / "logins.json", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _passphrase() -> str:
    return "-".join(secrets.choice(_WORDS) for _ in range(3)) + f"-{secrets.randbelow(9000) + 1000}"
