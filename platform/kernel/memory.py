"""Keeps Python's cycle collector away from what a process made while it started.

A started process holds some hundred thousand objects of modules, mappings and routes for ever.
A full collection walks them all, for tens of milliseconds in the middle of somebody's request.
"""

from __future__ import annotations

import gc

# New objects until a young collection, and such collections until an older one.
_THRESHOLDS = (10_000, 20, 50)


def settle() -> None:
    """Take everything made so far out of the collector's sight; call it once, when started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
