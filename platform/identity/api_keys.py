"""Keys of the API: `mq_<id>_<secret>`, the secret kept as a hash, scopes are permissions."""

from __future__ import annotations

import hashlib
import hmac

from identity import audit, queries
from identity.models import ApiKey
from kernel.clock import now
from kernel.database import TenantSession
from kernel.ids import token, uuid7
from kernel.viewer import Viewer


async def create(session: TenantSession, *, name: str, scopes: list[str]) -> str:
    """Create a key and return it whole, the only time it is seen."""
    key_id = uuid7().hex[-16:]
    secret = token(24)
    session.add(ApiKey(id=key_id, secret_hash=_hash(secret), name=name, scopes=scopes))
    audit.record(
        session, "identity.api_key.create", subject=("api_key", key_id), after={"scopes": scopes}
    )
    return f"mq_{key_id}_{secret}"


async def viewer(session: TenantSession, *, bearer: str) -> Viewer | None:
    """Return the key as a viewer with its scopes as grants, or None when it is not valid."""
    prefix, _, rest = bearer.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "mq" or not secret:
        return None
    key = await queries.api_key(session, key_id)
    if key is None or not hmac.compare_digest(key.secret_hash, _hash(secret)):
        return None
    if key.used_at is None or (now() - key.used_at).total_seconds() > 60:
        key.used_at = now()
    return Viewer(
        kind="api",
        id=uuid7(),
        name=key.name,
        email="",
        grants=dict.fromkeys(key.scopes, "all"),
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
