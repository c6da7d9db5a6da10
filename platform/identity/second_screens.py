"""The second step of a sign-in, the first factor of those who must have one, and passkeys alone.

Each page here is for a sign-in that is not finished: it knows its person by a session that opens
nothing else, and ends within minutes.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from identity import (
    audit,
    authenticators,
    entrance,
    factor_pages,
    passkeys,
    queries,
    recovery_codes,
    second_factor,
)
from identity.models import SignIn, UserAccount, VendorAccount
from kernel.errors import ProductError, TooManyRequests
from kernel.language import gettext
from kernel.web.access import PUBLIC
from kernel.web.inject import AnySession
from kernel.web.pages import form_state, form_values, page, see_other

AnyRequest = Request[Any, Any, Any]
Person = UserAccount | VendorAccount
_AUTH = "layouts/auth.html"


@get("/login/second", permission=PUBLIC)
async def show_second(request: AnyRequest, session: AnySession) -> Response[Any]:
    """Ask for the second factor of whoever has just given the right password."""
    held = await entrance.waiting(request, session, "second")
    if held is None:
        return see_other("/login")
    return await _second(request, session, held[1], form_state())


@post("/login/second", permission=PUBLIC, status_code=200)
async def take_second(request: AnyRequest, session: AnySession) -> Response[Any]:
    """Check a code or a passkey's answer; a right one opens a session under a new id."""
    values = form_values(await request.form())
    try:
        await entrance.brake(request, "second_factor")
    except TooManyRequests as error:
        held = await entrance.waiting(request, session, "second")
        if held is None:
            return see_other("/login")
        form = form_state({}, message=error.text)
        return await _second(request, session, held[1], form, status=429)
    held = await entrance.waiting(request, session, "second")
    if held is None:
        return see_other("/login")
    row, user = held
    refused = await factor_pages.refusal(
        request, session, user_id=user.id, values=values, purpose="second"
    )
    if refused is not None:
        form = form_state({}, {"code": refused} if "code" in values else {}, refused)
        return await _second(request, session, user, form, status=422)
    audit.record(session, "identity.login.second", subject=("user", user.id))
    return await entrance.let_in(
        request, session, user_id=user.id, kind=user.kind, target=_target(row), whole=True
    )


@get("/login/enrol", permission=PUBLIC)
async def show_enrol(request: AnyRequest, session: AnySession) -> Response[Any]:
    """Let somebody who must have a second factor and has none make one."""
    held = await entrance.waiting(request, session, "enrol")
    if held is None:
        return see_other("/login")
    return await _enrol(request, session, held[1], form_state())


@post("/login/enrol", permission=PUBLIC, status_code=200)
async def take_enrol(request: AnyRequest, session: AnySession) -> Response[Any]:
    """Take the first code or passkey; then the session is whole and recovery codes are shown."""
    values = form_values(await request.form())
    held = await entrance.waiting(request, session, "enrol")
    if held is None:
        return see_other("/login")
    row, user = held
    try:
        await entrance.brake(request, "second_factor")
        change = await factor_pages.added(request, session, person=user, values=values)
    except ProductError as error:
        form = form_state(values, error.fields, error.text)
        return await _enrol(request, session, user, form, status=error.status)
    codes = await recovery_codes.issue(session, user_id=user.id)
    second_factor.changed(session, user_id=user.id, change=change)
    response = await factor_pages.codes_page(request, codes, layout=_AUTH, next_href=_target(row))
    await entrance.give_cookie(request, session, response, user_id=user.id, kind=user.kind)
    return response


@get("/login/passkey", permission=PUBLIC)
async def show_passkey(request: AnyRequest, session: AnySession) -> Response[Any]:
    """Offer to sign in with nothing but a passkey."""
    if request.scope.get("user") is not None:
        return see_other("/")
    try:
        await entrance.brake(request, "passkey")
    except TooManyRequests as error:
        return await _passkey(request, session, form_state({}, message=error.text), status=429)
    return await _passkey(request, session, form_state())


@post("/login/passkey", permission=PUBLIC, status_code=200)
async def take_passkey(request: AnyRequest, session: AnySession) -> Response[Any]:
    """Let in whoever's passkey has answered and verified its user: that is both factors."""
    values = form_values(await request.form())
    kind = entrance.KINDS[request.scope["state"]["surface"]]
    try:
        await entrance.brake(request, "second_factor")
        user_id = await passkeys.verify(
            session,
            factor_pages.ceremony(request, "sign_in"),
            user_id=None,
            answer=values.get("credential", ""),
        )
        user = await queries.person_for_update(session, user_id)
        if user is None or user.state != "active" or user.kind != kind:
            raise passkeys.PasskeyRefused
    except (passkeys.PasskeyRefused, TooManyRequests) as error:
        form = form_state({}, message=error.text)
        return await _passkey(request, session, form, status=error.status)
    audit.record(session, "identity.login.passkey", subject=("user", user.id))
    return await entrance.let_in(
        request,
        session,
        user_id=user.id,
        kind=kind,
        target=values.get("next") or "/",
        whole=True,
    )


async def _second(
    request: AnyRequest,
    session: AnySession,
    user: Person,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    apps = await queries.authenticators(session, user.id)
    options = await passkeys.request_options(
        session, factor_pages.ceremony(request, "second"), user_id=user.id
    )
    return await page(
        request,
        "auth/second.html",
        title=gettext("Confirm that it is you"),
        status=status,
        form=form,
        has_authenticator=bool(apps),
        passkey_options=options,
        layout=_AUTH,
        action="/login/second",
        back_href="",
        way="code",
    )


async def _enrol(
    request: AnyRequest,
    session: AnySession,
    user: Person,
    form: dict[str, Any],
    *,
    status: int = 200,
) -> Response[Any]:
    secret = await authenticators.begin(
        session, user_id=user.id, vault=request.app.state.ports.vault
    )
    options = await factor_pages.creation_options(
        request, session, user_id=user.id, email=user.email, name=user.name
    )
    return await page(
        request,
        "auth/enrol.html",
        title=gettext("Protect your sign-in"),
        status=status,
        form=form,
        layout=_AUTH,
        action="/login/enrol",
        back_href="",
        must=True,
        passkey_options=options,
        **factor_pages.picture(request, secret, email=user.email),
    )


async def _passkey(
    request: AnyRequest, session: AnySession, form: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    options = ""
    if status != TooManyRequests.status:
        options = await passkeys.request_options(
            session, factor_pages.ceremony(request, "sign_in"), user_id=None
        )
    return await page(
        request,
        "auth/second.html",
        title=gettext("Sign in with a passkey"),
        status=status,
        form=form,
        has_authenticator=False,
        passkey_options=options,
        layout=_AUTH,
        action="/login/passkey",
        back_href="/login",
        way="passkey",
        next_path=request.query_params.get("next", ""),
    )


def _target(row: SignIn) -> str:
    return str(row.data.get("target") or "/")


ROUTES: list[HTTPRouteHandler] = [
    *(show_second, take_second, show_enrol, take_enrol, show_passkey, take_passkey)
]
