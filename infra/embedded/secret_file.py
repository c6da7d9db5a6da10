"""The secrets that a first start makes up: MARQUE_DATA/secrets.json, readable by its owner only.

A copy of the data without this file cannot be opened, so a backup needs both.
"""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

DEMO_PASSWORDS = "demo_passwords"


def _manager_password() -> str:
    """Return a password with every kind of character that MT5 servers ask for."""
    return f"{secrets.token_hex(12)}Aa1-"


MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_hex(32),
    "postgres_password": lambda: secrets.token_hex(20),
    "valkey_password": lambda: secrets.token_hex(20),
    "s3_access_key": lambda: secrets.token_hex(10),
    "s3_secret_key": lambda: secrets.token_hex(20),
    "s3_encryption_key": lambda: secrets.token_hex(32),
    "s3_internal_key": lambda: secrets.token_hex(20),
    "simulator_mt5_password": _manager_password,
    "simulator_operator_token": lambda: secrets.token_hex(20),
}


def path_of(data: Path) -> Path:
    """Return where the secrets of this data folder are."""
    return data / "secrets.json"


def load(data: Path) -> dict[str, str]:
    """Return every secret, making up and keeping those that do not exist yet."""
    everything = _read(data)
    missing = [name for name in MAKERS if name not in everything]
    if missing:
        everything.update({name: MAKERS[name]() for name in missing})
        everything.setdefault(DEMO_PASSWORDS, {})
        _write(data, everything)
    return {name: str(everything[name]) for name in MAKERS}


def demo_passwords(data: Path) -> dict[str, str]:
    """Return the passwords of the demo's people: login name to password."""
    kept = _read(data).get(DEMO_PASSWORDS, {})
    return dict(kept) if isinstance(kept, dict) else {}


def _read(data: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(path_of(data).read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path_of(data)} is damaged: restore it from a backup. {error}") from None
    return found


def _write(data: Path, everything: dict[str, object]) -> None:
    draft = path_of(data).with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(everything, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path_of(data))
