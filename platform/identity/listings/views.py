"""Saved views: a list's search, filters, order and columns under a name, for one or for all.

Each person pins views as tabs, in an order of their own, and may have the list open with one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete as delete_from

from identity import audit
from identity.listings import queries
from identity.models import SavedView, ViewPin
from kernel.database import TenantSession
from kernel.errors import InvalidInput, NotFound
from kernel.viewer import Viewer
from kernel.web.table import State

NAME_MAX = 40
PINS_MAX = 6
_MOST = 30
_QUERY_MAX = 1000


class Offered(NamedTuple):
    """A view as a list offers it to one person; `position` is its place among their tabs."""

    id: str
    name: str
    query: str
    shared: bool
    own: bool
    position: int | None = None
    first: bool = False


async def offered(session: TenantSession, *, list_name: str, viewer_id: UUID) -> list[Offered]:
    """Return the views somebody is offered, by name: their own and the shared."""
    rows = await queries.saved_views(session, list_name=list_name, viewer_id=viewer_id)
    return [
        Offered(
            str(view.id),
            view.name,
            view.query,
            shared=view.shared,
            own=view.owner_id == viewer_id,
            position=pin.position if pin else None,
            first=bool(pin and pin.first),
        )
        for view, pin in rows
    ]


async def save(
    session: TenantSession,
    *,
    viewer: Viewer,
    state: State,
    name: str,
    shared: bool,
    pinned: bool = False,
) -> None:
    """Keep a list's state under a name; the same name of the same person is replaced.

    A shared view is offered to everybody who may open the list, and shows each of them only
    what their own scope allows. Raise InvalidInput for a name or a state that can't be kept.
    """
    name = _checked(name)
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
    if pinned:
        await _pin(session, viewer, view)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX:
        raise InvalidInput({"name": f"Give the view a name of at most {NAME_MAX} characters."})
    if "\x00" in name:
        raise InvalidInput({"name": "A name holds letters, digits and signs."})
    return name


async def change(
    session: TenantSession,
    *,
    viewer: Viewer,
    list_name: str,
    view_id: UUID,
    verb: str,
    name: str = "",
) -> str:
    """Do one of `pin`, `unpin`, `earlier`, `later`, `first`, `unfirst`, `rename`, `delete`.

    Return what happened, in words. Only the owner renames and deletes; the others concern
    nobody but the viewer. Raise NotFound for a view that is not offered on this list.
    """
    view = await queries.saved_view(session, view_id)
    if view is None or view.list_name != list_name:
        raise NotFound
    if view.owner_id != viewer.id and (verb in ("rename", "delete") or not view.shared):
        raise NotFound
    if verb == "rename":
        return await _rename(session, viewer, view, name)
    if verb not in _VERBS:
        raise NotFound
    return await _VERBS[verb](session, viewer, view)


async def _rename(session: TenantSession, viewer: Viewer, view: SavedView, name: str) -> str:
    name = _checked(name)
    own = await queries.own_views_for_update(session, list_name=view.list_name, owner_id=viewer.id)
    if any(one.name.lower() == name.lower() and one.id != view.id for one in own):
        raise InvalidInput({"name": "You have a view of this name. Choose another one."})
    view.name = name
    audit.record(session, "identity.view.rename", subject=("saved_view", view.id))
    return f"The view is called “{name}” now."


async def _delete(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    del viewer
    await session.execute(delete_from(ViewPin).where(ViewPin.view_id == view.id))
    await session.delete(view)
    audit.record(
        session,
        "identity.view.delete",
        subject=("saved_view", view.id),
        before={"list": view.list_name, "shared": view.shared},
    )
    return f"The view “{view.name}” is deleted."


async def _pins(session: TenantSession, viewer: Viewer, view: SavedView) -> Sequence[ViewPin]:
    """Return the viewer's pins of the list in order, locked; with one of the view itself."""
    pins = list(
        await queries.view_pins_for_update(session, list_name=view.list_name, owner_id=viewer.id)
    )
    if not any(pin.view_id == view.id for pin in pins):
        pin = ViewPin(
            owner_id=viewer.id,
            view_id=view.id,
            list_name=view.list_name,
            position=None,
            first=False,
        )
        session.add(pin)
        pins.append(pin)
    return pins


def _own(pins: Sequence[ViewPin], view: SavedView) -> ViewPin:
    return next(pin for pin in pins if pin.view_id == view.id)


def _ordered(pins: Sequence[ViewPin]) -> list[ViewPin]:
    placed = [pin for pin in pins if pin.position is not None]
    return sorted(placed, key=lambda pin: pin.position or 0)


def _number(pins: Sequence[ViewPin]) -> None:
    for place, pin in enumerate(pins, 1):
        pin.position = place


async def _pin(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    pins = await _pins(session, viewer, view)
    own, placed = _own(pins, view), _ordered(pins)
    if own.position is None:
        if len(placed) >= PINS_MAX:
            raise InvalidInput({"name": f"{PINS_MAX} views are pinned. Unpin one first."})
        _number([*placed, own])
    return f"“{view.name}” is a tab of this list now."


async def _unpin(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    pins = await _pins(session, viewer, view)
    _own(pins, view).position = None
    _number(_ordered(pins))
    return f"“{view.name}” is no tab any more."


async def _move(session: TenantSession, viewer: Viewer, view: SavedView, way: int) -> str:
    placed = _ordered(await _pins(session, viewer, view))
    at = next((place for place, pin in enumerate(placed) if pin.view_id == view.id), None)
    if at is not None and 0 <= at + way < len(placed):
        placed[at], placed[at + way] = placed[at + way], placed[at]
        _number(placed)
    return f"“{view.name}” is moved."


async def _earlier(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    return await _move(session, viewer, view, -1)


async def _later(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    return await _move(session, viewer, view, 1)


async def _first(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    pins = await _pins(session, viewer, view)
    for pin in pins:
        pin.first = False
    await session.flush()
    _own(pins, view).first = True
    return f"The list opens with “{view.name}” from now on."


async def _unfirst(session: TenantSession, viewer: Viewer, view: SavedView) -> str:
    _own(await _pins(session, viewer, view), view).first = False
    return "The list opens with everything again."


_VERBS: dict[str, Callable[[TenantSession, Viewer, SavedView], Awaitable[str]]] = {
    "delete": _delete,
    "pin": _pin,
    "unpin": _unpin,
    "earlier": _earlier,
    "later": _later,
    "first": _first,
    "unfirst": _unfirst,
}
