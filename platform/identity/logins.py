"""The first people of a brokerage: passwords are made at the first start and kept beside the data.

The file stands in MARQUE_DATA with mode 0600 and is what `marque up` prints its table from;
the database holds only hashes. Demo people who must have a second factor have the secret of an
authenticator there too.
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

from identity import totp

_WORDS = (
    *("amber", "anchor", "basin", "birch", "cedar", "cobalt", "coral", "delta", "ember", "fjord"),
    *("garnet", "harbor", "indigo", "jasper", "kelp", "lagoon", "linden", "maple", "meadow"),
    *("nectar", "onyx", "orchid", "pebble", "pine", "quartz", "raven", "saffron", "slate"),
    *("spruce", "summit", "thistle", "topaz", "tundra", "umber", "velvet", "willow", "zephyr"),
)


@dataclass(frozen=True)
class Kept:
    """What is kept of a person: the password, and the authenticator's secret where there is one."""

    password: str
    authenticator: str = ""


@dataclass(frozen=True)
class Login(Kept):
    """Who may sign in, as what, with which password and authenticator."""

    role: str = ""
    name: str = ""
    email: str = ""


def keep(
    data: Path, group: str, wanted: list[tuple[str, str, str]], *, authenticator: bool = False
) -> list[Login]:
    """Return the logins of a group (a tenant's slug, or `console`), made when first asked.

    `wanted` holds (role, name, e-mail) triples; what exists is kept. `authenticator` gives each
    of them the secret of an authenticator as well.
    """
    with _locked(data) as file:
        known: dict[str, dict[str, dict[str, str]]] = json.loads(file.read() or "{}")
        people = known.setdefault(group, {})
        for _, _, email in wanted:
            person = people.setdefault(email, {"password": _passphrase()})
            if authenticator:
                person.setdefault("authenticator", totp.new_secret())
        file.seek(0)
        file.truncate()
        json.dump(known, file, indent=1)
    return [
        Login(role=role, name=name, email=email, **people[email]) for role, name, email in wanted
    ]


def known(data: Path) -> dict[str, dict[str, Kept]]:
    """Return everything that is kept, by group and address."""
    with _locked(data) as file:
        found: dict[str, dict[str, dict[str, str]]] = json.loads(file.read() or "{}")
    return {
        group: {email: Kept(**person) for email, person in people.items()}
        for group, people in found.items()
    }


@contextmanager
def _locked(data: Path) -> Iterator[IO[str]]:
    data.mkdir(parents=True, exist_ok=True)
    handle = os.open(data / "logins.json", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _passphrase() -> str:
    return "-".join(secrets.choice(_WORDS) for _ in range(3)) + f"-{secrets.randbelow(9000) + 1000}"
