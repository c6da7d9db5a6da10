"""The search of all rooms as a page, and as it is typed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from identity.shell import search
from identity.shell.parts import Parts
from kernel.web.access import SELF
from kernel.web.inject import Seen, Session
from kernel.web.pages import answer_page, page, see_other

_ON_PAGE = 12
_AS_TYPED = 4


@get("/search", permission=SELF)
async def results(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Show what was found in every room; somebody's own reference leads straight to it."""
    typed = request.query_params.get("q", "")
    parts: Parts = request.app.state.shell
    found = await search.find(session, parts.catalogue, viewer=viewer, typed=typed, limit=_ON_PAGE)
    if found.exact and "stay" not in request.query_params:
        return see_other(found.exact)
    searched = [one.label for one in parts.catalogue.sources if viewer.may(one.permission)]
    return await page(
        request,
        "shell/search.html",
        title=f"Search: {found.query.text}" if found.query.text else "Search",
        active="/search",
        found=found,
        searched=searched,
        shortest=search.LENGTH_MIN,
        quoted=quote_plus(found.query.text),
    )


@get("/search/suggest", permission=SELF)
async def suggest(request: Request[Any, Any, Any], session: Session, viewer: Seen) -> Response[Any]:
    """Give a few of each room's results as the list below the field, while somebody types."""
    parts: Parts = request.app.state.shell
    found = await search.find(
        session,
        parts.catalogue,
        viewer=viewer,
        typed=request.query_params.get("q", ""),
        limit=_AS_TYPED,
    )
    return answer_page(
        request,
        "shell/suggest.html",
        200,
        {
            "title": "Results",
            "found": found,
            "quoted": quote_plus(found.query.text),
            "box": request.query_params.get("box", "gs")[:12],
            "shortest": search.LENGTH_MIN,
        },
    )


ROUTES: list[HTTPRouteHandler] = [results, suggest]
