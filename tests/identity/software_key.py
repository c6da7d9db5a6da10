"""An authenticator of WebAuthn in software: makes a P-256 key and signs what it is asked to.

Built after WebAuthn Level 2, sections 6.1 (authenticator data), 6.5 (attestation, format `none`)
and 7.2 (what an assertion signs).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def in_base64url(data: bytes) -> str:
    """Return bytes as browsers write them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SoftwareKey:
    """One passkey; `count` is its counter, `verifies` whether it says that it verified its user."""

    def __init__(self, *, verifies: bool = True) -> None:
        """Make the key."""
        self.id = os.urandom(20)
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._verifies = verifies

    def created(self, options: str, *, origin: str) -> str:
        """Answer a browser's question to make a passkey."""
        asked: dict[str, Any] = json.loads(options)
        numbers = self._key.public_key().public_numbers()
        cose = encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        data = self._data(asked["rp"]["id"], _ATTESTED) + attested
        response = {
            "clientDataJSON": in_base64url(_client("webauthn.create", asked, origin)),
            "attestationObject": in_base64url(
                encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
            ),
        }
        return self._answer(response)

    def used(self, options: str, *, origin: str, counting: bool = True) -> str:
        """Answer a browser's question for a passkey; a copy of a key does not count on."""
        asked: dict[str, Any] = json.loads(options)
        self.count += counting
        data = self._data(asked["rpId"], 0)
        client = _client("webauthn.get", asked, origin)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": in_base64url(client),
            "authenticatorData": in_base64url(data),
            "signature": in_base64url(signed),
        }
        return self._answer(response)

    def _data(self, host: str, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self._verifies else 0)
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _answer(self, response: dict[str, str]) -> str:
        name = in_base64url(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _client(kind: str, asked: dict[str, Any], origin: str) -> bytes:
    told = {"type": kind, "challenge": asked["challenge"], "origin": origin, "crossOrigin": False}
    return json.dumps(told).encode()
