"""An object store in a folder, for one machine and for tests.

Keys are those of `kernel.keys` and nothing else, so no key can leave the folder. A file appears
whole or not at all: it is written beside its place and moved there.
"""

import asyncio
import os
from pathlib import Path

from kernel.actor import TenantRef
from kernel.ids import uuid7
from kernel.keys import belongs, object_key
from kernel.storage import ObjectMissing


class FilesystemStore:
    """An `ObjectStore` under one root folder; files are readable by their owner only."""

    def __init__(self, root: Path) -> None:
        """Remember the root; it is made with the first object."""
        self._root = root

    async def put(self, tenant: TenantRef, kind: str, data: bytes, *, media_type: str) -> str:
        """Store bytes under a new key and return it; a folder keeps no media types."""
        key = object_key(tenant, kind, uuid7())
        await asyncio.to_thread(_write, self._root / key, data)
        return key

    async def get(self, tenant: TenantRef, key: str) -> bytes:
        """Return the bytes; raise ObjectMissing for unknown keys and those of other tenants."""
        if not belongs(tenant, key):
            raise ObjectMissing
        try:
            return await asyncio.to_thread((self._root / key).read_bytes)
        except FileNotFoundError:
            raise ObjectMissing from None

    async def delete(self, tenant: TenantRef, key: str) -> None:
        """Remove the object; an absent one, or another tenant's, is no error and stays."""
        if belongs(tenant, key):
            await asyncio.to_thread((self._root / key).unlink, missing_ok=True)

    async def check(self) -> None:
        """Raise OSError when the folder can't be written."""
        await asyncio.to_thread(_probe, self._root)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _probe(root: Path) -> None:
    path = root / f".probe-{uuid7()}"
    _write(path, b"")
    path.unlink()
