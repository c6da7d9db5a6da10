"""Hot path: counters beside links of the navigation, what waits for the viewer and what is late.

A room offers a `Counter` whose statement counts; all that a viewer may see are asked for in one
round trip, at every page of staff. So each combination of counters is put together and compiled
once, and goes to the driver as it is, with the viewer's id as its only value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Select, literal, select, union_all
from sqlalchemy.dialects.postgresql import asyncpg

from identity.shell import queries
from identity.shell.queries import VIEWER
from kernel.database import TenantSession, driver, tagged
from kernel.viewer import Viewer


@dataclass(frozen=True)
class Counter:
    """What waits behind a link; `build` returns a statement of one row: all, and late ones.

    The statement names the viewer by `queries.VIEWER`. It is told whether only the viewer's own
    count: so it is where the scope of the permission `scoped` is own.
    """

    href: str
    permission: str
    build: Callable[[bool], Select[int, int]]
    scoped: str = ""


async def waiting(
    session: TenantSession, counters: Sequence[Counter], viewer: Viewer
) -> dict[str, tuple[int, int]]:
    """Return by address how much waits and how much of it is late; what is empty is left out."""
    asked = tuple(
        (one, bool(one.scoped) and viewer.owner(one.scoped) is not None)
        for one in counters
        if viewer.may(one.permission)
    )
    if not asked:
        return {}
    sql, values = _compiled(asked)
    arguments = [viewer.id if name == VIEWER else value for name, value in values]
    rows = await (await driver(session)).fetch(tagged(session, sql), *arguments)
    return {href: (count, late) for href, count, late in rows if count}


@lru_cache(maxsize=256)
def _compiled(asked: tuple[tuple[Counter, bool], ...]) -> tuple[str, list[tuple[str, object]]]:
    """Return the statement of some counters and what goes into its places: names and values."""
    parts = [select(literal(one.href), *one.build(own).subquery().c) for one, own in asked]
    whole = union_all(*parts) if len(parts) > 1 else parts[0]
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
    compiled = whole.compile(dialect=dialect)
    constants = compiled.params
    return compiled.string, [(name, constants.get(name)) for name in compiled.positiontup or ()]


TASKS = Counter("/tasks", "identity.task.read", lambda _own: queries.waiting_tasks())
