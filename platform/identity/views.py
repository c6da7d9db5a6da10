"""Saved views: a list's search, filters, order and columns under a name, for one or for all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from identity import audit, queries
from identity.models import SavedView
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.viewer import Viewer
from kernel.web.table import State

NAME_MAX = 40
_MOST = 30
_QUERY_MAX = 1000


async def save(
    session: TenantSession, *, viewer: Viewer, state: State, name: str, shared: bool
) -> None:
    """Keep a list's state under a name; the same name of the same person is replaced.

    A shared view is offered to everybody who may open the list, and shows each of them only
    what their own scope allows. Raise InvalidInput for a name or a state that can't be kept.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX:
        raise InvalidInput({"name": f"Give the view a name of at most {NAME_MAX} characters."})
    if "\x00" in name:
        raise InvalidInput({"name": "A name holds letters, digits and signs."})
    if len(state.written) > _QUERY_MAX:
        raise InvalidInput({"name": "This view has too much in its filters to be kept."})
    own = await queries.own_views_for_update(
        session, list_name=state.table.name, owner_id=viewer.id
    )
    view = next((one for one in own if one.name.lower() == name.lower()), None)
    if view is None:
        if len(own) >= _MOST:
            raise InvalidInput({"name": f"You keep {_MOST} views of this list. Delete one first."})
        view = SavedView(list_name=state.table.name, owner_id=viewer.id, name=name)
        session.add(view)
    view.name, view.query, view.shared = name, state.written, shared
    await session.flush()
    after: dict[str, Any] = {"list": view.list_name, "shared": shared}
    audit.record(session, "identity.view.save", subject=("saved_view", view.id), after=after)


async def delete(session: TenantSession, *, viewer: Viewer, list_name: str, view_id: UUID) -> str:
    """Forget a view of one's own and return its name; raise NotFound for any other."""
    view = await queries.saved_view(session, view_id)
    if view is None or view.owner_id != viewer.id or view.list_name != list_name:
        raise NotFound
    name, shared = view.name, view.shared
    await session.delete(view)
    audit.record(
        session,
        "identity.view.delete",
        subject=("saved_view", view_id),
        before={"list": list_name, "shared": shared},
    )
    return name
