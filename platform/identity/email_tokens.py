"""Links that are mailed: random, kept as a hash, used once, for a limited time."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

from identity import audit, queries
from identity.models import EmailToken, UserAccount
from kernel.clock import now
from kernel.database import TenantSession
from kernel.errors import ProductError
from kernel.ids import token
from kernel.language import marked


class LinkExpired(ProductError):
    """The mailed link is unknown, used or too old."""

    code = "link_expired"
    status = 404
    message = marked("This link has expired or was used before. Ask for a new one.")


async def issue(session: TenantSession, *, user_id: UUID, purpose: str, hours: int = 48) -> str:
    """Return the secret of a new link for `verify`, `invite` or `reset`."""
    secret = token()
    session.add(
        EmailToken(
            id_hash=_hash(secret),
            user_id=user_id,
            purpose=purpose,
            expires_at=now() + timedelta(hours=hours),
        )
    )
    return secret


async def holder(session: TenantSession, *, secret: str, purpose: str) -> UserAccount:
    """Return whose link this is without using it up; raise LinkExpired."""
    row = await queries.email_token(session, _hash(secret))
    if row is None or row.purpose != purpose or row.used_at or row.expires_at < now():
        raise LinkExpired
    user = await queries.user(session, row.user_id)
    if user is None:
        raise LinkExpired
    return user


async def redeem(session: TenantSession, *, secret: str, purpose: str) -> UserAccount:
    """Use the link up and return whose it is; their address is verified by it."""
    user = await holder(session, secret=secret, purpose=purpose)
    row = await queries.email_token(session, _hash(secret))
    if row is not None:
        row.used_at = now()
    if user.email_verified_at is None:
        user.email_verified_at = now()
        audit.record(session, "identity.email.verify", subject=("user", user.id))
    return user


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
