"""The partner's code a visitor came by, kept in a signed cookie for 90 days.

The cookie holds the code, a random name for the visitor and a signature over both and the host;
a changed one counts as none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from kernel.ids import token

_COOKIE = "ref"
_DAYS = 90
_SHAPE = re.compile(r"^([A-Z0-9_-]{2,24})\.([A-Za-z0-9_-]{8,40})\.([0-9a-f]{64})$")


@dataclass(frozen=True)
class Referral:
    """Whose link was followed, and by which visitor."""

    code: str
    visitor: str


def remembered(request: Request[Any, Any, Any]) -> Referral | None:
    """Return what an earlier visit left, when its signature holds."""
    found = _SHAPE.match(request.cookies.get(_COOKIE, ""))
    if found is None:
        return None
    code, visitor, signature = found.groups()
    if not hmac.compare_digest(signature, _signature(request, code, visitor)):
        return None
    return Referral(code, visitor)


def remember(request: Request[Any, Any, Any], response: Response[Any], code: str) -> Referral:
    """Attach the code to the answer; who has been here before keeps their name."""
    earlier = remembered(request)
    referral = Referral(code, earlier.visitor if earlier else token(12))
    signature = _signature(request, referral.code, referral.visitor)
    response.set_cookie(
        Cookie(
            key=_COOKIE,
            value=f"{referral.code}.{referral.visitor}.{signature}",
            max_age=_DAYS * 86_400,
            httponly=True,
            samesite="lax",
            path="/",
            secure=request.app.state.settings.https,
        )
    )
    return referral


def _signature(request: Request[Any, Any, Any], code: str, visitor: str) -> str:
    key: bytes = request.app.state.ports.vault.derive("referral")
    text = f"{request.scope['state']['host']}|{code}|{visitor}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
