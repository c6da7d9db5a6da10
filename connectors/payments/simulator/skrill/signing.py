"""Skrill's digests. Source: Quick Checkout guide, annex on md5sig and sha2sig.

md5sig is upper-hex MD5 over merchant id, transaction id, the upper-hex MD5 of the secret word,
mb_amount, mb_currency and status, each exactly as posted; sha2sig is the same with SHA-256.
The API and MQI password goes over the wire as lower-hex MD5.
"""

import hashlib
import hmac


def lower_md5(text: str) -> str:
    """Return lower-hex MD5."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def message(secret_word: str, fields: dict[str, str]) -> str:
    """Return what both signatures cover."""
    return "".join(
        (
            fields["merchant_id"],
            fields["transaction_id"],
            lower_md5(secret_word).upper(),
            fields["mb_amount"],
            fields["mb_currency"],
            fields["status"],
        )
    )


def signatures(secret_word: str, fields: dict[str, str]) -> dict[str, str]:
    """Return both signatures of a status report."""
    covered = message(secret_word, fields)
    return {
        "md5sig": lower_md5(covered).upper(),
        "sha2sig": hashlib.sha256(covered.encode()).hexdigest().upper(),
    }


def password_fits(password: str, given: str) -> bool:
    """Return whether the sent digest is the password's."""
    return hmac.compare_digest(lower_md5(password).encode(), given.encode())
