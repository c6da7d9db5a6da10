"""A person's own security: password, second factors, recovery codes, sessions and devices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from identity import (
    authenticators,
    entrance,
    factor_pages,
    passkeys,
    queries,
    recovery_codes,
    second_factor,
    sessions,
    users,
)
from kernel.errors import InvalidInput, NotFound, ProductError, TooManyRequests
from kernel.language import gettext
from kernel.web.access import SELF
from kernel.web.inject import AnySession, Seen
from kernel.web.pages import flash, form_state, form_values, page, see_other

AnyRequest = Request[Any, Any, Any]
_HOME = "/security"


@get(_HOME, permission=SELF)
async def show_security(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Show how the viewer signs in, and where they are signed in."""
    return await _security(request, session, viewer, form_state())


@post("/security/password", permission=SELF, status_code=200)
async def change_password(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Change the password with the present one; every other session ends."""
    values = form_values(await request.form())
    try:
        await entrance.brake(request, "second_factor")
        refused = await users.check_password(
            session, user_id=viewer.id, password=values.get("current_password", "")
        )
        if refused is not None:
            text = refused.text if refused.seconds else gettext("This is not your password.")
            raise InvalidInput({"current_password": text})
        user = await queries.person_for_update(session, viewer.id)
        if user is None:
            raise NotFound
        await users.set_password(session, user=user, password=values.get("password", ""))
    except (InvalidInput, TooManyRequests) as error:
        form = form_state({}, error.fields, error.text)
        return await _security(request, session, viewer, form, status=error.status)
    second_factor.changed(session, user_id=viewer.id, change="password")
    response = see_other(_HOME)
    await entrance.give_cookie(request, session, response, user_id=viewer.id, kind=viewer.kind)
    text = gettext("Your password is changed. Every other session has ended.")
    return flash(request, response, text)


@get("/security/confirm", permission=SELF)
async def show_confirm(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Ask for a fresh proof before something that matters."""
    target = request.query_params.get("next", _HOME)
    if second_factor.is_fresh(viewer):
        return see_other(target)
    return await _confirm(request, session, viewer, form_state(), target=target)


@post("/security/confirm", permission=SELF, status_code=200)
async def take_confirm(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Take a code, a passkey's answer, or the password of somebody without a second factor."""
    values = form_values(await request.form())
    target = values.get("next") or _HOME
    try:
        await entrance.brake(request, "second_factor")
        if values.get("credential"):
            await passkeys.verify(
                session,
                factor_pages.ceremony(request, "confirm"),
                user_id=viewer.id,
                answer=values["credential"],
            )
            await second_factor.confirmed(session, viewer)
        else:
            field = "password" if "password" in values else "code"
            refused = await second_factor.confirm(
                session,
                viewer,
                code=values.get(field, ""),
                vault=request.app.state.ports.vault,
            )
            if refused is not None:
                raise InvalidInput({field: refused.text}, refused.text)
    except (InvalidInput, TooManyRequests, passkeys.PasskeyRefused) as error:
        form = form_state({}, error.fields, error.text)
        return await _confirm(request, session, viewer, form, target=target, status=error.status)
    return see_other(target)


@get("/security/add", permission=SELF)
async def show_add(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Show a new authenticator's picture, and offer to make a passkey."""
    second_factor.require_fresh(viewer)
    return await _add(request, session, viewer, form_state())


@post("/security/add", permission=SELF, status_code=200)
async def add(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Put a new authenticator or passkey into use; with the first one come recovery codes."""
    second_factor.require_fresh(viewer)
    values = form_values(await request.form())
    first = not await queries.has_factor(session, viewer.id)
    try:
        await entrance.brake(request, "second_factor")
        change = await factor_pages.added(request, session, person=viewer, values=values)
    except ProductError as error:
        form = form_state(values, error.fields, error.text)
        return await _add(request, session, viewer, form, status=error.status)
    await _changed(session, viewer, change)
    if first:
        codes = await recovery_codes.issue(session, user_id=viewer.id)
        return await factor_pages.codes_page(
            request, codes, layout=_layout(request), next_href=_HOME
        )
    words = {
        "passkey_added": gettext("The passkey is added."),
        "authenticator_added": gettext("The authenticator is added."),
    }
    return flash(request, see_other(_HOME), words[change])


@get("/security/{kind:str}/{factor_id:uuid}/remove", permission=SELF)
async def show_remove(
    request: AnyRequest,
    session: AnySession,
    viewer: Seen,
    kind: FromPath[str],
    factor_id: FromPath[UUID],
) -> Response[Any]:
    """Say what removing a factor means before it is done."""
    second_factor.require_fresh(viewer)
    return await _remove(request, session, viewer, (kind, factor_id), form_state())


@post("/security/{kind:str}/{factor_id:uuid}/remove", permission=SELF, status_code=200)
async def remove(
    request: AnyRequest,
    session: AnySession,
    viewer: Seen,
    kind: FromPath[str],
    factor_id: FromPath[UUID],
) -> Response[Any]:
    """Remove a factor of one's own; staff keep at least one."""
    second_factor.require_fresh(viewer)
    await _factor_name(session, viewer, kind, factor_id)
    try:
        await second_factor.check_removable(session, user_id=viewer.id, kind=viewer.kind)
    except second_factor.LastFactor as error:
        form = form_state({}, message=error.text)
        return await _remove(request, session, viewer, (kind, factor_id), form, status=error.status)
    if kind == "passkeys":
        await passkeys.remove(session, user_id=viewer.id, passkey_id=factor_id)
        change, text = "passkey_removed", gettext("The passkey is removed.")
    else:
        await authenticators.remove(session, user_id=viewer.id, authenticator_id=factor_id)
        change, text = "authenticator_removed", gettext("The authenticator is removed.")
    if not await queries.has_factor(session, viewer.id):
        await recovery_codes.forget(session, user_id=viewer.id)
    await _changed(session, viewer, change)
    return flash(request, see_other(_HOME), text)


@get("/security/recovery-codes", permission=SELF)
async def show_codes(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Say that new recovery codes replace the old ones."""
    second_factor.require_fresh(viewer)
    if not await queries.has_factor(session, viewer.id):
        return see_other(_HOME)
    return await page(
        request,
        "auth/sure.html",
        title=gettext("New recovery codes"),
        active=_HOME,
        layout=_layout(request),
        form=form_state(),
        action="/security/recovery-codes",
        text=gettext("You get ten new codes. The old ones stop working at once."),
        button=gettext("Make new codes"),
        danger=False,
    )


@post("/security/recovery-codes", permission=SELF, status_code=200)
async def renew_codes(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """Replace the recovery codes and show the new ones once."""
    second_factor.require_fresh(viewer)
    if not await queries.has_factor(session, viewer.id):
        return see_other(_HOME)
    codes = await recovery_codes.issue(session, user_id=viewer.id)
    second_factor.changed(session, user_id=viewer.id, change="recovery_codes_renewed")
    return await factor_pages.codes_page(request, codes, layout=_layout(request), next_href=_HOME)


@post("/security/sessions/end", permission=SELF, status_code=200)
async def end_session(request: AnyRequest, session: AnySession, viewer: Seen) -> Response[Any]:
    """End one other session of the viewer's, or all others."""
    wanted = form_values(await request.form()).get("session", "")
    if wanted == "others":
        await sessions.end_all(session, user_id=viewer.id, but=viewer.session)
        return flash(request, see_other(_HOME), gettext("Every other session has ended."))
    found = [
        row.id_hash
        for row in await queries.open_sessions(session, viewer.id)
        if factor_pages.session_name(row.id_hash) == wanted and row.id_hash != viewer.session
    ]
    if not found:
        raise NotFound
    await sessions.end_one(session, user_id=viewer.id, id_hash=found[0])
    return flash(request, see_other(_HOME), gettext("The session has ended."))


async def _security(
    request: AnyRequest,
    session: AnySession,
    viewer: Seen,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    apps = await queries.authenticators(session, viewer.id)
    keys = await queries.passkeys(session, viewer.id)
    rows = [
        {
            "name": factor_pages.session_name(row.id_hash),
            "device": row.device,
            "address": row.address,
            "started": row.created_at,
            "seen": row.seen_at,
            "here": row.id_hash == viewer.session,
        }
        for row in await queries.open_sessions(session, viewer.id)
    ]
    return await page(
        request,
        "auth/security.html",
        title=gettext("Security"),
        active=_HOME,
        status=status,
        layout=_layout(request),
        form=form,
        apps=apps,
        keys=keys,
        host=request.scope["state"]["host"],
        codes_left=await queries.recovery_codes_left(session, viewer.id),
        codes_count=recovery_codes.COUNT,
        rows=sorted(rows, key=lambda row: not row["here"]),
        must=viewer.kind in second_factor.MANDATORY,
    )


async def _confirm(
    request: AnyRequest,
    session: AnySession,
    viewer: Seen,
    form: dict[str, Any],
    *,
    target: str,
    status: int = 200,
) -> Response[Any]:
    has_factor = await queries.has_factor(session, viewer.id)
    options = await passkeys.request_options(
        session, factor_pages.ceremony(request, "confirm"), user_id=viewer.id
    )
    return await page(
        request,
        "auth/second.html",
        title=gettext("Confirm that it is you"),
        active=_HOME,
        status=status,
        form=form,
        layout=_layout(request),
        has_authenticator=bool(await queries.authenticators(session, viewer.id)),
        passkey_options=options,
        action="/security/confirm",
        back_href=_HOME,
        way="code" if has_factor else "password",
        next_path=target,
    )


async def _add(
    request: AnyRequest,
    session: AnySession,
    viewer: Seen,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    secret, options = "", ""
    try:
        secret = await authenticators.begin(
            session, user_id=viewer.id, vault=request.app.state.ports.vault
        )
    except authenticators.TooManyAuthenticators as error:
        form = form if form["message"] else form_state({}, message=error.text)
    try:
        options = await factor_pages.creation_options(
            request, session, user_id=viewer.id, email=viewer.email, name=viewer.name
        )
    except passkeys.TooManyPasskeys as error:
        form = form if form["message"] else form_state({}, message=error.text)
    shown = factor_pages.picture(request, secret, email=viewer.email) if secret else {"qr": ""}
    return await page(
        request,
        "auth/enrol.html",
        title=gettext("Add a second factor"),
        active=_HOME,
        status=status,
        form=form,
        layout=_layout(request),
        action="/security/add",
        back_href=_HOME,
        must=False,
        passkey_options=options,
        **shown,
    )


async def _remove(
    request: AnyRequest,
    session: AnySession,
    viewer: Seen,
    factor: tuple[str, UUID],
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    kind, factor_id = factor
    name = await _factor_name(session, viewer, kind, factor_id)
    return await page(
        request,
        "auth/sure.html",
        title=gettext("Remove “%s”?") % name,
        active=_HOME,
        status=status,
        layout=_layout(request),
        form=form,
        action=f"/security/{kind}/{factor_id}/remove",
        text=gettext("It can no longer be used to sign in. Every other session ends."),
        button=gettext("Remove"),
        danger=True,
    )


async def _factor_name(session: AnySession, viewer: Seen, kind: str, factor_id: UUID) -> str:
    """Return the name of one of the viewer's own factors; raise NotFound for any other."""
    if kind == "passkeys":
        for key in await queries.passkeys(session, viewer.id):
            if key.id == factor_id:
                return key.name
    if kind == "authenticators":
        for app in await queries.authenticators(session, viewer.id):
            if app.id == factor_id:
                return gettext("Authenticator app")
    raise NotFound


async def _changed(session: AnySession, viewer: Seen, change: str) -> None:
    """End the viewer's other sessions and tell of the change."""
    await sessions.end_all(session, user_id=viewer.id, but=viewer.session)
    second_factor.changed(session, user_id=viewer.id, change=change)


def _layout(request: AnyRequest) -> str:
    return f"layouts/{request.scope['state']['surface']}.html"


ROUTES: list[HTTPRouteHandler] = [
    *(show_security, change_password, show_confirm, take_confirm, show_add, add),
    *(show_remove, remove, show_codes, renew_codes, end_session),
]
