"""Errors as their readers need them: RFC 9457 problem details for programs, a page for people."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from kernel.errors import ConfirmationNeeded, ProductError, TooManyRequests, Unauthenticated
from kernel.language import gettext, marked
from kernel.log import logger
from kernel.web import pages

_LOG = logger(__name__)
_TITLES = {
    400: marked("The request can't be read"),
    401: marked("Sign in to continue"),
    403: marked("Your role does not allow this"),
    404: marked("There is nothing at this address"),
    405: marked("This address does not take that method"),
    409: marked("This has changed in the meantime"),
    413: marked("The file is too large"),
    415: marked("This kind of file is not accepted"),
    422: marked("Some fields need your attention"),
    429: marked("Too many attempts"),
    503: marked("Busy, try again in a moment"),
}
_UNKNOWN = marked("The request can't be carried out")


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Say whether the answer is for a person in a browser rather than a program."""
    path = request.scope["path"]
    return not path.startswith(("/api/", "/hooks/")) and "text/html" in request.headers.get(
        "accept", ""
    )


def answer_product_error(request: Request[Any, Any, Any], error: ProductError) -> Response[Any]:
    """Answer an expected failure; whatever the request wrote is rolled back."""
    request.scope["state"]["rollback"] = True
    if isinstance(error, Unauthenticated) and wants_page(request):
        target = request.scope["path"]
        return pages.see_other(f"/login?next={quote(target)}" if target != "/" else "/login")
    if isinstance(error, ConfirmationNeeded) and wants_page(request):
        return pages.see_other(f"/security/confirm?next={quote(_came_from(request))}")
    headers = {"retry-after": str(error.seconds)} if isinstance(error, TooManyRequests) else {}
    return _answer(
        request, error.status, error.code, error.text, fields=error.fields, headers=headers
    )


def answer_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer what the framework refused: no such path, wrong method, unreadable body."""
    request.scope["state"]["rollback"] = True
    status = error.status_code
    text = gettext(_TITLES.get(status, _UNKNOWN))
    if status == 403 and "csrf" in error.detail.lower():
        text = gettext("The form is too old. Reload the page and send it again.")
    return _answer(request, status, "http_error", f"{text.rstrip('.')}.")


def answer_failure(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer an unexpected failure: the log has the trace, the reader gets a reference."""
    request.scope["state"]["rollback"] = True
    _LOG.error(
        "request failed",
        error=type(error).__name__,
        exception=pages.trace(error),
        route=_route(request),
    )
    reference = request.scope["state"].get("request_id", "")
    text = gettext("Something failed on our side. Nothing was changed. Reference %s.") % reference
    return _answer(request, HTTP_500_INTERNAL_SERVER_ERROR, "failure", text)


def _came_from(request: Request[Any, Any, Any]) -> str:
    """Return the page to go on with: this one, or the one whose form was sent."""
    if request.method == "GET":
        return request.scope["path"]
    return urlsplit(request.headers.get("referer", "")).path or "/"


def _route(request: Request[Any, Any, Any]) -> str:
    """Return the handler's name: a path may hold the secret of a mailed link."""
    return str(getattr(request.scope.get("route_handler"), "handler_name", ""))


def _answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    text: str,
    *,
    fields: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    title = gettext(_TITLES.get(status, _UNKNOWN))
    if wants_page(request):
        problem = {"status": status, "title": title, "detail": text, "fields": fields or {}}
        response: Response[Any] = pages.answer_page(
            request,
            "errors/problem.html",
            status,
            {"title": title, "active": "", "problem": problem},
        )
        response.headers.update(headers or {})
        return response
    body = {"type": f"urn:marque:problem:{code}", "title": title, "status": status, "detail": text}
    if fields:
        body["errors"] = [{"field": name, "detail": words} for name, words in fields.items()]
    return Response(
        body, status_code=status, media_type="application/problem+json", headers=headers
    )
