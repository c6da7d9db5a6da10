"""Addresses as delivery knows them: keyed hashes, masks, return paths and unsubscribe links.

A return path (VERP) names its message with a MAC, so that a report which nobody asked for says
nothing to us. An unsubscribe token names an address and a list in the same way; neither can be
made for another brokerage.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from uuid import UUID

from kernel.crypto import Vault
from messaging.models import LISTS

_PREFIX = "bounce+"
_MAC = 10
_RETURN = re.compile(r"bounce\+([a-z2-7]{42})@", re.IGNORECASE)
_TOKEN_MAC = 16
_ADDRESS = re.compile(r"^[^@\s<>\"(),:;\\]{1,64}@[^@\s<>\"(),:;\\]{1,253}$")


def hashed(vault: Vault, tenant_id: UUID, address: str) -> str:
    """Return by what an address is known without being kept: HMAC-SHA256 in 64 hex digits."""
    key = vault.derive("messaging.address")
    said = f"{tenant_id}:{address.strip().lower()}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def masked(address: str) -> str:
    """Return an address as staff see it: its first letter and its domain."""
    name, _, domain = address.strip().rpartition("@")
    return f"{name[:1]}•••@{domain}"[:254]


def plausible(address: str) -> bool:
    """Say whether a text could be one bare mail address."""
    return bool(_ADDRESS.match(address))


def domain_of(address: str) -> str:
    """Return the domain of a bare address, in lower case."""
    return address.rpartition("@")[2].strip().lower()


def return_path(vault: Vault, tenant_id: UUID, message_id: UUID, domain: str) -> str:
    """Return where reports about one message go: `bounce+TOKEN@domain`."""
    token = base64.b32encode(message_id.bytes + _mac(vault, tenant_id, message_id))
    return f"{_PREFIX}{token.decode().rstrip('=').lower()}@{domain}"


def read_return_path(vault: Vault, tenant_id: UUID, text: str) -> UUID | None:
    """Return the message that a return path of this brokerage names, else None."""
    found = _RETURN.search(text)
    if found is None:
        return None
    token = found.group(1).upper()
    raw = base64.b32decode(token + "=" * (-len(token) % 8))
    message_id = UUID(bytes=raw[:16])
    if not hmac.compare_digest(raw[16:], _mac(vault, tenant_id, message_id)):
        return None
    return message_id


def unsubscribe_token(vault: Vault, tenant_id: UUID, *, address_hash: str, mail_list: str) -> str:
    """Return what a link to leave a list carries, for one address at one brokerage."""
    body = bytes.fromhex(address_hash) + bytes([LISTS.index(mail_list)])
    signed = body + _token_mac(vault, tenant_id, body)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def read_unsubscribe_token(vault: Vault, tenant_id: UUID, token: str) -> tuple[str, str] | None:
    """Return address hash and list of a token that we made for this brokerage, else None."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[:-_TOKEN_MAC], raw[-_TOKEN_MAC:]
    if len(body) != 33 or not hmac.compare_digest(mac, _token_mac(vault, tenant_id, body)):
        return None
    return body[:32].hex(), LISTS[body[32]]


def _mac(vault: Vault, tenant_id: UUID, message_id: UUID) -> bytes:
    key = vault.derive("messaging.return_path")
    return hmac.new(key, tenant_id.bytes + message_id.bytes, hashlib.sha256).digest()[:_MAC]


def _token_mac(vault: Vault, tenant_id: UUID, body: bytes) -> bytes:
    key = vault.derive("messaging.unsubscribe")
    return hmac.new(key, tenant_id.bytes + body, hashlib.sha256).digest()[:_TOKEN_MAC]
