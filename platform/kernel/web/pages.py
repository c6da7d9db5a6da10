"""Pages, redirects and one-time messages, whatever theme renders them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import traceback
from typing import Any, Protocol

from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie, FormMultiDict
from litestar.utils.scope.state import ScopeState

FLASH_COOKIE = "flash"
CSRF_COOKIE = "csrf"


class Renderer(Protocol):
    """Renders a template for one request; entrypoints binds it to the themes."""

    def __call__(
        self, request: Request[Any, Any, Any], template: str, context: dict[str, Any]
    ) -> str:
        """Return the whole page."""
        ...


async def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    title: str,
    active: str = "",
    status: int = 200,
    **context: Any,
) -> Response[str]:
    """Render a page of the request's surface in the brand of its host."""
    prepare = request.app.state.get("prepare")
    if prepare is not None:
        await prepare(request)
    return answer_page(request, template, status, {**context, "title": title, "active": active})


def answer_page(
    request: Request[Any, Any, Any], template: str, status: int, context: dict[str, Any]
) -> Response[str]:
    """Render a page where the framework allows no waiting, as in an error's handler."""
    renderer: Renderer = request.app.state.renderer
    shown = flashes(request)
    context["flashes"] = shown
    html = renderer(request, template, context)
    response = Response(html, status_code=status, media_type=MediaType.HTML)
    response.headers["cache-control"] = "no-store"
    if shown:
        response.delete_cookie(FLASH_COOKIE)
    return response


def see_other(path: str) -> Response[None]:
    """Redirect after a form was taken; only to a path of the same host."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        path = "/"
    return Response(None, status_code=303, headers={"location": path})


def away(address: str) -> Response[None]:
    """Redirect to another site whose address came from a provider, never from a visitor."""
    return Response(None, status_code=303, headers={"location": address})


def flash(
    request: Request[Any, Any, Any], response: Response[Any], text: str, *, kind: str = "positive"
) -> Response[Any]:
    """Attach a message that the next page shows once."""
    body = base64.urlsafe_b64encode(json.dumps([kind, text]).encode()).decode()
    signed = f"{body}.{_signature(request, body)}"
    response.set_cookie(
        Cookie(
            key=FLASH_COOKIE,
            value=signed,
            httponly=True,
            samesite="lax",
            path="/",
            max_age=60,
            secure=request.app.state.settings.https,
        )
    )
    return response


def flashes(request: Request[Any, Any, Any]) -> list[dict[str, str]]:
    """Return the message an earlier answer left, when its signature holds."""
    body, _, signature = request.cookies.get(FLASH_COOKIE, "").partition(".")
    if not body or not hmac.compare_digest(signature, _signature(request, body)):
        return []
    kind, text = json.loads(base64.urlsafe_b64decode(body))
    return [{"kind": kind, "text": text}]


def csrf_token(request: Request[Any, Any, Any]) -> str:
    """Return the token that the page's forms must send back."""
    token = request.cookies.get(CSRF_COOKIE) or ScopeState.from_scope(request.scope).csrf_token
    return token if isinstance(token, str) else ""


def form_values(form: FormMultiDict) -> dict[str, str]:
    """Return the text fields of a form, trimmed; files and the CSRF token are left out."""
    return {
        key: value.strip()
        for key, value in form.items()
        if isinstance(value, str) and key != "_csrf_token"
    }


def form_state(
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    message: str | None = None,
) -> dict[str, Any]:
    """Return what a template needs to show a form again with nothing lost."""
    kept = {k: v for k, v in (values or {}).items() if "password" not in k}
    return {"values": kept, "errors": errors or {}, "message": message}


def trace(error: BaseException) -> str:
    """Return where an error came from: files, lines and its kind, never its values."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [
        f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}" for frame in frames
    ]
    return f"{type(error).__name__} at " + " < ".join(reversed(places[-12:]))


def _signature(request: Request[Any, Any, Any], body: str) -> str:
    key: bytes = request.app.state.flash_key
    return hmac.new(
        key, f"{request.scope['state']['host']}|{body}".encode(), hashlib.sha256
    ).hexdigest()
