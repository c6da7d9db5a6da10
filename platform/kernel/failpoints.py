"""Named points at which a test may kill the process, to prove that nothing is lost or doubled.

`MARQUE_FAILPOINT=name` ends the process at the first passage, `name:3` at the third.
Outside tests the variable is absent and a passage costs one dictionary look-up.
"""

from __future__ import annotations

import os
from collections import Counter

_wanted, _, _count = os.environ.get("MARQUE_FAILPOINT", "").partition(":")
_passages: Counter[str] = Counter()


def reach(name: str) -> None:
    """End the process as `kill -9` would, when this failpoint is the one asked for."""
    if name != _wanted:
        return
    _passages[name] += 1
    if _passages[name] == int(_count or 1):
        os._exit(137)
