"""Digests, keyed digests and RSA signatures, how they are printed, and how they are compared."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Literal, get_args

from connectors.payments.engine.failures import ValueUnusable

Algorithm = Literal[
    "md5",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "hmac-sha1",
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
    "rsa-sha1",
    "rsa-sha256",
    "equals",
    "none",
]
KeyForm = Literal["utf8", "hex", "base64"]
Printed = Literal["hex", "HEX", "base64"]
PLAIN = ("md5", "sha1", "sha256", "sha384", "sha512")
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)


def decode_key(secret: str, form: KeyForm) -> bytes:
    """Return a key's bytes from how it is written; raise ValueUnusable for a wrong form."""
    try:
        if form == "hex":
            return bytes.fromhex(secret)
        if form == "base64":
            return base64.b64decode(secret, validate=True)
    except (ValueError, binascii.Error):
        raise ValueUnusable(f"The key is not written in {form}.") from None
    return secret.encode()


def digest(algorithm: str, message: bytes, key: bytes = b"") -> bytes:
    """Return the digest, keyed where the algorithm is."""
    if algorithm.startswith("hmac-"):
        return hmac.digest(key, message, algorithm.removeprefix("hmac-"))
    return hashlib.new(algorithm, message).digest()


def printed(value: bytes, form: Printed) -> str:
    """Write a digest as text."""
    if form == "base64":
        return base64.b64encode(value).decode()
    return value.hex().upper() if form == "HEX" else value.hex()


def same(expected: str, received: str, *, any_case: bool = False) -> bool:
    """Compare two signatures in constant time; an empty one equals nothing."""
    if any_case:
        expected, received = expected.lower(), received.lower()
    is_same = hmac.compare_digest(expected.encode(), received.encode("utf-8", "replace"))
    return is_same and bool(expected)


def is_signed_by(algorithm: str, message: bytes, signature: bytes, certificate: str) -> bool:
    """Check an RSA signature (PKCS #1 v1.5) with the key of a PEM certificate or public key.

    Raises ValueUnusable when there is no RSA key in the PEM text.
    """
    # Loaded where needed: it takes a tenth of a second, and two providers sign so.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    pem = certificate.encode()
    try:
        if b"BEGIN CERTIFICATE" in pem:
            key: object = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = serialization.load_pem_public_key(pem)
    except ValueError:
        raise ValueUnusable("The certificate is not PEM.") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueUnusable("The certificate holds no RSA key.")
    kind = hashes.SHA1() if algorithm == "rsa-sha1" else hashes.SHA256()  # noqa: S303
    try:
        key.verify(signature, message, padding.PKCS1v15(), kind)
    except InvalidSignature:
        return False
    return True
