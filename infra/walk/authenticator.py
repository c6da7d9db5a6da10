"""An authenticator app in small: codes of RFC 6238 (SHA-1, six digits, 30 s) from a kept secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

from infra.walk.browser import Browser
from infra.walk.markup import Missing, Page

STEP_SECONDS = 30
_ATTEMPTS = 4
_PAUSE = 0.5


def code_at(secret: str, step: int) -> str:
    """Return the code of a step, as RFC 4226 section 5.3 cuts it out of the digest."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def second_step(browser: Browser, page: Page, secret: str) -> Page:
    """Type the present code and return the page after it; raise Missing when none is taken.

    A code is good once: where somebody else has used the present one, the next is tried, as soon
    as the product may take it.
    """
    step = int(time.time()) // STEP_SECONDS
    form = page.form("code", action="/login/second")
    for attempt in range(1, _ATTEMPTS + 1):
        while step > int(time.time()) // STEP_SECONDS + 1:
            time.sleep(_PAUSE)
        try:
            return browser.submit(form, {"code": code_at(secret, step)})
        except Missing:
            if attempt == _ATTEMPTS:
                raise
            step += 1
    return page
