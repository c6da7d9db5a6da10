"""Looking at a page as a role sees it: somebody who stands in, and may never more than the looker.

What is shown is read with the stand-in; what is recorded is recorded of who really looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from identity import queries, role_changes, role_rules
from kernel.database import TenantSession
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.viewer import Viewer


@dataclass(frozen=True)
class StandIn:
    """A role as a viewer: `viewer` has what the role and the looker both may do.

    `person` names whose records the scope own means; empty when nobody holds the role.
    """

    viewer: Viewer
    role: str
    title: str
    person: str

    @property
    def words(self) -> str:
        """Say on the page that this is a preview, and of what."""
        whose = f", held by {self.person}" if self.person else ", which nobody holds yet"
        return f"You see this page as {self.title}{whose}. Nothing can be changed here."


async def stand_in(
    session: TenantSession, looker: Viewer, *, role: str, person_id: UUID | None
) -> StandIn:
    """Return who stands in for a role; raise NotFound for a role or a holder that there is not."""
    title = (await role_changes.titles(session)).get(role)
    holders = [who for who, one in await queries.holders_of_roles(session) if one == role]
    if title is None or (person_id is not None and person_id not in holders):
        raise NotFound
    chosen = person_id or (holders[0] if holders else None)
    names = await queries.names_of(session, [chosen] if chosen else [])
    grants = role_rules.seen_by_both(
        await queries.grants_of_role(session, role),
        looker.grants,
        same_person=chosen == looker.id,
    )
    viewer = Viewer(
        kind="staff",
        id=chosen or uuid7(),
        name=names[chosen] if chosen else title,
        email="",
        roles=frozenset({role}),
        grants=grants,
        looks=looker.looks,
        language=looker.language,
    )
    return StandIn(viewer, role, title, names[chosen] if chosen else "")
