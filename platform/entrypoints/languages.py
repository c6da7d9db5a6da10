"""Which language a visitor reads: what they chose themselves, else their brokerage's own."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from litestar.types import Scope

from identity import users
from kernel.database import TenantSession
from kernel.language import LANGUAGES, SOURCE, speak
from kernel.viewer import Viewer
from tenants.resolver import Place

_COOKIE = "lang"
_YEAR = 365 * 24 * 3600
# Staff read English; programs read English wherever they ask.
_TRANSLATED = ("public", "trader", "partner")
_PROGRAMS = ("/api/", "/hooks/", "/static/")


def spoken(scope: Scope, place: Place) -> str:
    """Return the language of a request: `?lang=`, the cookie it left, or the brand's."""
    if place.tenant is None or not translated(scope, place):
        return SOURCE
    own = str((place.brand or {}).get("language", place.tenant.language)).partition("-")[0]
    wanted = asked(scope) or _remembered(scope) or own
    return wanted if wanted in LANGUAGES else SOURCE


def translated(scope: Scope, place: Place) -> bool:
    """Say whether what is asked for speaks languages, and a brokerage's own texts."""
    return place.surface in _TRANSLATED and not scope["path"].startswith(_PROGRAMS)


async def follow(session: TenantSession, scope: Scope, viewer: Viewer) -> None:
    """Speak what somebody signed in chose on any device; what they choose now is kept."""
    if not translated(scope, scope["state"]["place"]):
        return
    chosen = asked(scope)
    if chosen and chosen != viewer.language:
        await users.choose_language(session, user_id=viewer.id, language=chosen)
    language = chosen or viewer.language
    if language in LANGUAGES:
        scope["state"]["language"] = language
        speak(language)


def asked(scope: Scope) -> str:
    """Return the language that the address asks for, or nothing."""
    if b"lang=" not in scope["query_string"]:
        return ""
    found = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [""])[0]
    return found if found in LANGUAGES else ""


def cookie(language: str, *, https: bool) -> bytes:
    """Return the header that keeps a choice for a year."""
    secure = "; Secure" if https else ""
    return f"{_COOKIE}={language}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax{secure}".encode()


def _remembered(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie" and b"lang=" in value:
            try:
                held = SimpleCookie(value.decode("latin-1")).get(_COOKIE)
            except CookieError:
                return ""
            return held.value if held is not None and held.value in LANGUAGES else ""
    return ""
