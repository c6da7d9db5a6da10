"""The search of all rooms: one query, every source the viewer may use, a bounded time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from identity.shell.subjects import Catalogue, Hit, Query, Source
from kernel.database import OutOfPatience, TenantSession, patience
from kernel.log import logger
from kernel.viewer import Viewer

# One character finds everybody and helps nobody.
LENGTH_MIN = 2
# What all sources together, and any one of them, may take.
ALL_MILLISECONDS = 1200
ONE_MILLISECONDS = 400
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A hit as pages show it; without an address it is only told."""

    hit: Hit
    href: str


@dataclass(frozen=True, slots=True)
class Group:
    """What one source found; `more` says that there is more than is shown."""

    source: Source
    hits: Sequence[Shown]
    more: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found; `late` names the sources that took too long and were given up."""

    query: Query
    groups: Sequence[Group]
    late: Sequence[str] = ()

    @property
    def exact(self) -> str:
        """Where the one record is shown whose reference was typed; nothing when it is not one."""
        places = {
            shown.href
            for group in self.groups
            for shown in group.hits
            if shown.hit.exact and shown.href
        }
        return places.pop() if len(places) == 1 else ""

    @property
    def count(self) -> int:
        """How many hits are shown."""
        return sum(len(group.hits) for group in self.groups)


async def find(
    session: TenantSession, catalogue: Catalogue, *, viewer: Viewer, typed: str, limit: int
) -> Found:
    """Ask every source the viewer may use for at most `limit` records."""
    query = Query.read(typed)
    if len(query.text) < LENGTH_MIN:
        return Found(query, ())
    groups: list[Group] = []
    late: list[str] = []
    until = time.monotonic() + ALL_MILLISECONDS / 1000
    for source in catalogue.sources:
        if not viewer.may(source.permission):
            continue
        left = int((until - time.monotonic()) * 1000)
        if left < 1:
            late.append(source.label)
            continue
        try:
            async with patience(session, min(left, ONE_MILLISECONDS)):
                hits = await source.find(session, viewer, query, limit + 1)
        except OutOfPatience:
            _log.warning("search.late", operation=source.kind)
            late.append(source.label)
            continue
        if hits:
            shown = [Shown(hit, _href(catalogue, viewer, hit)) for hit in hits[:limit]]
            groups.append(Group(source, shown, more=len(hits) > limit))
    return Found(query, groups, late)


def _href(catalogue: Catalogue, viewer: Viewer, hit: Hit) -> str:
    return catalogue.href(viewer, *(hit.shown_as or (hit.kind, hit.id)))
