"""Lets a process load its code while the supervisor still prepares the database.

With MARQUE_START_GATE set, a process waits for that file before it touches anything.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_PAUSE_SECONDS = 0.02


def wait() -> None:
    """Return once the gate is open, or at once where there is none."""
    gate = os.environ.get("MARQUE_START_GATE")
    while gate and not Path(gate).exists():
        time.sleep(_PAUSE_SECONDS)
