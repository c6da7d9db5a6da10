"""What a room offers to do to many rows of a list at once.

An action works on records of one kind through the same verbs as a page of one record does, so
that trail, timeline and events are those of the single change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

from kernel.database import TenantSession
from kernel.declared import Declared
from kernel.viewer import Viewer

Values = Mapping[str, str]
Facts = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One thing to choose or type before the dry run."""

    name: str
    label: str
    kind: Literal["select", "text"] = "select"
    options: Sequence[tuple[str, str]] = ()
    help: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Record:
    """One row: `facts` are what the action changes, as JSON; `blocked` says why it can't."""

    id: UUID
    label: str
    facts: Facts
    blocked: str = ""


class Load(Protocol):
    """Reads records within the viewer's scope of the action, locked in the order of their ids."""

    async def __call__(
        self, session: TenantSession, viewer: Viewer, ids: Sequence[UUID], *, lock: bool
    ) -> list[Record]:
        """Return those that exist and that the viewer may change so."""
        ...


@dataclass(frozen=True, eq=False)
class Action(Declared):
    """A change to many rows.

    `check` raises InvalidInput for values that can't be; `target` is what the facts are
    afterwards; `apply` makes the change to one record, and `undo` gives it facts it had before.
    """

    name: str
    label: str
    icon: str
    permission: str
    fields: Callable[[TenantSession, Values], Awaitable[list[Field]]]
    check: Callable[[TenantSession, Values], Awaitable[None]]
    load: Load
    target: Callable[[Values], Facts]
    apply: Callable[[TenantSession, UUID, Values], Awaitable[object]]
    undo: Callable[[TenantSession, UUID, Facts], Awaitable[object]] | None = None
