"""Roles: the list, the matrix of what one may do, and roles of the brokerage's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import queries, role_changes, role_rules
from identity.role_rules import OFF, SCOPE_WORDS, Area
from identity.roles import OWNER, ROLES
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other

HOME = "/settings/roles"
READ, CHANGE = "identity.role.read", "identity.role.change"
FIELD = "grant."
_SCOPE_NAMES = {
    OFF: "Off",
    "own": "Own",
    "desk": "Desk",
    "branch": "Branch",
    "subtree": "Subtree",
    "all": "All",
}


@get(HOME, permission=READ)
async def role_list(
    request: Request[Any, Any, Any], session: Session, viewer: Seen
) -> Response[Any]:
    """List the roles with how many hold each, and the people with their roles."""
    known = await role_changes.titles(session)
    held = await queries.holders_of_roles(session)
    by_person: dict[Any, list[str]] = {}
    for user_id, role in held:
        by_person.setdefault(user_id, []).append(role)
    rows = []
    for role, title in known.items():
        grants = await queries.grants_of_role(session, role)
        rows.append(
            {
                "role": role,
                "title": title,
                "own": role not in ROLES,
                "people": sum(one == role for _, one in held),
                "permissions": len(grants),
                "unmasked": bool(role_rules.unmasked(grants, _permissions(request))),
            }
        )
    people = [
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "roles": [known.get(role, role) for role in by_person.get(user.id, [])],
            "self": user.id == viewer.id,
        }
        for user in await queries.staff(session)
    ]
    return await page(
        request,
        "backoffice/roles.html",
        title="Roles",
        active=HOME,
        rows=rows,
        people=people,
        may_change=viewer.may(CHANGE),
    )


@get(HOME + "/new", permission=CHANGE)
async def show_new(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """Show the form for a role of one's own, which begins as a copy."""
    source = request.query_params.get("source", "")
    return await _new(request, session, form_state({"source": source}))


