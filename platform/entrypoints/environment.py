"""The environment of a running copy, kept beside its data for the command line and the walk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from kernel.settings import SettingsError

_OURS = ("MARQUE_", "S3_", "DATABASE_URL", "REDIS_URL", "SMTP_URL", "SMS_URL")


def save(data: Path, environment: Mapping[str, str]) -> None:
    """Write what our processes are told into a file that only its owner reads."""
    kept = {name: value for name, value in environment.items() if name.startswith(_OURS)}
    handle = os.open(data / "environment.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(kept, file, indent=1)


def load(data: Path) -> dict[str, str]:
    """Return the environment of the copy in this folder, under what is set now.

    Raises SettingsError when neither the folder nor the environment says where things are.
    """
    path = data / "environment.json"
    if not path.exists() and "DATABASE_URL" not in os.environ:
        raise SettingsError("MARQUE_DATA", f"no copy runs from {data}; start it with `make up`")
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return {**kept, **os.environ}
