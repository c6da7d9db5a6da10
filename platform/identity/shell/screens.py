"""What the shell itself is asked for: how pages look for this person, and what can be done."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from identity.shell import preferences
from identity.shell.parts import Parts
from kernel.web.access import SELF
from kernel.web.inject import AnySession, Seen
from kernel.web.pages import answer_page, form_values, page, see_other


@post("/preferences", permission=SELF, status_code=200)
async def change(
    request: Request[Any, Any, Any], session: AnySession, viewer: Seen
) -> Response[Any]:
    """Keep how the viewer wants pages to look; a script asks without wanting a page."""
    values = form_values(await request.form())
    await preferences.change(session, viewer=viewer, wanted=values)
    if request.headers.get("x-requested-with") == "fetch":
        return Response(None, status_code=204)
    return see_other(values.get("next", "/"))


@get("/looks", permission=SELF)
async def looks(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the choices of looks as a page, for whoever has no script."""
    return await page(request, "shell/looks.html", title="How pages look", active="/looks")


@get("/palette", permission=SELF)
async def palette(request: Request[Any, Any, Any], viewer: Seen) -> Response[str]:
    """Give the places and actions that the viewer may go to, as the dialog lists them."""
    parts: Parts | None = request.app.state.get("shell")
    actions = [one for one in parts.actions if viewer.may(one.permission)] if parts else []
    return answer_page(
        request,
        "shell/palette.html",
        200,
        {"title": "Commands", "actions": actions, "everywhere": True},
    )


ROUTES: list[HTTPRouteHandler] = [change]
STAFF: list[HTTPRouteHandler] = [looks, palette]
