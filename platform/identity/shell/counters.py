"""Counters beside links of the navigation: how much waits for the viewer, and how much is late.

A room offers a `Counter` whose statement counts; all that a viewer may see are asked for in one
round trip, at every page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select

from identity.shell import queries
from kernel.database import TenantSession
from kernel.viewer import Viewer


@dataclass(frozen=True)
class Counter:
    """What waits behind a link; `build` returns a statement of one row: all, and late ones."""

    href: str
    permission: str
    build: Callable[[Viewer], Select[int, int]]


async def waiting(
    session: TenantSession, counters: Sequence[Counter], viewer: Viewer
) -> dict[str, tuple[int, int]]:
    """Return by address how much waits and how much of it is late; what is empty is left out."""
    wanted = [(one.href, one.build(viewer)) for one in counters if viewer.may(one.permission)]
    if not wanted:
        return {}
    found = await queries.counts(session, wanted)
    return {href: numbers for href, numbers in found.items() if numbers[0]}


TASKS = Counter("/tasks", "identity.task.read", lambda viewer: queries.waiting_tasks(viewer.id))
