"""Sign in and sign out, the same on every surface."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from identity import entrance, sessions, users
from kernel.errors import TooManyRequests
from kernel.language import gettext, marked
from kernel.web.access import PUBLIC
from kernel.web.inject import AnySession
from kernel.web.pages import form_state, form_values, page, see_other

_TITLES = {
    "trader": (marked("Trader's Room"), "client"),
    "partner": (marked("Partner portal"), "partner"),
    "staff": ("Staff", "staff"),
    "console": ("Vendor console", "vendor"),
}
_REGISTER = {"trader": "/register", "partner": "/register"}


@get("/login", permission=PUBLIC)
async def show_login(request: Request[Any, Any, Any]) -> Response[Any]:
    """Show the sign-in form; whoever is signed in already goes home."""
    if request.scope.get("user") is not None:
        return see_other("/")
    return await _form(request, form_state())


@post("/login", permission=PUBLIC, status_code=200)
async def log_in(request: Request[Any, Any, Any], session: AnySession) -> Response[Any]:
    """Check address and password; the session's id is new at every login."""
    values = form_values(await request.form())
    surface = request.scope["state"]["surface"]
    _, kind = _TITLES[surface]
    try:
        await entrance.brake(request)
        user = await users.let_in(
            session, kind=kind, email=values.get("email", ""), password=values.get("password", "")
        )
    except TooManyRequests as error:
        return await _form(request, form_state(values, message=error.text), status=429)
    if isinstance(user, users.Refusal):
        return await _form(request, form_state(values, message=user.text), status=422)
    return await signed_in(
        request, session, user_id=user.id, kind=kind, target=values.get("next", "/")
    )


@post("/logout", permission=PUBLIC, status_code=200)
async def log_out(request: Request[Any, Any, Any], session: AnySession) -> Response[Any]:
    """End the session, or a sign-in that was not finished; the cookie is removed too."""
    await sessions.end(session, value=entrance.cookie_of(request))
    response = see_other("/login")
    name = sessions.cookie_name(https=request.app.state.settings.https)
    response.delete_cookie(name, path="/")
    return response


async def signed_in(
    request: Request[Any, Any, Any],
    session: AnySession,
    *,
    user_id: UUID,
    kind: str,
    target: str = "/",
) -> Response[Any]:
    """Open a session for somebody who has proved who they are by a password or a mailed link.

    Whoever has a second factor is asked for it first.
    """
    return await entrance.let_in(request, session, user_id=user_id, kind=kind, target=target)


async def _form(
    request: Request[Any, Any, Any], form: dict[str, Any], *, status: int = 200
) -> Response[Any]:
    surface = request.scope["state"]["surface"]
    label, _ = _TITLES[surface]
    return await page(
        request,
        "auth/login.html",
        title=gettext("Sign in"),
        status=status,
        form=form,
        kind=gettext(label),
        action="/login",
        register_href=_REGISTER.get(surface),
        passkey_href="/login/passkey",
        next_path=form["values"].get("next") or request.query_params.get("next", ""),
    )


ROUTES: list[HTTPRouteHandler] = [show_login, log_in, log_out]
