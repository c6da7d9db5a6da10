"""One-time codes of authenticator apps (RFC 6238: SHA-1, six digits, steps of 30 s). Pure."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

import pyotp

STEP_SECONDS = 30
# A telephone's clock may be off by this many steps either way.
STEPS_OFF = 1
_CODE = re.compile(r"^\d{6}$")


def new_secret() -> str:
    """Return a new secret of 160 bits in base32."""
    return pyotp.random_base32()


def address(secret: str, *, account: str, issuer: str) -> str:
    """Return the `otpauth:` address that a QR code carries."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def in_fours(secret: str) -> str:
    """Return a secret in groups of four letters, as somebody types it."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def step_at(moment: datetime) -> int:
    """Return the number of the step a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_of(secret: str, step: int) -> str:
    """Return the code of a step."""
    return pyotp.TOTP(secret).generate_otp(step)


def matching_step(secret: str, typed: str, moment: datetime) -> int | None:
    """Return the step whose code was typed, at most one away from now; None when none is."""
    code = re.sub(r"[\s-]", "", typed)
    if not _CODE.match(code) or not code.isascii():
        return None
    present = step_at(moment)
    found = None
    # Every step is compared, so that time tells nothing.
    for step in range(present - STEPS_OFF, present + STEPS_OFF + 1):
        if hmac.compare_digest(code_of(secret, step), code):
            found = step
    return found
