"""The only builder of object keys, Redis keys, channels and lock names.

A key without its tenant can't be written by accident, because nothing else builds keys.
"""

from __future__ import annotations

import re
from uuid import UUID

from kernel.actor import TenantRef

_PART = re.compile(r"^[a-z0-9][a-z0-9_.@-]{0,127}$")
_OBJECT = re.compile(r"^t/[0-9a-f-]{36}/[a-z_]{1,32}/[0-9a-f-]{36}$")


def object_key(tenant: TenantRef, kind: str, object_id: UUID) -> str:
    """Return the object store's key of one object of a tenant."""
    return f"t/{tenant.id}/{_checked(kind)}/{object_id}"


def belongs(tenant: TenantRef, key: str) -> bool:
    """Say whether an object key is well formed and of this tenant."""
    return bool(_OBJECT.match(key)) and key.startswith(f"t/{tenant.id}/")


def redis_key(tenant: TenantRef, *parts: str) -> str:
    """Return a Redis key, channel or lock name of one tenant."""
    return ":".join(("t", str(tenant.id), *map(_checked, parts)))


def shared_key(*parts: str) -> str:
    """Return a Redis key that belongs to no tenant and holds nothing of any."""
    return ":".join(("marque", *map(_checked, parts)))


def _checked(part: str) -> str:
    if not _PART.match(part):
        msg = "a part of a key holds characters that keys may not have"
        raise ValueError(msg)
    return part
