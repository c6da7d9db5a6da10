"""What a change of a role opens and closes, said in words, before it is saved."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from backoffice.settings.role_screens import CHANGE, HOME
from identity import role_changes, second_factor
from identity.role_changes import Plan
from identity.role_rules import OFF, SCOPE_WORDS, Change
from kernel.errors import InvalidInput
from kernel.viewer import Viewer
from kernel.web.inject import Seen, Session
from kernel.web.pages import flash, form_state, form_values, page, see_other

_PATH = HOME + "/{role:str}/review"
_LENGTH_MAX = 6000


@get(_PATH, permission=CHANGE)
async def show_review(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, role: FromPath[str]
) -> Response[Any]:
    """Say what the change opens and closes, for whom; it needs a fresh proof of who asks."""
    typed, seen = request.query_params.get("c", ""), request.query_params.get("seen", "")
    if not second_factor.is_fresh(viewer):
        # The whole address, so that nothing chosen is lost on the way.
        return see_other(f"/security/confirm?next={quote(_address(role, typed, seen), safe='')}")
    found = await _plan(request, session, viewer, role, typed)
    if not found.changes:
        return flash(request, see_other(f"{HOME}/{role}"), "Nothing was changed.", kind="warning")
    form, status = form_state(), 200
    if seen and seen != found.version:
        form, status = form_state(message=role_changes.RoleMoved.message), 409
    return await _review(request, found, form, typed=typed, status=status)


@post(_PATH, permission=CHANGE, status_code=200)
async def save(
    request: Request[Any, Any, Any], session: Session, viewer: Seen, role: FromPath[str]
) -> Response[Any]:
    """Save the change; whoever holds the role has it from their next request on."""
    values = form_values(await request.form())
    typed = values.get("c", "")
    try:
        if not second_factor.is_fresh(viewer):
            text = "Your proof is older than five minutes. Confirm again, then save."
            raise InvalidInput({}, text)
        found = await role_changes.change(
            session,
            viewer,
            role=role,
            wanted=_wanted(typed),
            seen=values.get("seen", ""),
            reason=values.get("reason", ""),
            permissions=request.app.state.permissions,
            grants=request.app.state.grants,
        )
    except (InvalidInput, role_changes.RoleMoved) as error:
        form = form_state(values, error.fields, error.text)
        found = await _plan(request, session, viewer, role, typed)
        return await _review(request, found, form, typed=typed, status=error.status)
    return flash(request, see_other(f"{HOME}/{role}"), f"{found.title} is changed.")


async def _plan(
    request: Request[Any, Any, Any], session: Session, viewer: Viewer, role: str, typed: str
) -> Plan:
    return await role_changes.plan(
        session,
        viewer,
        role=role,
        wanted=_wanted(typed),
        permissions=request.app.state.permissions,
        grants=request.app.state.grants,
    )


async def _review(
    request: Request[Any, Any, Any],
    found: Plan,
    form: dict[str, Any],
    *,
    typed: str,
    status: int,
) -> Response[Any]:
    return await page(
        request,
        "backoffice/role_review.html",
        title=f"Change {found.title}?",
        active=HOME,
        status=status,
        plan=found,
        opens=[_line(one) for one in found.changes if one.opens],
        closes=[_line(one) for one in found.changes if not one.opens],
        form=form,
        typed=typed,
        confirm_href="/security/confirm?next="
        + quote(_address(found.role, typed, found.version), safe=""),
        fresh=second_factor.is_fresh(request.user),
        home=HOME,
    )


def _line(one: Change) -> dict[str, str]:
    """Say a change of one permission in words."""
    if one.before == OFF:
        scope = SCOPE_WORDS.get(one.after, one.after)
    elif one.after == OFF:
        scope = f"not any more, until now {SCOPE_WORDS[one.before]}"
    else:
        after = SCOPE_WORDS.get(one.after, one.after)
        scope = f"{after} instead of {SCOPE_WORDS[one.before]}"
    return {"permission": one.permission, "words": one.words, "scope": scope}


def _wanted(typed: str) -> dict[str, str]:
    """Return the scopes of a change as its address names them; what is no pair is left out."""
    pairs = (part.partition(":") for part in typed[:_LENGTH_MAX].split(","))
    return {name: scope for name, _, scope in pairs if name and scope}


def _address(role: str, typed: str, seen: str) -> str:
    return f"{HOME}/{quote(role)}/review?c={quote(typed)}&seen={quote(seen)}"


ROUTES: list[HTTPRouteHandler] = [show_review, save]
