"""Who holds which roles, and the page on which somebody chooses how to look on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice.settings.role_screens import CHANGE, HOME, READ
from identity import queries, role_changes, second_factor
from identity.models import UserAccount
from identity.shell import search
from identity.shell.parts import Parts
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, page, see_other

_PERSON = HOME + "/people/{user_id:uuid}"
_KINDS = ("client", "lead")
_MOST = 8


@get(_PERSON, permission=CHANGE)
async def show_person(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, user_id: FromPath[UUID]
) -> Response[Any]:
    """Show a colleague's roles to give and take; it needs a fresh proof of who asks."""
    user = await role_changes.colleague(session, viewer, user_id)
    second_factor.require_fresh(viewer)
    held = await queries.roles_of(session, user.id)
    return await _person(request, session, user, form_state(), chosen=held)


@post(_PERSON, permission=CHANGE, status_code=200)
async def set_roles(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, user_id: FromPath[UUID]
) -> Response[Any]:
    """Give and take a colleague's roles; they sign in again with the new ones."""
    user = await role_changes.colleague(session, viewer, user_id)
    second_factor.require_fresh(viewer)
    form = await request.form()
    chosen = [one for one in form.getall("roles", []) if isinstance(one, str)]
    reason = str(form.get("reason") or "").strip()
    try:
        warnings = await role_changes.set_roles(
            session,
            viewer,
            user_id=user.id,
            wanted=chosen,
            seen=[one for one in str(form.get("seen") or "").split(",") if one],
            reason=reason,
            grants=request.app.state.grants,
        )
    except role_changes.RoleMoved as error:
        state = form_state({"reason": reason}, message=error.text)
        held = await queries.roles_of(session, user.id)
        return await _person(request, session, user, state, chosen=held, status=error.status)
    except InvalidInput as error:
        state = form_state({"reason": reason}, error.fields, error.text)
        return await _person(request, session, user, state, chosen=chosen, status=error.status)
    text = f"The roles of {user.name} are saved. They sign in again."
    kind = "warning" if warnings else "positive"
    return flash(request, see_other(HOME), " ".join([text, *warnings]), kind=kind)


@get(HOME + "/view", permission=READ)
async def choose_view(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """Choose a role, one of its people, and the client or lead to look at as they do."""
    known = await role_changes.titles(session)
    role = request.query_params.get("role", "")
    typed = request.query_params.get("q", "")
    parts: Parts = request.app.state.shell
    found = await search.find(session, parts.catalogue, viewer=viewer, typed=typed, limit=_MOST)
    people: list[tuple[str, str]] = []
    if role in known:
        holders = [who for who, one in await queries.holders_of_roles(session) if one == role]
        names = await queries.names_of(session, holders)
        people = [(str(who), names[who]) for who in holders]
    return await page(
        request,
        "backoffice/role_view.html",
        title="View as a role",
        active=HOME,
        form=form_state(dict(request.query_params.items())),
        roles=list(known.items()),
        role=role if role in known else "",
        role_title=known.get(role, ""),
        people=people,
        person=request.query_params.get("person", ""),
        about=await _about(request, session, viewer),
        found=[hit for group in found.groups if group.source.kind in _KINDS for hit in group.hits],
        typed=found.query.text,
        home=HOME,
    )


async def _about(
    request: Request[Any, Any, Any], session: Session, viewer: Viewer
) -> tuple[str, str, str] | None:
    """Return kind, id and name of the record to look at, where the viewer may see it."""
    kind, _, number = request.query_params.get("about", "").partition(":")
    try:
        record_id = UUID(number)
    except ValueError:
        return None
    if kind not in _KINDS:
        return None
    parts: Parts = request.app.state.shell
    names = await parts.catalogue.named(session, viewer, [(kind, record_id)])
    name = names.get((kind, record_id))
    return (kind, str(record_id), name) if name else None


async def _person(
    request: Request[Any, Any, Any],
    session: Session,
    user: UserAccount,
    form: dict[str, Any],
    *,
    chosen: Sequence[str],
    status: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "backoffice/role_person.html",
        title=f"Roles of {user.name}",
        active=HOME,
        status=status,
        person=user,
        form=form,
        roles=list((await role_changes.titles(session)).items()),
        chosen=set(chosen),
        seen=",".join(await queries.roles_of(session, user.id)),
        home=HOME,
    )


ROUTES: list[HTTPRouteHandler] = [show_person, set_roles, choose_view]
