"""How a push is encrypted for one browser and signed by its sender: RFC 8291, 8188 and 8292."""

import base64
import json
import os
import struct
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.push.port import CURVE, PushTarget, Sender, point

# One record of RFC 8188: what push services take at most, with 103 bytes of header and padding.
RECORD_BYTES = 4096
MESSAGE_BYTES_MAX = RECORD_BYTES - 103
# A token must not live longer than a day (RFC 8292, 2); clocks differ.
TOKEN_SECONDS = 12 * 3600


def key_of(number: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the private key of its 32-byte number."""
    return ec.derive_private_key(int.from_bytes(number), CURVE)


def encrypted(
    message: bytes,
    target: PushTarget,
    *,
    salt: bytes | None = None,
    own: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Encrypt a message for one browser (`aes128gcm`, one record).

    Salt and own key are new for every message; they are given only to check the arithmetic.
    Raises ValueError for a public key that is no point of the curve, and for a message that does
    not fit in a record.
    """
    if len(message) > MESSAGE_BYTES_MAX:
        raise ValueError(f"A push carries at most {MESSAGE_BYTES_MAX} bytes.")
    salt = salt or os.urandom(16)
    own = own or ec.generate_private_key(CURVE)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, target.public_key)
    info = b"WebPush: info\x00" + target.public_key + point(own)
    shared = _hkdf(own.exchange(ec.ECDH(), theirs), salt=target.secret, info=info, size=32)
    key = _hkdf(shared, salt=salt, info=b"Content-Encoding: aes128gcm\x00", size=16)
    nonce = _hkdf(shared, salt=salt, info=b"Content-Encoding: nonce\x00", size=12)
    header = salt + struct.pack("!LB", RECORD_BYTES, 65) + point(own)
    return header + AESGCM(key).encrypt(nonce, message + b"\x02", None)


def authorization(endpoint: str, sender: Sender) -> str:
    """Return the header by which a push service knows the sender (scheme `vapid`, ES256)."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + TOKEN_SECONDS,
        "sub": sender.contact,
    }
    signed = ".".join(_base64(_json(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    key = key_of(sender.private_key)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    token = f"{signed}.{_base64(r.to_bytes(32) + s.to_bytes(32))}"
    return f"vapid t={token}, k={_base64(point(key))}"


def _hkdf(secret: bytes, *, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(SHA256(), size, salt=salt, info=info).derive(secret)


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