@post(HOME + "/new", permission=CHANGE, status_code=200)
async def add(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Make a role that may do what another may; nobody holds it yet."""
    values = form_values(await request.form())
    try:
        role = await role_changes.copy(
            session, viewer, source=values.get("source", ""), title=values.get("title", "")
        )
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await _new(request, session, form, status=error.status)
    return flash(request, see_other(f"{HOME}/{role}"), "The role is made. Nobody holds it yet.")


@get(HOME + "/{role:str}", permission=READ)
async def show_role(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, role: FromPath[str]
) -> Response[Any]:
    """Show the matrix of one role; a search leaves the areas that it finds."""
    return await _role(request, session, viewer, role, form_state())


@post(HOME + "/{role:str}", permission=CHANGE, status_code=200)
async def send_role(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, role: FromPath[str]
) -> Response[Any]:
    """Take the matrix and lead to the page that says what it changes; nothing is saved here."""
    values = form_values(await request.form())
    before = await queries.grants_of_role(session, role)
    wanted = {
        key.removeprefix(FIELD): value for key, value in values.items() if key.startswith(FIELD)
    }
    known = role_rules.scopes(request.app.state.grants)
    bad = {
        FIELD + name: "Choose a scope of this list."
        for name, scope in wanted.items()
        if scope not in (OFF, *known.get(name, ()))
    }
    if bad:
        form = form_state(values, bad, "Some scopes can't be used.")
        return await _role(request, session, viewer, role, form, status=422)
    found = role_rules.changes(before, wanted, _permissions(request))
    if not found:
        return flash(request, see_other(f"{HOME}/{role}"), "Nothing was changed.", kind="warning")
    words = ",".join(f"{one.permission}:{one.after}" for one in found)
    return see_other(f"{HOME}/{role}/review?c={quote(words)}&seen={quote(values.get('seen', ''))}")


@post(HOME + "/{role:str}/name", permission=CHANGE, status_code=200)
async def rename(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, role: FromPath[str]
) -> Response[Any]:
    """Give an own role another title."""
    values = form_values(await request.form())
    try:
        await role_changes.rename(session, viewer, role=role, title=values.get("title", ""))
    except InvalidInput as error:
        form = form_state(values, error.fields, error.text)
        return await _role(request, session, viewer, role, form, status=error.status)
    return flash(request, see_other(f"{HOME}/{role}"), "The role is renamed.")


@post(HOME + "/{role:str}/delete", permission=CHANGE, status_code=200)
async def delete(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, role: FromPath[str]
) -> Response[Any]:
    """Delete an own role that nobody holds."""
    try:
        title = await role_changes.remove(session, viewer, role=role)
    except Conflict as error:
        return flash(request, see_other(f"{HOME}/{role}"), error.text, kind="warning")
    return flash(request, see_other(HOME), f"{title} is deleted.")


async def _role(
    request: Request[Any, Any, Any],
    session: Session,
    viewer: Viewer,
    role: str,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    title = (await role_changes.titles(session)).get(role)
    if title is None:
        raise NotFound
    grants = await queries.grants_of_role(session, role)
    held = await queries.holders_of_roles(session)
    permissions = _permissions(request)
    search = request.query_params.get("q", "").strip()[:40]
    areas = [
        area
        for area in role_rules.areas(permissions, request.app.state.grants)
        if _found(area, search)
    ]
    names = await queries.names_of(session, [who for who, one in held if one == role])
    return await page(
        request,
        "backoffice/role.html",
        title=title,
        active=HOME,
        status=status,
        role=role,
        own=role not in ROLES,
        form=form,
        matrix=_grouped(areas),
        actions=role_rules.ACTIONS,
        grants=grants,
        locked=role_rules.CORE if role == OWNER else (),
        openable=await _openable(session, viewer, request, role, own=viewer.id in names),
        version=role_rules.version(grants),
        people=sorted(names.values()),
        unmasked=role_rules.unmasked(grants, permissions),
        dangers=role_rules.dangers(grants),
        scope_names=_SCOPE_NAMES,
        scope_words=SCOPE_WORDS,
        search=search,
        may_change=viewer.may(CHANGE) and (role != OWNER or OWNER in viewer.roles),
    )


async def _openable(
    session: Session, viewer: Viewer, request: Request[Any, Any, Any], role: str, *, own: bool
) -> dict[str, set[str]]:
    """Return which scopes of which permissions this person may give; the others stand grey."""
    known: Mapping[str, tuple[str, ...]] = role_rules.scopes(request.app.state.grants)
    held = await queries.grants_of_person(session, viewer.id)
    first = role_rules.first_of_owner(request.app.state.grants)
    owner = OWNER in viewer.roles
    return {
        name: {
            scope
            for scope in scopes
            if role_rules.may_give(name, scope, held=held, owner=owner, oneself=own, first=first)
        }
        for name, scopes in known.items()
    }


async def _new(
    request: Request[Any, Any, Any], session: Session, form: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    known = await role_changes.titles(session)
    return await page(
        request,
        "backoffice/role_new.html",
        title="New role",
        active=HOME,
        status=status,
        form=form,
        sources=list(known.items()),
        home=HOME,
    )


def _grouped(areas: list[Area]) -> list[tuple[str, list[Area]]]:
    """Return the areas under their apps, in the order in which they come."""
    groups: dict[str, list[Area]] = {}
    for area in areas:
        groups.setdefault(area.app, []).append(area)
    return list(groups.items())


def _found(area: Area, search: str) -> bool:
    words = " ".join(
        [area.app, area.noun, *(f"{one.permission} {one.words}" for one in area.cells)]
    )
    return search.lower() in words.lower()


def _permissions(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = request.app.state.permissions
    return found


ROUTES: list[HTTPRouteHandler] = [role_list, show_new, add, show_role, send_role, rename, delete]
