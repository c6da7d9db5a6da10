"""Who looks at a page or calls the API, and what their roles grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from kernel.actor import Actor, ActorKind

_SCOPE_ORDER = ("own", "desk", "branch", "subtree", "all")


@dataclass(frozen=True, slots=True)
class Looks:
    """How somebody wants pages to look, on whatever device.

    `theme` is system, light or dark; `density` compact, regular or loose; `sidebar` open or
    collapsed.
    """

    theme: str = "system"
    density: str = "regular"
    sidebar: str = "open"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person or an API key; `grants` maps a permission to its widest scope.

    `session` names the person's session by its hash, and `confirmed_at` says when they last
    proved in it who they are. `unread` counts the notifications that wait, at most 100 of them.
    `language` is what they chose to read, in two letters; empty when they never did.
    """

    kind: ActorKind
    id: UUID
    name: str
    email: str
    roles: frozenset[str] = frozenset()
    grants: Mapping[str, str] = field(default_factory=dict)
    session: bytes = field(default=b"", repr=False)
    confirmed_at: datetime | None = None
    looks: Looks = Looks()
    unread: int = 0
    language: str = ""

    def may(self, permission: str) -> bool:
        """Say whether any role grants the permission, in whatever scope."""
        return permission in self.grants

    def scope(self, permission: str) -> str:
        """Return the widest scope granted: own, desk, branch, subtree or all."""
        return self.grants.get(permission, "own")

    def owner(self, permission: str) -> UUID | None:
        """Return whose records alone a permission reaches, or None for everybody's.

        Desk and branch count as all for as long as a brokerage has one sales desk.
        """
        return self.id if self.scope(permission) == "own" else None

    def reaches(self, permission: str, owner_id: UUID | None) -> bool:
        """Say whether a permission is granted and reaches a record of that owner."""
        return self.may(permission) and self.owner(permission) in (None, owner_id)

    @property
    def actor(self) -> Actor:
        """The viewer as the audit trail names them."""
        return Actor(self.kind, self.id, self.name)

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        words = self.name.split() or ["?"]
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()


def widest(scopes: list[str]) -> str:
    """Return the widest of several scopes."""
    return max(scopes, key=_SCOPE_ORDER.index)
