"""Sign in and sign out, the same on every surface."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from identity import sessions, users
from kernel.errors import TooManyRequests
from kernel.language import gettext, marked
from kernel.throttle import spend
from kernel.web.access import PUBLIC, SELF
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
        await _brake(request)
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


@post("/logout", permission=SELF, status_code=200)
async def log_out(request: Request[Any, Any, Any], session: AnySession) -> Response[Any]:
    """End the session; the cookie is removed too."""
    name = sessions.cookie_name(https=request.app.state.settings.https)
    await sessions.end(session, value=request.cookies.get(name, ""))
    response = see_other("/login")
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
    """Open a session for somebody who has proved who they are, and send them on."""
    state = request.scope["state"]
    https = request.app.state.settings.https
    name = sessions.cookie_name(https=https)
    await sessions.end(session, value=request.cookies.get(name, ""))
    value = await sessions.start(
        session, user_id=user_id, kind=kind, surface=state["surface"], host=state["host"]
    )
    response = see_other(target)
    response.set_cookie(
        Cookie(key=name, value=value, httponly=True, samesite="lax", path="/", secure=https)
    )
    return response


async def _brake(request: Request[Any, Any, Any]) -> None:
    """Limit logins from one address before any hash is computed."""
    tenant = request.scope["state"]["tenant"]
    if tenant is not None and request.client is not None:
        await spend(
            request.app.state.ports.redis,
            tenant,
            what="login",
            caller=request.client.host,
            limit=request.app.state.logins_per_minute,
            seconds=60,
        )


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
        next_path=form["values"].get("next") or request.query_params.get("next", ""),
    )


ROUTES: list[HTTPRouteHandler] = [show_login, log_in, log_out]
