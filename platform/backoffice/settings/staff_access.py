"""How colleagues sign in: their second factors and sessions, and a reset for who lost theirs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import queries, role_changes, second_factor
from identity.models import UserAccount
from kernel.errors import Conflict, InvalidInput, NotFound
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other

_PERMISSION = "identity.second_factor.change"
_HOME = "/settings/access"
_REASON_MIN, _REASON_MAX = 5, 400


class OwnFactor(Conflict):
    """Nobody resets their own second factor: that would be a way around it."""

    code = "own_factor"
    message = "Change your own second factor on your page Security."


@get(_HOME, permission=_PERMISSION)
async def staff_access(request: Request[Any, Any, Any], session: Session) -> Response[Any]:
    """List active staff with their factors and where they are signed in."""
    known = await role_changes.titles(session)
    rows = [
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "roles": ", ".join(known.get(role, role) for role in held),
            "apps": len(await queries.authenticators(session, user.id)),
            "passkeys": len(await queries.passkeys(session, user.id)),
            "codes": await queries.recovery_codes_left(session, user.id),
            "sessions": await queries.open_sessions(session, user.id),
        }
        for user in await queries.staff(session)
        for held in [await queries.roles_of(session, user.id)]
    ]
    return await page(
        request, "backoffice/staff_access.html", title="Staff sign-in", active=_HOME, rows=rows
    )


@get("/settings/access/{user_id:uuid}/reset", permission=_PERMISSION)
async def show_reset(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, user_id: FromPath[UUID]
) -> Response[Any]:
    """Say what a reset means, and ask why; it needs a fresh proof of who asks."""
    user = await _colleague(session, viewer, user_id)
    second_factor.require_fresh(viewer)
    return await _form(request, user, form_state())


@post("/settings/access/{user_id:uuid}/reset", permission=_PERMISSION, status_code=200)
async def reset(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, user_id: FromPath[UUID]
) -> Response[Any]:
    """Remove a colleague's factors and end their sessions; they make a new one at the next."""
    user = await _colleague(session, viewer, user_id)
    second_factor.require_fresh(viewer)
    values = form_values(await request.form())
    reason = values.get("reason", "").replace("\x00", "")
    if not _REASON_MIN <= len(reason) <= _REASON_MAX:
        error = InvalidInput({"reason": "Say in a sentence how you know that it is them."})
        form = form_state(values, error.fields, error.text)
        return await _form(request, user, form, status=error.status)
    await second_factor.reset(session, user_id=user.id, reason=reason)
    text = f"{user.name} makes a new second factor at the next sign-in."
    return flash(request, see_other(_HOME), text)


async def _colleague(session: Session, viewer: Seen, user_id: UUID) -> UserAccount:
    """Return another member of staff; raise NotFound or OwnFactor."""
    user = await queries.user(session, user_id)
    if user is None or user.kind != "staff":
        raise NotFound
    if user.id == viewer.id:
        raise OwnFactor
    return user


async def _form(
    request: Request[Any, Any, Any],
    user: UserAccount,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    return await page(
        request,
        "backoffice/staff_access_reset.html",
        title=f"Reset the second factor of {user.name}?",
        active=_HOME,
        status=status,
        form=form,
        user=user,
        home=_HOME,
    )


ROUTES: list[HTTPRouteHandler] = [staff_access, show_reset, reset]
