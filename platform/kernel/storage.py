"""What an object store promises; adapters stand in connectors, keys come from kernel.keys."""

from __future__ import annotations

from typing import Protocol

from kernel.actor import TenantRef
from kernel.errors import ProductError
from kernel.language import marked


class ObjectMissing(ProductError):
    """No object of this tenant has that key."""

    code = "object_missing"
    status = 404
    message = marked("The file is not in the store any more.")


class ObjectStore(Protocol):
    """Bytes by key, each key under its tenant's prefix."""

    async def put(self, tenant: TenantRef, kind: str, data: bytes, *, media_type: str) -> str:
        """Store bytes under a new key and return it."""
        ...

    async def get(self, tenant: TenantRef, key: str) -> bytes:
        """Return the bytes; raise ObjectMissing for another tenant's key as for an unknown one."""
        ...

    async def delete(self, tenant: TenantRef, key: str) -> None:
        """Remove the object; an absent one is no error."""
        ...

    async def check(self) -> None:
        """Raise when the store can't be reached or refuses the credentials."""
        ...
