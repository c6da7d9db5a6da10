"""Envelope encryption of secrets and documents.

Each sealed text has its own 256-bit data key; the data key is wrapped by the tenant's key,
which is derived from the master key by HKDF-SHA256 with the tenant's id. Both layers are
AES-256-GCM and bind tenant and purpose, so that a text can't be opened for another tenant
or taken for another thing.
"""

from __future__ import annotations

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.errors import ProductError

_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = 32 + 16


class SealBroken(ProductError):
    """The sealed text was changed, or belongs to another tenant, purpose or master key."""

    code = "seal_broken"
    status = 500
    message = "Stored data could not be opened. Tell your administrator."


class Vault:
    """Seals and opens bytes under one master key."""

    def __init__(self, master_key: bytes) -> None:
        """Take the master key: at least 32 bytes of MARQUE_SECRET_KEY."""
        if len(master_key) < 32:
            msg = "the master key needs at least 32 bytes"
            raise ValueError(msg)
        self._master = master_key

    def seal(self, owner: UUID, data: bytes, *, purpose: str) -> bytes:
        """Encrypt bytes for one owner (a tenant's id) and one purpose."""
        binding = f"{owner}:{purpose}".encode()
        data_key, wrap_nonce, nonce = os.urandom(32), os.urandom(_NONCE), os.urandom(_NONCE)
        wrapped = AESGCM(self._owner_key(owner)).encrypt(wrap_nonce, data_key, binding)
        sealed = AESGCM(data_key).encrypt(nonce, data, binding)
        return _VERSION + wrap_nonce + wrapped + nonce + sealed

    def open(self, owner: UUID, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt what `seal` made; raise SealBroken when anything differs."""
        binding = f"{owner}:{purpose}".encode()
        rest = sealed[1:]
        wrap_nonce, rest = rest[:_NONCE], rest[_NONCE:]
        wrapped, rest = rest[:_WRAPPED], rest[_WRAPPED:]
        nonce, body = rest[:_NONCE], rest[_NONCE:]
        if sealed[:1] != _VERSION:
            raise SealBroken
        try:
            data_key = AESGCM(self._owner_key(owner)).decrypt(wrap_nonce, wrapped, binding)
            return AESGCM(data_key).decrypt(nonce, body, binding)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def derive(self, purpose: str, size: int = 32) -> bytes:
        """Return a key for one named use of the product itself, such as CSRF tokens."""
        return HKDF(SHA256(), size, salt=None, info=purpose.encode()).derive(self._master)

    def _owner_key(self, owner: UUID) -> bytes:
        return HKDF(SHA256(), 32, salt=owner.bytes, info=b"tenant-key").derive(self._master)
